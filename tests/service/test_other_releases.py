"""Jobs that another release left, whose classifiers it pinned in a form that this release cannot read."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from models.initialization import Initialization
from service.background import jobs
from service.background.jobs import Jobs
from service.components import Components
from service.computing.classifier import Classifier
from service.computing.engine import Engine
from service.computing.pinned import DESCRIPTION, FORMAT, TENSORS, UnreadablePin, load_pinned, pin
from service.computing.repinning import LostClassifier, Repinning
from service.registry import Registry
from service.store.job_store import JobStore
from tests.service.made_images import drawing, zipped
from tests.service.tiny_service import TINY, ended, save_tiny, serving

# As the first release with a format pinned a classifier of the kind that ships as `photos`.
OF_FORMAT = Path(__file__).parent / f"pin_of_format_{FORMAT}"
IMAGES = {f"{seed}.png": drawing(seed) for seed in (5, 6, 7)}


def old(folder: Path) -> None:
    """Make a pinned classifier one of a release before formats, whose estimates had other weights."""
    description = json.loads((folder / DESCRIPTION).read_bytes())
    del description["format"]
    for formula in ("of_means", "of_left_out"):
        expected = description["confidence"]["expectation"][formula]
        expected["spread"] = expected.pop("below")
        del expected["above"]
    (folder / DESCRIPTION).write_text(json.dumps(description))


def newer(folder: Path) -> None:
    description = json.loads((folder / DESCRIPTION).read_bytes())
    (folder / DESCRIPTION).write_text(json.dumps(description | {"format": FORMAT + 1}))


def damaged(folder: Path) -> None:
    (folder / TENSORS).write_bytes(b"no tensors")


def unreadable(folder: Path) -> None:
    (folder / DESCRIPTION).write_bytes(b"{")


def started(client: TestClient) -> tuple[str, str]:
    """Make a task and a job of it; give both ids."""
    support = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2, 3, 3)]  # a copy, too
    made = client.post("/v1/tasks", files=support, data={"labels": ["a", "b", "b", "b"]}).json()
    given = {"keep_known": "0.8"}
    answer = client.post(f"/v1/tasks/{made['id']}/jobs", files={"archive": ("i.zip", zipped(IMAGES))}, data=given)
    assert answer.status_code == 202, answer.text
    return made["id"], answer.json()["id"]


@pytest.fixture
def pinned_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], None]], threading.Event]:
    """Let another release pin jobs' classifiers; they are scored once the event that this gives is set."""
    may_begin, score = threading.Event(), Jobs._score

    def waiting(self: Jobs, job: Any) -> None:
        may_begin.wait(30)
        score(self, job)

    def by(release: Callable[[Path], None]) -> threading.Event:
        def pinned(classifier: Classifier, folder: Path) -> None:
            pin(classifier, folder)
            release(folder)

        monkeypatch.setattr(jobs, "pin", pinned)
        monkeypatch.setattr(Jobs, "_score", waiting)
        return may_begin

    return by


def test_what_was_pinned_in_this_format_means_the_same_still() -> None:
    """Otherwise ``FORMAT`` has to be raised, for which a pin of the new one is to be stored here instead."""
    ramp = torch.linspace(0, 1, 3 * 24 * 24).reshape(3, 24, 24)
    found = load_pinned(OF_FORMAT).answers([("q", ramp), ("r", 1 - 2 * ramp)], lambda: None)
    for answer, label, shares, known in zip(
        found, "ab", ([0.62582, 0.29321, 0.08096], [0.04739, 0.64179, 0.31082]), (0.61101, 0.24815), strict=True
    ):
        assert (answer["label"], answer["unknown"]) == (label, True)
        assert list(answer["probabilities"].values()) == pytest.approx(shares, abs=1e-3)
        assert answer["nearest"][0]["similarity"] == pytest.approx(known, abs=1e-3)


def test_for_want_of_memory_no_pin_is_taken_for_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(content: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("safetensors.torch.load", short)
    with pytest.raises(MemoryError):
        load_pinned(OF_FORMAT)


@pytest.mark.parametrize("release", [old, newer, damaged])
def test_a_job_goes_on_by_the_same_classifier(
    tmp_path: Path, pinned_by: Callable[..., threading.Event], release: Callable[[Path], None]
) -> None:
    may_begin = pinned_by(release)
    with serving(tmp_path) as client:
        task, job = started(client)
        folder = tmp_path / "jobs" / job
        with pytest.raises(UnreadablePin):
            load_pinned(folder)
        may_begin.set()
        assert ended(client, job)["status"] == "done"
        rows = [json.loads(line) for line in client.get(f"/v1/jobs/{job}/results").text.splitlines()]
        files = [("query", (name, content)) for name, content in IMAGES.items()]
        answer = client.post(f"/v1/tasks/{task}/classify", files=files, data={"keep_known": "0.8"}).json()
    assert rows == answer["predictions"]
    assert json.loads((folder / DESCRIPTION).read_bytes())["format"] == FORMAT


@pytest.mark.parametrize("change", ["/examples", "", "unreadable"])
def test_a_job_whose_classifier_cannot_be_made_again_says_what_to_do(
    tmp_path: Path, pinned_by: Callable[..., threading.Event], change: str
) -> None:
    may_begin = pinned_by(unreadable if change == "unreadable" else old)
    with serving(tmp_path) as client:
        task, job = started(client)
        if change == "/examples":
            files = {"support": ("4.png", drawing(4))}
            assert client.post(f"/v1/tasks/{task}/examples", files=files, data={"labels": "a"}).status_code == 200
        elif change == "":
            assert client.delete(f"/v1/tasks/{task}").status_code == 204
        may_begin.set()
        state = ended(client, job)
        kept = [client.get(f"/v1/jobs/{job}/results?format={one}") for one in ("jsonl", "csv", "parquet")]
    assert [answer.status_code for answer in kept] == [200, 200, 200]
    assert state["status"] == "failed"
    assert state["error"].endswith("start the job again")
    assert "'" not in state["error"], "no representation of a Python object"


@dataclass
class Pinned:
    """A task's pinned classifier, in the form of another release."""

    task: str
    classifier: Classifier
    folder: Path
    components: Components

    def again(self, initialization: Initialization, *, begun: bool) -> Classifier:
        engine = Engine(self.components.settings)
        made = Repinning(Registry([initialization]), engine, self.components.tasks)
        try:
            return made.again(self.folder, self.task, begun=begun, check=lambda: None)
        finally:
            engine.close()


@pytest.fixture
def pinned(tmp_path: Path) -> Any:
    with serving(tmp_path) as client:
        task, job = started(client)
        ended(client, job)
        components = client.app.state.components
        classifier = replace(asyncio.run(components.classifiers.of_task(task)), keep_known=0.8)
        folder = tmp_path / "pinned"
        folder.mkdir()
        pin(classifier, folder)
        old(folder)
        yield Pinned(task, classifier, folder, components)


@pytest.mark.parametrize("begun", [False, True])
def test_by_the_initialization_that_it_was_made_from(pinned: Pinned, tmp_path: Path, begun: bool) -> None:
    made = pinned.again(save_tiny(tmp_path / "same"), begun=begun)
    assert made.version == pinned.classifier.version
    assert made.keep_known == 0.8
    asked = [("q", torch.rand(1, 28, 28))]
    assert made.answers(asked, lambda: None) == pinned.classifier.answers(asked, lambda: None)


def test_by_another_initialization_no_job_goes_on_that_has_begun(pinned: Pinned, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "other", name=TINY, seed=1)
    with pytest.raises(LostClassifier):
        pinned.again(other, begun=True)
    assert pinned.again(other, begun=False).version == other.version
    assert load_pinned(pinned.folder).version == other.version, "which is from now on the job's"


def test_a_job_has_begun_once_it_has_a_row(
    tmp_path: Path, pinned_by: Callable[..., threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned_by(old)
    monkeypatch.setattr(JobStore, "start_next", lambda _: None)
    monkeypatch.setattr(Repinning, "again", lambda *_, begun, check: begun)
    with serving(tmp_path) as client:
        _, job = started(client)
        own = client.app.state.components.jobs
        of_rows = [replace(own.store.job(job), done=done) for done in (0, 1)]
        assert [own._scoring._classifier(one) for one in of_rows] == [False, True]


def test_a_stop_does_not_wait_for_it(
    tmp_path: Path, pinned_by: Callable[..., threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_begin = pinned_by(old)
    with serving(tmp_path) as client:
        _, job = started(client)
        client.app.state.components.jobs._stopping.set()
        may_begin.set()
    with pytest.raises(UnreadablePin):
        load_pinned(tmp_path / "jobs" / job)
    monkeypatch.undo()
    with serving(tmp_path) as client:
        assert ended(client, job)["status"] == "done"
