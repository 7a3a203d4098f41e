"""Which initializations are offered, and which of them answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bentoml
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from PIL import Image

from models.images.preprocessing import Preprocessing
from models.initialization import CARD, WEIGHTS, Initialization, load, shipped
from service import registry
from service.computing.colourfulness import are_colourful
from service.problems import Problem
from service.registry import AUTO, Registry, open_registry
from tests.service.tiny_service import TINY, save_tiny

PUBLISHED = registry._published  # before any test replaces it


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What ships and what is published is offered as in the service; the model store is the test's own."""
    monkeypatch.setattr(registry, "shipped", shipped)
    monkeypatch.setattr(registry, "_published", PUBLISHED)
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
    save_tiny(folder / "one")
    save_tiny(folder / "broken", name="broken")
    (folder / "broken" / WEIGHTS).write_bytes(b"")
    offered = [one.name for one in open_registry(tmp_path).offered]
    assert offered == sorted({*(load(path).name for path in shipped().values()), TINY})
    assert "broken" in caplog.text


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
    assert offering.choose("ours", lambda: False).version == made.version


def test_the_latest_version_answers_and_former_ones_stay_for_their_tasks(tmp_path: Path) -> None:
    old, new = save_tiny(tmp_path / "1", seed=0), save_tiny(tmp_path / "2", seed=1)
    both = Registry([old, new])
    assert both.offered == [new]
    assert both.choose(TINY, lambda: False) is new
    assert both.kept(TINY, old.version) is old
    assert both.kept(TINY, "no longer there") is new
    with pytest.raises(Problem) as gone:
        both.kept("gone", old.version)
    assert gone.value.status == 409


def test_auto_takes_the_kind_that_the_colours_suggest(tmp_path: Path) -> None:
    drawings = save_tiny(tmp_path / "d")
    photos = as_photo(drawings, "photos")
    both = Registry([photos, drawings])
    assert both.choose(AUTO, lambda: True) is photos
    assert both.choose(AUTO, lambda: False) is drawings
    assert Registry([drawings]).choose(AUTO, lambda: True) is drawings


def test_without_any_it_says_so() -> None:
    with pytest.raises(Problem) as none:
        Registry([]).choose(AUTO, lambda: False)
    assert none.value.status == 503


@pytest.mark.parametrize(
    ("image", "colourful"),
    [
        (Image.new("L", (50, 50), 128), False),
        (Image.new("RGB", (50, 50), (250, 244, 236)), False),  # paper under warm light
        (
            Image.merge(
                "RGB", [Image.radial_gradient("L"), Image.linear_gradient("L"), Image.new("L", (256, 256))]
            ),
            True,
        ),
    ],
)
def test_colourfulness(image: Image.Image, colourful: bool) -> None:
    assert are_colourful([image]) is colourful
