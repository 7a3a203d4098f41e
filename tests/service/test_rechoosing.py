"""``auto`` chooses again when a task's examples change: the task is always what a fresh one would be."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from models.choice import AUTO
from models.initialization import Initialization
from service.app import create_app
from service.computing.choosing import Rechoosing
from service.routes import tasks
from service.settings import INITIALIZATIONS, Settings
from service.store.examples import Revision, StoredExample
from service.store.task_store import Fitted, Task
from service.uploads import images
from tests.service.made_images import drawing, photograph
from tests.service.tiny_service import LIKE_PHOTOS, TINY, save_like_photos, save_tiny, serving

QUERIES = [("query", (f"q{seed}.png", kind(seed))) for seed in (21, 22) for kind in (drawing, photograph)]
DRAWN = {f"d{seed}.png": ("ab"[seed % 2], drawing(seed)) for seed in range(4)}
TAKEN = {f"p{seed}.png": ("abc"[seed % 3], photograph(seed)) for seed in range(12)}
Named = dict[str, tuple[str, bytes]]  # label and image by file name


@dataclass(frozen=True)
class Served:
    client: TestClient

    def create(self, examples: Named, model: str = AUTO) -> Any:
        answer = self.client.post("/v1/tasks", **form(examples, model))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def add(self, task: Any, examples: Named, model: str = AUTO) -> Any:
        answer = self.client.post(f"/v1/tasks/{task['id']}/examples", **form(examples, model))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def remove(self, task: Any, examples: Named) -> Any:
        for one in task["examples"]:
            if one["filename"] in examples:
                answer = self.client.delete(f"/v1/tasks/{task['id']}/examples/{one['id']}")
                assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, task: Any) -> list[dict[str, Any]]:
        answer = self.client.post(f"/v1/tasks/{task['id']}/classify", files=QUERIES)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == task["model"]
        predictions: list[dict[str, Any]] = answer.json()["predictions"]
        for near in (near for one in predictions for near in one["nearest"]):
            del near["id"]
        return predictions

    def is_fresh(self, task: Any, examples: Named) -> bool:
        """Whether a task answers as one that is made of the examples at once."""
        fresh = self.create(examples)
        alike = [(one["model"], one["classes"], one["estimate"]) for one in (task, fresh)]
        return alike[0] == alike[1] and self.ask(task) == self.ask(fresh)


def with_other_images(examples: Named, kind: Callable[[int], bytes], first: int) -> Named:
    """The same names and labels for other images."""
    return {name: (label, kind(first + place)) for place, (name, (label, _)) in enumerate(examples.items())}


def form(examples: Named, model: str) -> dict[str, Any]:
    files = [("support", (name, image)) for name, (_, image) in examples.items()]
    return {"files": files, "data": {"labels": [label for label, _ in examples.values()], "model": model}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("var")
    save_like_photos(data_dir / INITIALIZATIONS / LIKE_PHOTOS)
    with serving(data_dir) as client:
        yield Served(client)


def test_a_task_that_turns_into_one_of_photographs_and_back(served: Served) -> None:
    task = served.create(DRAWN)
    assert task["model"] == TINY
    task = served.add(task, TAKEN)
    assert task["model"] == LIKE_PHOTOS
    assert served.is_fresh(task, DRAWN | TAKEN)
    task = served.remove(task, DRAWN)
    assert task["model"] == LIKE_PHOTOS
    assert served.is_fresh(task, TAKEN)
    task = served.add(task, DRAWN)
    task = served.remove(task, TAKEN)
    assert task["model"] == TINY
    assert served.is_fresh(task, DRAWN)


def test_a_task_whose_model_was_named_keeps_it(served: Served) -> None:
    task = served.add(served.create(DRAWN, TINY), TAKEN)
    assert task["model"] == TINY
    assert served.remove(task, DRAWN)["model"] == TINY


def test_a_model_that_is_named_with_a_change_is_kept_in_it(served: Served) -> None:
    task = served.add(served.create(DRAWN), TAKEN, TINY)
    assert task["model"] == TINY
    task = served.remove(task, DRAWN)
    assert task["model"] == LIKE_PHOTOS
    path = f"/v1/tasks/{task['id']}/examples"
    assert served.client.post(path, **form(DRAWN, TINY)).json()["field"] == "model", "which is no longer its own"


def test_a_move_lets_it_choose_again(served: Served) -> None:
    task = served.add(served.create(DRAWN), TAKEN)
    lone = next(one for one in task["examples"] if one["filename"] in TAKEN)
    path = f"/v1/tasks/{task['id']}/examples/{lone['id']}"
    answer = served.client.post(path, json={"label": "new"}).json()
    moved = {lone["filename"]: ("new", TAKEN[lone["filename"]][1])}
    assert served.is_fresh(answer, DRAWN | TAKEN | moved)


def test_after_a_restart_too(tmp_path: Path) -> None:
    save_like_photos(tmp_path / INITIALIZATIONS / LIKE_PHOTOS)
    with serving(tmp_path) as client:
        chosen, named = (Served(client).create(DRAWN, model) for model in (AUTO, TINY))
    with serving(tmp_path) as client:
        served = Served(client)
        assert [served.add(task, TAKEN)["model"] for task in (chosen, named)] == [LIKE_PHOTOS, TINY]


def test_of_two_for_the_same_kind_the_better_one_of_then_is_taken(tmp_path: Path) -> None:
    """With one example a class nothing can be tried; with two, the task is compared with a fresh one."""
    for seed in range(1, 4):
        save_tiny(tmp_path / INITIALIZATIONS / f"z{seed}", seed=seed, moves="all" if seed == 1 else "head")
    with serving(tmp_path) as client:
        served = Served(client)
        single = {name: one for name, one in DRAWN.items() if name in ("d0.png", "d1.png")}
        models = set()
        for first in range(0, 40, 4):
            more = {f"m{seed}.png": ("ab"[seed % 2], drawing(seed)) for seed in range(first, first + 4)}
            task = served.create(single)
            assert task["model"] == TINY
            task = served.add(task, more)
            assert served.is_fresh(task, single | more)
            models.add(task["model"])
        assert len(models) > 1, "else there was nothing to choose"


def test_a_question_for_a_model_that_changes_while_it_is_sent(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = served.create(with_other_images(DRAWN, drawing, 500))
    read = tasks.read_upload

    async def slowly(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        await asyncio.to_thread(served.add, task, TAKEN)
        return await read(*given, **named)

    monkeypatch.setattr(tasks, "read_upload", slowly)
    answer = served.client.post(f"/v1/tasks/{task['id']}/classify", files=QUERIES, data={"model": TINY})
    assert (answer.status_code, answer.json()["field"]) == (422, "model")


@contextmanager
def serving_only(data_dir: Path) -> Iterator[Served]:
    """Serve by the initializations that lie in ``data_dir``, and no others."""
    with TestClient(create_app(Settings(data_dir=data_dir))) as client:
        yield Served(client)


def test_a_name_that_means_another_initialization_by_now(tmp_path: Path) -> None:
    """What answered under it is still offered, by another name, but is not what is chosen."""
    folder = tmp_path / INITIALIZATIONS
    save_tiny(folder / "ours")
    with serving_only(tmp_path) as served:
        task = served.create(DRAWN)
    (folder / "ours").rename(folder / "marks")
    save_like_photos(folder / "ours")
    with serving_only(tmp_path) as served:
        task = served.add(task, TAKEN)
        assert task["model"] == "ours"
        assert served.is_fresh(task, DRAWN | TAKEN)
        task = served.remove(task, TAKEN)
        assert task["model"] == "marks"
        assert served.is_fresh(task, DRAWN)


def test_an_initialization_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / INITIALIZATIONS
    save_tiny(folder / TINY)
    with serving_only(tmp_path) as served:
        chosen, named = (served.create(DRAWN, model) for model in (AUTO, TINY))
    (folder / TINY).rename(tmp_path / "gone")
    with serving_only(tmp_path) as served:
        change = f"/v1/tasks/{chosen['id']}/examples"
        refused = served.client.post(change, **form(TAKEN, AUTO))
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    save_like_photos(folder / LIKE_PHOTOS)
    with serving_only(tmp_path) as served:
        for task in (chosen, named):
            refused = served.client.post(f"/v1/tasks/{task['id']}/classify", files=QUERIES)
            assert refused.status_code == 409
            assert "examples change" in refused.json()["detail"]
        assert served.client.post(f"/v1/tasks/{named['id']}/examples", **form(TAKEN, AUTO)).status_code == 409
        task = served.add(chosen, TAKEN)
        assert task["model"] == LIKE_PHOTOS
        assert served.is_fresh(task, DRAWN | TAKEN)


def test_what_is_known_of_stored_images_is_not_found_out_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def noted(content: bytes, *args: Any, **named: Any) -> Image.Image:
        decoded.append(content)
        return decode(content, *args, **named)

    decode = images.decode
    monkeypatch.setattr(images, "decode", noted)
    task = served.create(with_other_images(TAKEN, photograph, 100))
    added = [photograph(seed) for seed in (200, 201)]
    served.add(task, {"new.png": ("a", added[0])})
    decoded.clear()
    served.add(task, {"newer.png": ("a", added[1])})
    assert set(decoded) == {added[1]}


def test_an_example_that_goes_meanwhile_is_noticed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task has changed then, so the change is made to what it is now."""
    task = served.create(with_other_images(DRAWN, drawing, 300))
    gone = task["examples"][0]["id"]
    choose, tries = Rechoosing.choose, []

    def interfered(
        self: Rechoosing, before: Task, stored: Sequence[StoredExample], *others: Any
    ) -> Initialization:
        tries.append([one.id for one in stored])
        if len(tries) == 1:
            fitted = Fitted(before.model, before.model_version, before.estimate)
            tasks = served.client.app.state.components.tasks
            tasks.change(before.id, before.version, Revision(removed=[gone]), fitted)
        return choose(self, before, stored, *others)

    monkeypatch.setattr(Rechoosing, "choose", interfered)
    after = served.add(task, {"p.png": ("b", photograph(400))})
    assert [gone in one for one in tries] == [True, False]
    assert {one["filename"] for one in after["examples"]} == {"d1.png", "d2.png", "d3.png", "p.png"}
