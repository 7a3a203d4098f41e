"""Functions in C that get no memory to work in cost a caller an answer, but not the service its process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.backbones.conv4 import Conv4
from models.heads import Head
from models.initialization import save
from models.inner_rule import InnerRule
from models.kernels.native.compiled import library
from models.learner import Learner
from service.background import jobs
from tests.made_confidence import constant_confidence
from tests.scarce_memory import ALL, scarce_memory
from tests.service.made_images import drawing, zipped
from tests.service.tiny_learners import OF_DRAWINGS
from tests.service.tiny_service import LIKE_PHOTOS, ended, save_like_photos, serving

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler here")
SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
MOVING = "moving"


def save_moving(folder: Path) -> None:
    """Write an initialization that adapts by the compiled functions: 16 channels are the fewest they take."""
    learner = Learner(Conv4(width=16), Head("prototype"), InnerRule("all", 1))
    save(
        folder,
        name=MOVING,
        learner=learner,
        phi=learner.initial(0),
        preprocessing=OF_DRAWINGS,
        confidence=constant_confidence(),
        facts={"description": "untrained, for tests"},
    )


def classify(client: TestClient, model: str) -> Any:
    files = [*SUPPORT, ("query", ("q.png", drawing(3)))]
    return client.post("/v1/classify", files=files, data={"labels": ["a", "b"], "model": model})


@pytest.mark.parametrize(("model", "save_it"), [(LIKE_PHOTOS, save_like_photos), (MOVING, save_moving)])
def test_callers_are_told_to_come_again(tmp_path: Path, model: str, save_it: Callable[[Path], Any]) -> None:
    save_it(tmp_path / "initializations" / model)
    with scarce_memory() as scarce, serving(tmp_path) as client:
        scarce.count()
        expected = classify(client, model).json()
        requests = scarce.requests
        assert requests > 0
        for first in range(0, requests, 1 + requests // 10):
            with scarce.refusing(first, ALL):
                answer = classify(client, model)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "not enough memory" in answer.json()["detail"]
            assert scarce.not_given_back == 0
        assert classify(client, model).json() == expected


def test_a_job_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_LOOK_S", 0.02)
    save_like_photos(tmp_path / "initializations" / LIKE_PHOTOS)
    with scarce_memory() as scarce, serving(tmp_path) as client:
        data = {"labels": ["a", "b"], "model": LIKE_PHOTOS}
        task = client.post("/v1/tasks", files=SUPPORT, data=data).json()["id"]
        with scarce.refusing(0, 2):
            files = {"archive": ("i.zip", zipped({"1.png": drawing(3)}))}
            job = client.post(f"/v1/tasks/{task}/jobs", files=files).json()["id"]
            state = ended(client, job)
            assert scarce.requests > 2
    assert (state["status"], state["done"], state["errors"]) == ("done", 1, 0)
