"""Views change an image as their numbers say, and a backbone averages features over them."""

import dataclasses
import math

import pytest
import torch

from models.backbones.conv4 import Conv4
from models.backbones.stage import Stage
from models.backbones.staged import Staged
from models.backbones.views import see, views_of

VIEWS = views_of([[8, 0, 0], [0, 0, 0.1], [0, 0.2, 0]])


def spot(row, column):
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    return torch.exp(-((rows + 0.5 - row) ** 2 + (columns + 0.5 - column) ** 2) / 8)


def centre(image):
    at = torch.arange(28.0) + 0.5 - 14
    return torch.stack([(image.sum(0) * at).sum(), (image.sum(1) * at).sum()]) / image.sum()


def test_each_view_moves_a_spot_where_it_says():
    images = torch.stack([spot(14, 20), spot(8, 14)])[None, :, None]
    seen = see(images, VIEWS)
    assert seen.shape == (1, 6, 1, 28, 28)
    right, above = seen[0, :3, 0], seen[0, 3:, 0]
    turned = torch.deg2rad(torch.tensor(8.0))
    for found, expected in (
        (centre(right[0]), (6 * turned.cos(), -6 * turned.sin())),
        (centre(right[1]), (6 * torch.tensor(-0.1).exp(), 0)),
        (centre(right[2]), (6, 0)),
        (centre(above[1]), (0, -6 * torch.tensor(0.1).exp())),
        (centre(above[2]), (1.2, -6)),
    ):
        torch.testing.assert_close(found, torch.tensor([float(part) for part in expected]), atol=0.1, rtol=0)


def test_a_mirrored_view_shows_the_image_turned_left_to_right():
    images = torch.rand(1, 3, 3, 8, 8)
    plain, mirrored = see(images, views_of([[0, 0, 0], [0, 0, 0, True]])).unflatten(1, (3, 2)).unbind(2)
    torch.testing.assert_close(plain, images)
    torch.testing.assert_close(mirrored, images.flip(-1))


def test_a_nearer_view_shows_the_middle_larger():
    image = (spot(14, 20) + spot(8, 14))[None, None, None]
    near, both = see(image, views_of([[0, 0, 0, False, 0.2], [0, 0, 0, True, 0.2]]))[0, :, 0]
    larger = torch.tensor(0.2).exp()
    torch.testing.assert_close(centre(near), centre(image[0, 0, 0]) * larger, atol=0.1, rtol=0)
    torch.testing.assert_close(near.sum(), image.sum() * larger**2, atol=0, rtol=0.01)
    torch.testing.assert_close(both, near.flip(-1))


@pytest.mark.parametrize("numbers", [[0, 0], [0, 0, 0, 0, 0, 0]])
def test_a_view_of_other_numbers_is_refused(numbers):
    with pytest.raises(ValueError, match=r"3 to 5 numbers \(rotation, shear, stretch, mirror, zoom\)"):
        views_of([numbers])


def test_paper_goes_on_beyond_the_border():
    images = torch.full((2, 3, 1, 8, 8), -1.5)
    torch.testing.assert_close(see(images, VIEWS), images.repeat_interleave(3, 1))


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param(Conv4(width=8, groups=4, unit=True), id="conv4"),
        pytest.param(Staged(1, 28, (Stage(8, 2, skip=True), Stage(16)), unit=True, average=False), id="stages"),
    ],
)
def test_features_are_the_mean_over_views(plain):
    images = torch.rand(2, 3, 1, 28, 28)
    averaging = dataclasses.replace(plain, views=VIEWS)
    phi = plain.initial(torch.Generator().manual_seed(0))
    each, _ = plain(phi, see(images, VIEWS))
    features, _ = averaging(phi, images)
    expected = torch.nn.functional.normalize(each.view(2, 3, 3, -1).mean(2), dim=-1)
    torch.testing.assert_close(features, expected)
    assert averaging.operations == 3 * plain.operations


def test_the_identity_alone_is_the_image_itself():
    images = torch.rand(1, 4, 1, 28, 28)
    torch.testing.assert_close(see(images, views_of([[0, 0, 0]])), images)


@pytest.mark.parametrize(
    "view", [(math.nan, 0, 0), (math.inf, 0, 0), (0, math.nan, 0), (0, 9, 0), (0, 0, 800), (0, 0, 0, False, -800)]
)
def test_a_view_that_shows_nothing_is_refused(view):
    with pytest.raises(ValueError, match="at most 3"):
        views_of([(5, 0.1, 0.1), view])
