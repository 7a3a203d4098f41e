"""Random changes of images, and classes of turned drawings."""

import dataclasses

import numpy as np
import pytest
import torch

from training.datasets.class_images import ClassImages
from training.recipe import Jitter
from training.tasks.augmentation import jitter, with_reflections, with_rotations
from training.tasks.draws import OwnDraws, SharedDraws

STRONG = Jitter(rotation=20, shear=0.2, scale=0.2, shift=0.1, elastic=0.02)


def draws(seed=0):
    return SharedDraws(torch.Generator().manual_seed(seed))


def blob(row=14.0, column=14.0, count=64, channels=1):
    """The same round spot, many times."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    spot = torch.exp(-((rows + 0.5 - row) ** 2 + (columns + 0.5 - column) ** 2) / 8)
    return spot.expand(count, channels, 28, 28).clone()


def centres(images):
    """Column and row of each image's centre of mass, ``[B, 2]``."""
    mass = images.sum((1, 2, 3))
    at = torch.arange(28.0) + 0.5
    return torch.stack([(images.sum((1, 2)) * at).sum(1) / mass, (images.sum((1, 3)) * at).sum(1) / mass], 1)


def test_no_jitter_changes_nothing():
    images = torch.rand(3, 4, 1, 28, 28)
    assert jitter(images, Jitter(), draws()) is images


def test_the_draws_decide():
    images = torch.rand(2, 5, 1, 28, 28)
    changed = jitter(images, STRONG, draws(1))
    assert changed.shape == images.shape
    assert torch.equal(changed, jitter(images, STRONG, draws(1)))
    assert not torch.equal(changed, jitter(images, STRONG, draws(2)))


GEOMETRY = [field.name for field in dataclasses.fields(Jitter) if field.name not in ("mirror", "colour")]


@pytest.mark.parametrize("name", GEOMETRY)
def test_each_image_changes_on_its_own(name):
    one_kind = Jitter(**{name: getattr(STRONG, name)})
    changed = jitter(blob(8, 9), one_kind, draws())
    assert (changed - changed[:1]).abs().amax((1, 2, 3))[1:].min() > 1e-3
    assert changed.sum((1, 2, 3)).min() > 0.4 * blob(count=1).sum()


def test_mirror_turns_half_of_the_images_left_to_right():
    images = torch.rand(1, 3, 9, 9).expand(200, -1, -1, -1)
    changed = jitter(images, Jitter(mirror=True), draws())
    same = (changed - images).abs().amax((1, 2, 3)) < 1e-4
    turned = (changed - images.flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    assert bool((same ^ turned).all())
    assert 70 <= int(same.sum()) <= 130


def test_colours_change_and_shapes_stay():
    images = 0.3 + 0.4 * torch.rand(1, 3, 8, 8).expand(300, -1, -1, -1)
    changed = jitter(images, Jitter(colour=0.3), draws())
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    change = torch.log(changed.mean((1, 2, 3)) / images.mean((1, 2, 3)))
    assert 0.25 < float(change.abs().max()) <= 0.3 + 0.02
    grey = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    recoloured = jitter(grey, Jitter(colour=0.3), draws())
    torch.testing.assert_close(recoloured, recoloured[:, :1].expand_as(recoloured), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="3 channels"):
        jitter(blob(), Jitter(colour=0.3), draws())


def test_shift_stays_in_its_range():
    moved = centres(jitter(blob(count=500), Jitter(shift=0.1), draws())) - 14
    assert moved.abs().max() <= 2.8 + 0.05
    assert moved.abs().amax(0).min() > 2.5
    assert moved.mean(0).abs().max() < 0.3


def test_rotation_keeps_the_distance_from_the_middle_and_its_range():
    moved = centres(jitter(blob(14, 20, count=500), Jitter(rotation=30), draws())) - 14
    assert torch.allclose(moved.norm(dim=1), torch.tensor(6.0), atol=0.1)
    angles = torch.rad2deg(torch.atan2(moved[:, 1], moved[:, 0]))
    assert angles.abs().max() <= 30.5
    assert angles.min() < -28
    assert angles.max() > 28


def test_elastic_bends_by_about_its_deviation():
    moved = centres(jitter(blob(count=2000), Jitter(elastic=0.05), draws())) - 14
    # Between the coarse points the displacement is a mean of some of them, so it is smaller there.
    assert 0.4 * 0.05 * 28 < moved.std() < 1.1 * 0.05 * 28


def test_drawings_go_on_with_background_and_photos_with_their_mirror_image():
    assert jitter(torch.ones(50, 1, 28, 28), Jitter(shift=0.3), draws()).min() == 0
    photo = jitter(torch.ones(50, 3, 28, 28), Jitter(shift=0.3), draws())
    assert torch.allclose(photo, torch.ones_like(photo), atol=1e-5)


GEOMETRY = [field.name for field in dataclasses.fields(Jitter) if field.name not in ("mirror", "colour")]


@pytest.mark.parametrize("name", GEOMETRY)
def test_images_of_a_class_change_alike_and_classes_apart(name):
    classes = torch.tensor([7, 2, 7, 2, 5]).repeat(2, 1)
    of_classes = Jitter(**{name: getattr(STRONG, name)})
    images = blob(8, 9, count=10).reshape(2, 5, 1, 28, 28)
    changed = jitter(images, Jitter(), draws(), alike=[(classes, of_classes)])
    firsts = {int(kind): changed[classes == kind] for kind in classes.unique()}
    for alike in firsts.values():
        assert torch.equal(alike, alike[:1].expand_as(alike))
        assert (alike[0] - images[0, 0]).abs().max() > 1e-3
    apart = torch.stack([alike[0] for alike in firsts.values()])
    assert torch.pdist(apart.flatten(1), p=float("inf")).min() > 1e-3


def test_an_image_changes_on_its_own_within_the_change_of_its_class():
    classes = torch.arange(2).repeat_interleave(200)
    turned = jitter(blob(14, 20, count=400), Jitter(rotation=5), draws(), alike=[(classes, Jitter(rotation=40))])
    moved = centres(turned) - 14
    angles = torch.rad2deg(torch.atan2(moved[:, 1], moved[:, 0])).reshape(2, 200)
    assert torch.allclose(moved.norm(dim=1), torch.tensor(6.0), atol=0.1)
    assert ((angles.amax(1) - angles.amin(1)) - 10).abs().max() < 0.5
    assert (angles.mean(1)[0] - angles.mean(1)[1]).abs() > 5


def test_classes_of_a_task_change_on_their_own_within_its_change():
    tasks = torch.arange(2).repeat_interleave(200)
    classes = torch.arange(40).repeat_interleave(10)
    turned = jitter(
        blob(14, 20, count=400),
        Jitter(),
        draws(),
        alike=[(classes, Jitter(rotation=5)), (tasks, Jitter(rotation=40))],
    )
    moved = centres(turned) - 14
    angles = torch.rad2deg(torch.atan2(moved[:, 1], moved[:, 0])).reshape(2, 20, 10)
    assert (angles.amax(2) - angles.amin(2)).max() < 0.01  # of one class alike
    of_classes = angles.mean(2)
    assert (of_classes.amax(1) - of_classes.amin(1)).min() > 5  # of one task within 5 degrees either way
    assert (of_classes.amax(1) - of_classes.amin(1)).max() <= 10.5
    assert (of_classes.mean(1)[0] - of_classes.mean(1)[1]).abs() > 5


def test_groups_that_do_not_change_cost_nothing():
    images = torch.rand(3, 1, 28, 28)
    assert jitter(images, Jitter(), draws(), alike=[(torch.arange(3), Jitter())]) is images


def test_rotations_are_classes_of_their_own():
    images = torch.randint(0, 255, (5, 1, 6, 6), dtype=torch.uint8)
    data = ClassImages(images, torch.tensor([0, 2, 5]), ("g/a", "g/b"), ("g", "g"))
    turned = with_rotations(data)
    assert turned.classes == (
        *("g/a", "g/b", "g/a/rot90", "g/b/rot90"),
        *("g/a/rot180", "g/b/rot180", "g/a/rot270", "g/b/rot270"),
    )
    assert turned.groups == ("g",) * 2 + ("g/rot90",) * 2 + ("g/rot180",) * 2 + ("g/rot270",) * 2
    for index, name in enumerate(turned.classes):
        turns = int(name.partition("/rot")[2] or 0) // 90
        assert torch.equal(turned.of_class(index), torch.rot90(data.of_class(index % 2), turns, (2, 3)))


def test_reflections_are_classes_of_their_own():
    images = torch.randint(0, 255, (5, 1, 6, 6), dtype=torch.uint8)
    data = ClassImages(images, torch.tensor([0, 2, 5]), ("g/a", "g/b"), ("g", "h"))
    mirrored = with_reflections(data)
    assert mirrored.classes == ("g/a", "g/b", "g/a/mirror", "g/b/mirror")
    assert mirrored.groups == ("g", "h", "g/mirror", "h/mirror")
    for index in range(2):
        assert torch.equal(mirrored.of_class(index), data.of_class(index))
        assert torch.equal(mirrored.of_class(2 + index), data.of_class(index).flip(-1))


def test_draws_of_its_own_are_an_images_alone():
    told_by = np.array([[3, 7, 0], [3, 8, 0], [3, 7, 1]])
    images = blob(8, 9, count=3, channels=3)
    strong = dataclasses.replace(STRONG, mirror=True, colour=0.3)
    together = jitter(images, strong, OwnDraws(told_by))
    for index in range(3):
        alone = jitter(images[index : index + 1], strong, OwnDraws(told_by[index : index + 1]))
        torch.testing.assert_close(alone[0], together[index])
    assert (together[0] - together[1]).abs().max() > 0.01
    assert (together[0] - together[2]).abs().max() > 0.01
    with pytest.raises(ValueError, match="for 3 images, not 2"):
        jitter(images[:2], strong, OwnDraws(told_by))


def test_pixels_are_numbers_at_the_widest_ranges_that_a_recipe_takes():
    widest = Jitter(rotation=360, shear=10, scale=3, shift=1, elastic=1, mirror=True, colour=3)
    images, of = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(64) // 8
    draws = SharedDraws(torch.Generator().manual_seed(0))
    changed = jitter(images, widest, draws, alike=[(of, widest), (of // 2, widest)])
    assert changed.isfinite().all()
