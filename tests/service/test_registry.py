"""Which initializations are offered, and which of them answers."""

import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from models.choice import AUTO
from models.images.preprocessing import Preprocessing
from models.initialization import CARD, WEIGHTS, Initialization, load, shipped
from models.published import Published, published
from service import registry
from service.computing.choosing import prepare_support
from service.problems import Problem
from service.registry import Registry, open_registry
from service.uploads.images import Example
from tests.service.made_images import drawing, photograph
from tests.service.tiny_service import TINY, save_tiny


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What ships and what is published is offered as in the service; the model store is the test's own."""
    monkeypatch.setattr(registry, "shipped", shipped)
    monkeypatch.setattr(registry, "published", published)
    (tmp_path / "store").mkdir()
    BentoMLContainer.model_store.set(ModelStore(str(tmp_path / "store")))
    yield
    BentoMLContainer.model_store.reset()


def as_photo(initialization: Initialization, name: str) -> Initialization:
    photo = Preprocessing("photo", 28, 3, mean=(0.0,) * 3, std=(1.0,) * 3)
    return replace(initialization, name=name, preprocessing=photo)


def test_offers_folders_beside_the_shipped_ones_and_leaves_damaged_ones_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "initializations"
    save_tiny(folder / TINY)
    save_tiny(folder / "broken")
    (folder / "broken" / WEIGHTS).write_bytes(b"")
    offered = [one.name for one in open_registry(tmp_path).offered]
    assert offered == sorted({*(load(path).name for path in shipped().values()), TINY})
    assert "broken" in caplog.text


def test_a_folder_without_a_card_is_left_out_and_the_log_says_where_the_initialization_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "initializations"
    save_tiny(own / TINY)
    save_tiny(own / "whole-run" / "initialization")
    save_tiny(own / "half")
    (own / "half" / CARD).unlink()
    (own / ".hidden").mkdir()
    (own / "notes.txt").write_text("not a folder")
    assert TINY in [one.name for one in open_registry(tmp_path).offered]
    assert "half" not in [one.name for one in open_registry(tmp_path).offered]
    run = own / "whole-run"
    assert f"{run} is a whole run: put its folder {run / 'initialization'} in its place" in caplog.text
    assert f"{own / 'half' / CARD} is missing" in caplog.text
    assert ".hidden" not in caplog.text
    assert "notes.txt" not in caplog.text


def test_another_users_folder_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "initializations"
    save_tiny(own / TINY)
    save_tiny(own / "locked")
    for name in ("stat", "read_bytes"):
        read = getattr(Path, name)

        def denied(self: Path, *given: Any, read: Callable[..., Any] = read, **named: Any) -> Any:
            if self.parent == own / "locked":
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            return read(self, *given, **named)

        monkeypatch.setattr(Path, name, denied)
    offered = [one.name for one in open_registry(tmp_path).offered]
    assert TINY in offered
    assert "locked" not in offered
    assert f"{own / 'locked' / CARD} cannot be read: Permission denied" in caplog.text


def test_a_folder_of_initializations_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(self: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", denied)
    assert open_registry(tmp_path).offered
    assert f"left out all of {tmp_path / 'initializations'}: Permission denied" in caplog.text


def test_offers_what_is_published_under_its_published_name(tmp_path: Path) -> None:
    made = save_tiny(tmp_path / "made")
    with bentoml.models.create("ours", labels={"metashot": "initialization"}) as model:
        for file in (WEIGHTS, CARD):
            Path(model.path_of(file)).write_bytes((tmp_path / "made" / file).read_bytes())
    with bentoml.models.create("foreign"):
        pass
    offering = open_registry(tmp_path)
    names = {one.name for one in offering.offered}
    assert "ours" in names
    assert "foreign" not in names
    assert [one.version for one in offering.candidates("ours")] == [made.version]


def test_a_folder_is_offered_by_its_own_name_not_its_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ships = save_tiny(tmp_path / "shipped", name="strokes", seed=0)
    monkeypatch.setattr(registry, "shipped", lambda: {"strokes": tmp_path / "shipped"})
    own = tmp_path / "initializations"
    made = {name: save_tiny(own / name, name="strokes", seed=seed) for seed, name in enumerate(("a", "b"), 1)}
    save_tiny(own / AUTO, name="strokes", seed=3)
    save_tiny(own / "two\nlines", name="strokes", seed=4)
    offering = open_registry(tmp_path)
    assert {one.name: one.version for one in offering.offered} == {
        "a": made["a"].version,
        "b": made["b"].version,
        "strokes": ships.version,
    }
    assert f"{own / AUTO}: by 'auto' the service chooses among all; rename the folder" in caplog.text
    assert "line breaks; leave them out; rename the folder" in caplog.text
    save_tiny(own / "strokes", name="other", seed=5)
    assert [one.version for one in open_registry(tmp_path).candidates("strokes")] != [ships.version]


def test_a_shipped_name_means_what_ships_except_to_tasks_made_with_a_published_one_or_if_a_folder_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = {name: save_tiny(tmp_path / name, seed=seed) for seed, name in enumerate(("a", "b", "old", "other"))}
    monkeypatch.setattr(registry, "shipped", lambda: {name: tmp_path / name for name in ("a", "b")})
    stored = [Published("b", made["old"].version, tmp_path / "old"), Published("c", "1", tmp_path / "other")]
    monkeypatch.setattr(registry, "published", lambda: stored)
    offering = open_registry(tmp_path)
    offered = [("a", made["a"].version), ("b", made["b"].version), ("c", made["other"].version)]
    assert [(one.name, one.version) for one in offering.candidates(AUTO)] == offered
    assert offering.kept("b", made["old"].version).version == made["old"].version
    assert f"b:{made['old'].version} of the model store has the name of a shipped" in caplog.text
    folder = tmp_path / "initializations" / "b"
    own = save_tiny(folder, seed=9)
    assert [one.version for one in open_registry(tmp_path).candidates("b")] == [own.version]
    assert f"{folder} takes the place of the shipped b" in caplog.text


def test_a_task_stays_with_its_initialization_under_another_name(tmp_path: Path) -> None:
    former, other = save_tiny(tmp_path / "1", seed=0), save_tiny(tmp_path / "2", seed=1)
    renamed = replace(former, name="renamed")
    assert Registry([renamed, other]).kept(TINY, former.version) is renamed
    assert Registry([renamed, former, other]).kept(TINY, former.version) is former


def test_what_the_model_store_cannot_read_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_tiny(tmp_path / "made")
    with bentoml.models.create("ours:1", labels={"metashot": "initialization"}) as model:
        for file in (WEIGHTS, CARD):
            Path(model.path_of(file)).write_bytes((tmp_path / "made" / file).read_bytes())
    store = tmp_path / "store"
    unreadable = {
        store / "other" / "abc123": None,
        store / "ours" / "2": "name: ours\nversion: [",
        store / "not a tag" / "1": "",
    }
    for folder, described in unreadable.items():
        folder.mkdir(parents=True)
        if described is not None:
            (folder / "model.yaml").write_text(described)
    assert [(one.name, one.version) for one in published()] == [("ours", "1")]
    for folder in unreadable:
        assert f"left out {folder} of the model store" in caplog.text


def test_the_latest_version_answers_and_former_ones_stay_for_their_tasks(tmp_path: Path) -> None:
    old, new = save_tiny(tmp_path / "1", seed=0), save_tiny(tmp_path / "2", seed=1)
    both = Registry([old, new])
    assert both.offered == [new]
    assert both.candidates(TINY) == [new]
    assert both.kept(TINY, old.version) is old
    assert both.kept(TINY, "no longer there") is new
    with pytest.raises(Problem) as gone:
        both.kept("gone", "no longer there")
    assert gone.value.status == 409


def test_auto_chooses_again_among_what_would_serve_the_task(tmp_path: Path) -> None:
    """Of a name, one version is compared: the task's own while it is offered under that name."""
    old, new, other = (save_tiny(tmp_path / str(seed), seed=seed) for seed in range(3))
    other = replace(other, name="other")
    assert Registry([old, other, new]).candidates_again(TINY, old.version) == [old, other]
    assert Registry([new, other]).candidates_again(TINY, old.version) == [new, other]
    renamed = replace(old, name="renamed")
    assert Registry([new, renamed]).candidates_again(TINY, old.version) == [new, renamed]
    with pytest.raises(Problem) as none:
        Registry([]).candidates_again(TINY, old.version)
    assert none.value.status == 503


def test_auto_takes_the_kind_that_the_images_show(tmp_path: Path) -> None:
    drawings = save_tiny(tmp_path / "d")
    photos = as_photo(drawings, "photos")

    def chosen(offered: Sequence[Initialization], content: Callable[[int], bytes]) -> str:
        examples = [(None, Example(f"{k}.png", content(k), 10**6, label=str(k % 2))) for k in range(6)]
        return prepare_support(Registry(offered), AUTO, examples, lambda: None)[0].name

    assert chosen([photos, drawings], drawing) == drawings.name
    assert chosen([photos, drawings], photograph) == photos.name
    assert chosen([drawings], photograph) == drawings.name
    with pytest.raises(Problem) as unknown:
        Registry([drawings]).candidates("nothing")
    assert unknown.value.status == 422


def test_without_any_it_says_so() -> None:
    with pytest.raises(Problem) as none:
        Registry([]).candidates(AUTO)
    assert none.value.status == 503


def test_of_several_of_a_kind_what_ships_answers_where_nothing_else_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(tmp_path / "shipped", name="photos")
    monkeypatch.setattr(registry, "shipped", lambda: {"photos": tmp_path / "shipped"})
    monkeypatch.setattr(registry, "published", lambda: [Published("birds", "1", tmp_path / "shipped")])
    save_tiny(tmp_path / "initializations" / "animals", name="photos")
    offering = open_registry(tmp_path)
    assert [one.name for one in offering.offered] == ["animals", "birds", "photos"]
    assert [one.name for one in offering.candidates(AUTO)] == ["photos", "birds", "animals"]
    one_shot = [(None, Example(f"{k}.png", drawing(k), 10**6, label=str(k))) for k in range(3)]
    assert prepare_support(offering, AUTO, one_shot, lambda: None)[0].name == "photos"
