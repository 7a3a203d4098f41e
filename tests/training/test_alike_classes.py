"""Random parts of classes, for tasks whose classes are one and the same."""

import torch

from tests.training.tiny_run import noisy_classes
from training.measures.alike_classes import in_pairs, in_parts, number_of_parts, of_each

PARTS = 5


def test_parts_divide_each_class_and_share_no_image():
    classes = noisy_classes(3, seed=1, images=17)
    parts, places = in_parts(classes, seed=2)
    assert len(parts) == 3 * PARTS
    assert parts.counts.tolist() == [3] * len(parts)
    assert len(places.unique()) == len(places) == 3 * PARTS * 3
    assert torch.equal(parts.images, classes.images[places])
    of_class = torch.arange(3).repeat_interleave(17)[places].view(3, -1)
    assert (of_class == torch.arange(3)[:, None]).all(), "class after class, each from its own images"
    assert parts.groups == tuple(name for name in classes.classes for _ in range(PARTS))


def test_the_division_is_random_and_follows_the_seed():
    classes = noisy_classes(2, seed=1, images=40)
    _, first = in_parts(classes, seed=2)
    _, again = in_parts(classes, seed=2)
    _, other = in_parts(classes, seed=3)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, first.sort().values)


def test_groups_are_joined_two_by_two():
    parts, _ = in_parts(noisy_classes(5, seed=1, images=20), seed=2)
    pairs = in_pairs(parts)
    assert sorted(pairs.groups.count(group) for group in set(pairs.groups)) == [PARTS, 2 * PARTS, 2 * PARTS]
    assert pairs.classes == parts.classes


def test_of_few_images_there_are_no_parts():
    few = noisy_classes(3, seed=1, images=7)
    assert number_of_parts(few) == 0
    assert in_parts(few, seed=2) is None
    assert not list(of_each(few, None, seed=2))


def test_of_fewer_images_there_are_fewer_parts_of_enough_images_for_several_shots():
    for images, number in ((8, 2), (12, 3), (14, 3), (15, PARTS), (600, PARTS)):
        parts, _ = in_parts(noisy_classes(2, seed=1, images=images), seed=2)
        assert number_of_parts(noisy_classes(2, seed=1, images=images)) == number
        assert parts.counts.tolist() == [images // number] * 2 * number


def test_features_go_with_their_images_and_take_the_place_of_pixels():
    classes = noisy_classes(3, seed=1, images=20)
    (parts, places), of_images = in_parts(classes, seed=2), torch.rand(len(classes.images), 4)
    for features in (None, of_images):
        all_one, some_one = of_each(classes, features, seed=2)
        assert all_one[0].groups == parts.groups
        assert some_one[0].groups == in_pairs(parts).groups
        for some, known in (all_one, some_one):
            assert known is None if features is None else torch.equal(known, of_images[places])
            assert some.images.shape[1:] == (classes.images.shape[1:] if features is None else (1, 1, 1))
