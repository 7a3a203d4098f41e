"""Which initialization auto takes: by the look of images, and where that is no proof by trying them."""

from collections import Counter
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from models.backbones.conv4 import Conv4
from models.choice import Examples, choose, left_out_error
from models.heads import Head
from models.images import drawnness as module
from models.images.drawnness import EMPTY, drawnness
from models.images.preprocessing import Preprocessing
from models.initialization import Initialization
from models.inner_rule import InnerRule
from models.kernels.native import compiled
from models.kernels.native.drawnness import drawnness as in_c
from models.learner import Learner
from tests.made_confidence import constant_confidence


def drawn(images):
    """The images' mean drawnness, which decides."""
    return fmean(drawnness(images))


def initialization(kind, name, moves="head"):
    channels = 1 if kind == "drawing" else 3
    learner = Learner(Conv4(channels, 28, 8, groups=4), Head("prototype"), InnerRule(moves, 1))
    numbers = (0.0,) * channels, (1.0,) * channels
    preprocessing = Preprocessing(kind, 28, channels, mean=numbers[0], std=numbers[1])
    phi = learner.initial(seed=0)
    return Initialization(name, name, {}, learner, phi, preprocessing, constant_confidence())


DRAWINGS, PHOTOS = initialization("drawing", "drawings"), initialization("photo", "photos")


def drawing(seed):
    generator = np.random.default_rng(seed)
    sheet = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(sheet).line([tuple(point) for point in generator.uniform(5, 55, (4, 2))], fill=0, width=3)
    return sheet


def photo(seed):
    patches = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((60, 60), Image.Resampling.BICUBIC)


def coloured(image, ink, paper):
    return ImageOps.colorize(image.convert("L"), ink, paper)


def slanting(image):
    light = np.linspace(1.0, 0.5, image.width)[None, :, None]
    return Image.fromarray((np.asarray(image.convert("RGB")) * light).astype(np.uint8))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        ImageOps.invert,
        lambda image: coloured(image, (150, 30, 40), (250, 244, 236)),
        lambda image: slanting(coloured(image, (20, 20, 120), (255, 240, 215))),
        lambda image: Image.new("L", image.size, 128),
    ],
    ids=["as it is", "inverted", "coloured", "slanting light", "an empty sheet"],
)
def test_drawings_look_drawn_whatever_their_colours(change):
    assert drawn(change(drawing(seed)) for seed in range(20)) > 0.8


@pytest.mark.parametrize(
    "change", [lambda image: image, lambda image: image.convert("L"), ImageOps.invert, slanting]
)
def test_photographs_do_not_whatever_their_colours(change):
    assert drawn(change(photo(seed)) for seed in range(20)) < 0.5


def cut_out(seed):
    """A photographed thing, round, on white."""
    sheet = Image.new("RGB", (60, 60), (255, 255, 255))
    oval = Image.new("L", (40, 36), 0)
    ImageDraw.Draw(oval).ellipse((0, 0, 39, 35), fill=255)
    sheet.paste(photo(seed).resize((40, 36)), (10, 12), oval)
    return sheet


def filled(seed):
    """A drawing filled with ink."""
    sheet = Image.new("L", (60, 60), 255)
    corners = np.random.default_rng(seed).uniform(8, 52, (4, 2))
    ImageDraw.Draw(sheet).polygon([tuple(point) for point in corners], fill=40)
    return sheet


def test_a_thing_cut_out_on_white_is_no_drawing_but_a_filled_drawing_is():
    assert drawn(cut_out(seed) for seed in range(20)) < 0.65
    assert drawn(filled(seed) for seed in range(20)) > 0.78


def blot(seed):
    """Sometimes shaded, sometimes over the border, sometimes too faint, on paper of any tone."""
    made = np.random.default_rng(seed)
    width, height = (int(side) for side in made.integers(4, 65, 2))
    sheet = np.full((height, width), made.integers(0, 256))
    for _ in range(int(made.integers(0, 5))):
        top, left = made.integers(0, height), made.integers(0, width)
        patch = sheet[top : top + made.integers(1, 20), left : left + made.integers(1, 20)]
        patch[:] = made.integers(0, 256) + made.integers(0, 9, patch.shape)
    return sheet.clip(0, 255).astype(np.uint8)


@pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")
def test_in_c_drawnness_is_the_same_up_to_rounding():
    blots = [blot(seed) for seed in range(300)]
    told = in_c(blots, [module._strongest(one.size) for one in blots], module._BOUNDS)
    plain = np.array([module.of_levels(one) for one in blots])
    even = ~np.isnan(told)
    assert even.sum() > 200
    assert np.allclose(told[even], plain[even], rtol=0, atol=1e-12)
    assert len(set(plain[even])) > 150, "too much alike to tell anything"


def test_in_c_a_larger_image_is_refused():
    with pytest.raises(ValueError, match="65 x 3 pixels is larger than 64 x 64"):
        in_c([np.zeros((64, 64), np.uint8), np.zeros((3, 65), np.uint8)], [20, 5], module._BOUNDS)


def chosen(candidates, labels, images):
    return choose(candidates, Examples(labels, images.__getitem__)).name


def test_a_clear_look_decides():
    labels = list("aabb")
    for candidates in ([DRAWINGS, PHOTOS], [PHOTOS, DRAWINGS]):
        assert chosen(candidates, labels, [drawing(seed) for seed in range(4)]) == "drawings"
        assert chosen(candidates, labels, [photo(seed) for seed in range(4)]) == "photos"
    assert chosen([DRAWINGS], labels, [photo(seed) for seed in range(4)]) == "drawings"


def test_one_candidate_needs_no_look():
    def unreadable(_):
        raise AssertionError("nothing to decide")

    assert choose([PHOTOS], Examples(["a", "b"], unreadable)) is PHOTOS


def in_doubt(seed):
    """A photograph's small patch on a white sheet."""
    sheet = Image.new("RGB", (60, 60), (255, 255, 255))
    sheet.paste(photo(seed).resize((20, 20)), (20, 20))
    return sheet


def test_in_doubt_the_better_one_on_left_out_examples_is_taken_where_there_are_two_of_each():
    images = [in_doubt(seed) for seed in (0, 0, 1, 1)]
    examples = Examples(list("aabb"), images.__getitem__)
    assert 0.65 < drawn(images) < 0.84
    blind = replace(DRAWINGS, phi={name: 0 * value for name, value in DRAWINGS.phi.items()})
    assert left_out_error(blind, examples, range(4)) == pytest.approx(0.5)
    assert left_out_error(PHOTOS, examples, range(4)) < 0.4
    assert chosen([blind, PHOTOS], list("aabb"), images) == "photos"
    sightless = replace(PHOTOS, phi={name: 0 * value for name, value in PHOTOS.phi.items()})
    assert chosen([sightless, DRAWINGS], list("aabb"), images) == "drawings"
    by_look = "drawings" if drawn(images) >= 0.78 else "photos"
    assert chosen([blind, sightless], list("abcd"), images) == by_look, "single examples: nothing to try"


def test_of_several_of_a_kind_the_better_one_is_taken():
    images = [drawing(seed) for seed in (0, 0, 1, 1)]
    blind = replace(DRAWINGS, name="blind", phi={name: 0 * value for name, value in DRAWINGS.phi.items()})
    moving = initialization("drawing", "moving", moves="all")
    for better in (DRAWINGS, moving):
        assert chosen([blind, better, PHOTOS], list("aabb"), images) == better.name
        assert chosen([blind, better, PHOTOS], list("abcd"), images) == "blind", "the first of the kind"


def test_candidates_are_tried_before_any_adaptation():
    """Adapted on the examples that try it, a candidate would look better than it is."""
    images = [in_doubt(seed) for seed in (0, 0, 1, 1)]
    examples = Examples(list("aabb"), images.__getitem__)
    moving = initialization("photo", "moving", moves="all")
    assert left_out_error(moving, examples, range(4)) == pytest.approx(left_out_error(PHOTOS, examples, range(4)))


@pytest.mark.parametrize("labels", ["ab", "aabb"])
def test_where_all_images_are_evenly_toned_one_that_sees_their_tones_is_taken(labels):
    colours = {"a": (200, 40, 40), "b": (40, 60, 200)}
    noise = np.random.default_rng(0).normal(0, 2, (len(labels), 60, 60, 3))
    images = [
        Image.fromarray((colours[label] + one).astype(np.uint8)) for label, one in zip(labels, noise, strict=True)
    ]
    assert drawn(images) == EMPTY
    for candidates in ([DRAWINGS, PHOTOS], [PHOTOS, DRAWINGS]):
        assert chosen(candidates, list(labels), images) == "photos"
    assert chosen([DRAWINGS, replace(DRAWINGS, name="other")], list(labels), images) == "drawings", "both blind"


def hairline(seed):
    """A drawing in a line so thin that, reduced, it is fainter than ink."""
    sheet = Image.new("L", (2000, 2000), 255)
    corners = np.random.default_rng(seed).uniform(300, 1700, (4, 2))
    ImageDraw.Draw(sheet).line([tuple(corner) for corner in corners], fill=0, width=1)
    return sheet


@pytest.mark.parametrize("labels", ["ab", "aabb"])
def test_drawings_in_thin_lines_are_not_taken_for_even_tones(labels):
    images = [hairline("ab".index(label)) for label in labels]
    assert drawn(images) == EMPTY
    assert chosen([DRAWINGS, PHOTOS], list(labels), images) == "drawings"


def test_many_examples_are_tried_in_part():
    labels = [str(k % 60) for k in range(600)]
    images = [in_doubt(k % 60) for k in range(600)]
    looked = []

    def image(index):
        looked.append(index)
        return images[index]

    choose([DRAWINGS, PHOTOS], Examples(labels, image))
    assert len(looked) <= 16 + 2 * 100


@pytest.mark.parametrize(
    ("counts", "tried"),
    [
        ({"a": 8, "b": 9}, {"a": 5, "b": 5}),
        ({"a": 4, "b": 2}, {"a": 2, "b": 2}),
        ({str(k): 6 for k in range(25)}, {str(k): 4 for k in range(25)}),
        ({str(k): 3 for k in range(60)}, {str(k): 2 for k in range(50)}),
        ({"a": 4, "b": 1}, None),
    ],
)
def test_candidates_are_tried_on_as_many_examples_of_each_class(monkeypatch, counts, tried):
    labels = [label for label, count in counts.items() for _ in range(count)]
    images = [in_doubt(k % 2) for k in range(len(labels))]
    found = []

    def noted(candidate, examples, of_tried):
        found.append(Counter(examples.labels[index] for index in of_tried))
        return 0.0

    monkeypatch.setattr("models.choice.left_out_error", noted)
    choose([DRAWINGS, PHOTOS], Examples(labels, images.__getitem__))
    assert found == ([tried] * 2 if tried else [])


def test_images_are_looked_at_all_over_the_set():
    images = [drawing(seed) if seed < 16 else photo(seed) for seed in range(100)]
    assert chosen([DRAWINGS, PHOTOS], [str(k) for k in range(100)], images) == "photos"


def test_where_none_is_of_the_images_kind_the_first_is_taken():
    other = replace(DRAWINGS, name="other")
    assert chosen([DRAWINGS, other], list("abcd"), [photo(seed) for seed in range(4)]) == "drawings"
