"""How images are shown changed: each look is what its name says, and alike for the same seed."""

import numpy as np
import pytest
import torch
from PIL import Image

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages
from training.measures.image_looks import LOOKS, seen_as, show, whole_images

PHOTOGRAPHED = ("falling-off", "lamp", "shadow", "desk", "ruled", "squared")


def cross():
    levels = torch.full((3, 60, 60), 255, dtype=torch.uint8)
    levels[:, 28:32, 10:50] = 0
    levels[:, 10:50, 28:32] = 0
    return levels


def shown(look, seed=0):
    return np.asarray(show(cross(), look, np.random.default_rng(seed)).convert("L"), dtype=float) / 255


@pytest.mark.parametrize("look", LOOKS)
def test_a_seed_repeats_a_look(look):
    assert np.array_equal(shown(look), shown(look))
    if look not in ("as-is", "grey"):
        assert any(not np.array_equal(shown(look, seed), shown(look)) for seed in range(1, 4))


@pytest.mark.parametrize("look", PHOTOGRAPHED)
def test_a_photographed_sheet_has_the_drawing_and_no_even_tone(look):
    for seed in range(5):
        photograph = shown(look, seed)
        assert photograph.shape == (68, 90)
        assert np.ptp(photograph) > 0.3
        counts = np.unique(photograph, return_counts=True)[1]
        assert counts.max() < 0.5 * photograph.size


def test_light_is_what_its_name_says():
    corner, middle = (slice(0, 6), slice(0, 6)), (slice(4, 12), slice(40, 50))
    for seed in range(5):
        falling = shown("falling-off", seed)
        assert falling[corner].mean() < falling[middle].mean()
        dark, bright = np.quantile(shown("shadow", seed), [0.15, 0.85])
        assert dark < 0.85 * bright
        beside = shown("desk", seed)[:, [0, -1]]
        assert beside.min() < 0.6
        assert beside.max() > 0.8


def test_printed_lines_go_along_the_sheet_and_on_squared_paper_up_too():
    def crossed(edge):
        return np.count_nonzero(np.diff((edge < np.median(edge) - 0.04).astype(int)) == 1)

    for look in ("ruled", "squared"):
        sheets = [shown(look, seed) for seed in range(9)]
        beside, up = (
            [crossed(one) for one in edges] for edges in ([s[:, 1] for s in sheets], [s[1] for s in sheets])
        )
        assert np.median(beside) >= 2
        assert np.median(up) >= 3 if look == "squared" else np.median(up) <= 1


def test_classes_are_preprocessed_as_they_are_shown():
    images = torch.stack([cross(), cross().transpose(1, 2).roll(5, 1)])
    whole = ClassImages(images, torch.tensor([0, 1, 2]), ("a", "b"), ("", ""))
    settings = Preprocessing("drawing", 28, 1, margin=0.1)
    seen = seen_as(whole, "lamp", settings, seed=3)
    assert seen.images.shape == (2, 1, 28, 28)
    assert seen.classes == whole.classes
    image = show(images[1], "lamp", np.random.default_rng((3, 1)))
    assert torch.equal(seen.images[1], settings.levels(image))
    # Light takes little from a drawing: both are the same cross.
    plain = settings.levels(Image.fromarray(images[0].permute(1, 2, 0).numpy())).float()
    assert torch.cosine_similarity(seen.images[0].float().flatten(), plain.flatten(), dim=0) > 0.9


def test_whole_images_keep_their_colours():
    image = Image.new("RGB", (40, 40), (200, 100, 50))
    assert whole_images(20).levels(image)[:, 3, 3].tolist() == [200, 100, 50]
