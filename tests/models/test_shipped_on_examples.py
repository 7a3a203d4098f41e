"""What ships, on the example drawings: the answers, estimates and choice that whoever tries them gets."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from models.choice import Examples, choose
from models.initialization import load, shipped
from models.support import Support
from models.support_geometry import SupportGeometry

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NAMES = sorted(folder.name for folder in (EXAMPLES / "support").iterdir())


def drawings(of):
    paths = sorted((EXAMPLES / of).glob("*/*.png"))
    return torch.tensor([NAMES.index(path.parent.name) for path in paths]), [Image.open(path) for path in paths]


@pytest.fixture(scope="module")
def characters():
    return load(shipped()["characters"])


@pytest.fixture(scope="module")
def support(characters):
    labels, images = drawings("support")
    return Support.of_task(characters.preprocessing.many(images), labels)


def test_characters_tells_the_example_drawings_apart(characters, support):
    labels, images = drawings("query")
    assert len(labels) == 24
    with torch.no_grad():
        theta = characters.learner.adapt(characters.phi, support)
        logits = characters.learner.predict(theta, characters.preprocessing.many(images)[None])
    assert int((logits[0].argmax(-1) == labels).sum()) >= 22


@pytest.mark.parametrize(("shots", "wanted"), [(2, (0.9965, 0.9796, 1.0)), (1, (0.9884, 0.9294, 1.0))])
def test_characters_expects_of_the_examples_what_it_did_when_it_was_shipped(characters, support, shots, wanted):
    """A card's weights hold for the formula that they were fitted with; only a new fit changes these numbers."""
    every = slice(None, None, 3 - shots)  # two drawings of each letter, one after the other
    some = Support.of_task(support.images[0, every], support.labels[0, every])
    geometry = SupportGeometry.of(characters.embedding(some.images[0])[None], some)
    (found,) = characters.confidence.expectation.estimates(geometry)
    assert (found.accuracy, found.low, found.high) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)])
def test_auto_takes_characters_for_the_examples(order):
    labels, images = drawings("support")
    candidates = [load(shipped()[name]) for name in order(shipped())]
    assert len(candidates) > 1
    examples = Examples([NAMES[label] for label in labels], images.__getitem__)
    assert choose(candidates, examples).name == "characters"
