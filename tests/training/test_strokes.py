"""Invented handwriting: the same for the same indices, new for others, and characters that can be told apart."""

import numpy as np
import pytest
import torch
from PIL import Image

from models.images.preprocessing import Preprocessing
from training.datasets import strokes
from training.datasets.class_images import DataError
from training.datasets.stroke_programmes import CLASSES_PER_ALPHABET, programme
from training.datasets.strokes import Strokes
from training.tasks.episodes import EpisodeSampler

DRAWING = Preprocessing("drawing", 28, 1)


@pytest.fixture(scope="module")
def data():
    return strokes.load("train", DRAWING, classes=100, examples=20)


def test_images_are_ink_on_an_empty_background(data):
    images = Strokes(0, 28).images(list(range(50)), [0] * 50)
    assert images.shape == (50, 1, 28, 28)
    assert images.dtype == torch.float32
    assert images.min() == 0
    assert images.amax((1, 2, 3)).min() > 0.6
    shares = (data.images > 64).float().mean((1, 2, 3))
    assert 0.04 < shares.mean() < 0.2
    assert shares.min() > 0.005


@pytest.mark.parametrize("margin", [None, 0.1])
def test_an_image_depends_on_its_indices_alone(margin):
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(0, 80, (300,), generator=generator).tolist()
    examples = torch.randint(0, 1000, (300,), generator=generator).tolist()
    whole = Strokes(5, 28, margin).images(classes, examples)
    for size in (1, 7, 128):
        drawing = Strokes(5, 28, margin)
        parts = [drawing.images(classes[at : at + size], examples[at : at + size]) for at in range(0, 300, size)]
        assert torch.equal(torch.cat(parts), whole)
    backwards = Strokes(5, 28, margin).images(classes[::-1], examples[::-1])
    assert torch.equal(backwards.flip(0), whole)


def test_seed_class_and_example_each_make_a_difference(data):
    flat = data.images.flatten(1)
    assert len(torch.unique(flat, dim=0)) == len(flat)
    other = strokes.load("train", DRAWING, seed=1, classes=100, examples=20)
    assert not (other.images == data.images).flatten(1).all(1).any()


def test_splits_share_no_character():
    parts = {
        split: strokes.load(split, DRAWING, classes=60, examples=2) for split in ("train", "validation", "test")
    }
    names = [name for part in parts.values() for name in part.classes]
    assert len(set(names)) == 180
    groups = [set(part.groups) for part in parts.values()]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    everything = torch.cat([part.images for part in parts.values()]).flatten(1)
    assert len(torch.unique(everything, dim=0)) == 360


def test_a_longer_list_begins_with_the_shorter_one(data):
    part = strokes.load("train", DRAWING, classes=30, examples=5)
    assert part.classes == data.classes[:30]
    assert part.groups[::CLASSES_PER_ALPHABET] == ("alphabet0000", "alphabet0001")
    assert torch.equal(part.of_class(29), data.of_class(29)[:5])
    later = Strokes(0, 28).class_images(range(50, 52), 20)
    assert later.classes == data.classes[50:52]
    assert torch.equal(later.images, torch.cat([data.of_class(50), data.of_class(51)]))


def test_characters_can_be_told_apart_though_hands_differ(data):
    for within_group in (0, 1):
        sampler = EpisodeSampler(data, ways=20, shots=5, queries=5, seed=0, within_group=within_group)
        batch = sampler.batch(0, 20)
        prototypes = torch.einsum("tsn,tsp->tnp", batch.support.membership(), batch.support.images.flatten(2)) / 5
        nearest = torch.cdist(batch.query_images.flatten(2), prototypes).argmin(-1)
        accuracy = (nearest == batch.query_labels).float().mean()
        # Chance is 0.05; raw pixels must not be enough either, or there would be nothing to learn.
        assert 0.3 < accuracy < 0.7


def test_programmes_vary_in_strokes_and_joints():
    programmes = [programme(0, index) for index in range(200)]
    counts = np.bincount([len(entry.strokes) for entry in programmes], minlength=6)
    assert counts[0] == 0
    assert counts[1:].min() > 5
    joined = np.concatenate([entry.parents[1:] >= 0 for entry in programmes])
    assert 0.6 < joined.mean() < 0.95
    for entry in programmes:
        assert entry.parents[0] == -1
        assert (entry.parents < np.arange(len(entry.parents))).all()
        assert np.abs(entry.strokes).max() <= 0.5 + 1e-9
        for index in np.flatnonzero(entry.parents >= 0):
            own, at = entry.joints[index]
            assert np.allclose(entry.strokes[index, own], entry.strokes[entry.parents[index], at])


def test_margin_frames_the_ink_as_preprocessing_does():
    framing = Preprocessing("drawing", 28, 1, margin=0.1)
    framed = strokes.load("train", framing, classes=40, examples=2)
    sheets = Strokes(0, 168).class_images(range(40), 2).images
    same = [framing.levels(Image.fromarray(255 - sheet[0].numpy()))[0].float() / 255 for sheet in sheets]
    drawn = framed.images[:, 0].float() / 255
    # A drawing that runs off its sheet is cut there, which a direct drawing of the frame cannot know.
    whole = [bool(sheet[0, [0, -1]].max() == 0 and sheet[0, :, [0, -1]].max() == 0) for sheet in sheets]
    apart = torch.stack(same)[whole].sub(drawn[whole]).abs().mean((1, 2))
    assert sum(whole) > 50
    assert apart.median() < 0.03
    assert apart.max() < 0.1


def test_photos_and_too_few_are_refused():
    with pytest.raises(DataError, match="strokes are drawings"):
        strokes.load("train", Preprocessing("photo", 28, 3, mean=(0.0,) * 3, std=(1.0,) * 3))
    for options in ({"classes": 1}, {"examples": 1}):
        with pytest.raises(DataError, match="at least 2 classes and 2 examples"):
            strokes.load("train", DRAWING, **options)
