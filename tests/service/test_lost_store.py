"""DATA_DIR is moved away, or replaced, under a running service."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.store.database import FILE
from tests.service.made_images import drawing
from tests.service.tiny_service import serving

SUPPORT = [("support", (f"{seed}.png", drawing(seed))) for seed in (1, 2)]
QUERY = {"query": ("3.png", drawing(3))}


def create(client: TestClient) -> str:
    answer = client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def replace(data_dir: Path) -> None:
    shutil.copytree(data_dir.with_name("elsewhere"), data_dir)


@pytest.mark.parametrize("then", [lambda _: None, Path.mkdir, replace], ids=["gone", "empty", "a copy"])
def test_nothing_is_lost(tmp_path: Path, then: Callable[[Path], None]) -> None:
    data_dir, elsewhere = tmp_path / "var", tmp_path / "elsewhere"
    with serving(data_dir) as client:
        components = client.app.state.components
        task = create(client)
        assert components.ready
        data_dir.rename(elsewhere)
        then(data_dir)
        before = sorted(data_dir.rglob("*"))
        assert not components.ready
        for answer in (
            client.get(f"/v1/tasks/{task}"),
            client.get("/v1/jobs"),
            client.post("/v1/tasks", files=SUPPORT, data={"labels": ["a", "b"]}),
            client.post(f"/v1/tasks/{task}/examples", files=SUPPORT[:1], data={"labels": ["a"]}),
            client.post(f"/v1/tasks/{task}/jobs", files=QUERY),
            client.delete(f"/v1/tasks/{task}"),
        ):
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert "DATA_DIR" in answer.json()["detail"]
        assert sorted(data_dir.rglob("*")) == before
        shutil.rmtree(data_dir, ignore_errors=True)
        elsewhere.rename(data_dir)
        assert components.ready
        assert {create(client), task} == {one["id"] for one in client.get("/v1/tasks").json()["items"]}


def test_a_file_that_cannot_be_opened_for_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where too many files are open: SQLite says the same."""
    with serving(tmp_path) as client:
        create(client)
        engine = client.app.state.components.database._engine
        engine.dispose()
        held = tmp_path / "held"
        with monkeypatch.context() as patch:
            patch.setattr(engine.dialect, "connect", lambda *_, **__: engine.dialect.dbapi.connect(held / FILE))
            answer = client.get("/v1/tasks")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert client.get("/v1/tasks").status_code == 200
