"""Episodes: a function of seed and number, with the classes and images they promise."""

import numpy as np
import pytest
import torch

from tests.training.tiny_run import TRAINING, recipe
from training.datasets.class_images import ClassImages, DataError
from training.recipe import Episodes
from training.tasks.episodes import EpisodeSampler
from training.tasks.training_tasks import TrainingTasks

COUNTS = (20, 9, 12, 20, 15, 30, 9, 11, 10, 14, 9, 25)
GROUPS = ("large",) * 6 + ("middle",) * 4 + ("small",) * 2


def numbered(counts=COUNTS, groups=GROUPS):
    """Classes whose images carry their number, in two levels."""
    total = sum(counts)
    images = torch.zeros(total, 1, 8, 8, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.arange(total) // 200, torch.arange(total) % 200
    return ClassImages(
        images,
        torch.tensor([0, *counts]).cumsum(0),
        tuple(f"c{index:02}" for index in range(len(counts))),
        groups,
    )


def numbers_of(images):
    levels = (images * 255).round().long()
    return levels[..., 0, 0, 0] * 200 + levels[..., 0, 0, 1]


def equal(one, other):
    parts = [
        (one.support.images, other.support.images),
        (one.support.labels, other.support.labels),
        (one.support.weights, other.support.weights),
        (one.support.ways, other.support.ways),
        (one.query_images, other.query_images),
        (one.query_labels, other.query_labels),
        (one.query_weights, other.query_weights),
        (one.class_ids, other.class_ids),
    ]
    return all(torch.equal(a, b) for a, b in parts)


def check(batch, data, queries):
    """What every episode must hold, whatever its shape; gives each one's ways and shots per class."""
    offsets = data.offsets.tolist()
    support, shapes = batch.support, []
    for task in range(len(support.ways)):
        ways = int(support.ways[task])
        ids = batch.class_ids[task].tolist()
        assert len(set(ids[:ways])) == ways
        assert set(ids[ways:]) <= {-1}
        real, asked = support.weights[task] > 0, batch.query_weights[task] > 0
        shown, wanted = numbers_of(support.images[task][real]), numbers_of(batch.query_images[task][asked])
        together = shown.tolist() + wanted.tolist()
        assert len(set(together)) == len(together), "support and query share an image"
        labels, query_labels = support.labels[task][real], batch.query_labels[task][asked]
        for number, label in zip(together, labels.tolist() + query_labels.tolist(), strict=True):
            assert offsets[ids[label]] <= number < offsets[ids[label] + 1]
        assert torch.bincount(query_labels).tolist() == [queries] * ways
        assert set(support.weights[task].tolist()) <= {0.0, 1.0}
        assert support.images[task][~real].abs().sum() == 0
        shapes.append((ways, torch.bincount(labels, minlength=ways).tolist()))
    return shapes


def test_fixed_ways_and_shots():
    data = numbered()
    sampler = EpisodeSampler(data, ways=5, shots=3, queries=4, seed=0)
    batch = sampler.batch(2, 20)
    assert batch.support.images.shape == (20, 15, 1, 8, 8)
    assert batch.query_images.shape == (20, 20, 1, 8, 8)
    assert batch.support.images.dtype == batch.query_images.dtype == torch.float32
    assert check(batch, data, 4) == [(5, [3] * 5)] * 20
    assert batch.support.weights.min() == batch.query_weights.min() == 1


def test_ragged_classes_ways_and_shots_are_padded():
    data = numbered()
    sampler = EpisodeSampler(data, ways=(2, 6), shots=(1, 5), queries=3, seed=1, within_group=0.5, ragged=True)
    shapes = check(sampler.batch(0, 200), data, 3)
    assert {ways for ways, _ in shapes} == {2, 3, 4, 5, 6}
    assert {shots for _, each in shapes for shots in each} == {1, 2, 3, 4, 5}
    assert any(len(set(each)) > 1 for _, each in shapes)


@pytest.mark.parametrize("ragged", [False, True])
def test_a_recipe_says_whether_classes_are_ragged(ragged):
    plan = recipe(episodes=Episodes(ways=4, shots=(1, 5), queries=2, ragged=ragged))
    tasks = TrainingTasks(plan, TRAINING, plan.build_preprocessing())
    shots = tasks.sampler.batch(0, 20).support.weights.view(20, 4, 5).sum(2)
    assert bool((shots == shots[:, :1]).all()) is not ragged


def test_without_ragged_an_episode_has_one_number_of_shots():
    data = numbered()
    shapes = check(EpisodeSampler(data, ways=4, shots=(1, 4), queries=2, seed=1).batch(0, 100), data, 2)
    assert all(len(set(each)) == 1 for _, each in shapes)
    assert {each[0] for _, each in shapes} == {1, 2, 3, 4}


def test_an_episode_depends_on_seed_and_number_alone():
    options = {"ways": (2, 5), "shots": (1, 3), "queries": 2, "within_group": 0.5}
    sampler = EpisodeSampler(numbered(), seed=7, **options)
    whole = sampler.batch(3, 8)
    sampler.batch(0, 50)  # what was drawn before does not matter
    assert equal(sampler.batch(3, 8), whole)
    assert equal(EpisodeSampler(numbered(), seed=7, **options).episodes(range(24, 32)), whole)
    assert not equal(EpisodeSampler(numbered(), seed=8, **options).batch(3, 8), whole)
    assert not equal(sampler.batch(4, 8), whole)
    alone = sampler.episodes([29])
    assert torch.equal(alone.class_ids[0], whole.class_ids[5])
    assert torch.equal(alone.support.images[0], whole.support.images[5])
    assert torch.equal(alone.query_images[0], whole.query_images[5])


def test_within_group():
    data = numbered()

    def groups(within_group, ways):
        sampler = EpisodeSampler(data, ways=ways, shots=1, queries=1, seed=0, within_group=within_group)
        return [{GROUPS[index] for index in row} for row in sampler.batch(0, 400).class_ids.tolist()]

    always = groups(1, 4)
    assert all(len(found) == 1 for found in always)
    # "small" has only two classes; the other two groups come up equally often, whatever their size.
    counts = {name: sum(found == {name} for found in always) for name in ("large", "middle")}
    assert sum(counts.values()) == 400
    assert abs(counts["large"] - 200) < 60
    assert sum(len(found) == 1 for found in groups(0, 4)) < 80
    assert all(len(found) > 1 for found in groups(0, 7)), "which no group has"
    assert 130 < sum(len(found) == 1 for found in groups(0.5, 6)) < 270
    assert {frozenset(found) for found in groups(1, 2)} == {frozenset([name]) for name in set(GROUPS)}


def test_same_drawers_draw_one_image_of_each_class():
    data = numbered((12,) * 9, ("one",) * 4 + ("two",) * 5)
    options = {"ways": 4, "shots": 2, "queries": 3, "seed": 0, "within_group": 1.0}
    batch = EpisodeSampler(data, **options, same_drawers=True).batch(0, 300)
    assert check(batch, data, 3) == [(4, [2] * 4)] * 300
    support = (batch.support_places % 12).reshape(300, 4, 2)
    queries = (batch.query_places % 12).reshape(300, 4, 3)
    assert (support == support[:, :1]).all()
    assert (queries == queries[:, :1]).all()
    assert torch.bincount(support[:, 0].flatten(), minlength=12).min() > 25, "every drawer comes up"
    others = EpisodeSampler(data, **options).batch(0, 300)
    assert torch.equal(others.class_ids, batch.class_ids)
    support = (others.support_places % 12).reshape(300, 4, 2)
    assert (support == support[:, :1]).all(2).all(1).sum() < 10


def test_classes_images_and_labels_come_up_equally_often():
    data = numbered((10,) * 8, ("",) * 8)
    batch = EpisodeSampler(data, ways=3, shots=1, queries=2, seed=0).batch(0, 4000)
    per_label = torch.stack([torch.bincount(batch.class_ids[:, label], minlength=8) for label in range(3)])
    assert (per_label / 4000 - 1 / 8).abs().max() < 0.025
    for images in (batch.support.images, batch.query_images):
        share = torch.bincount(numbers_of(images).flatten(), minlength=80) / images.shape[:2].numel()
        assert (share * 80 - 1).abs().max() < 0.35


def test_levels_become_numbers_in_0_1():
    data = numbered()
    data.images[:, 0, 7, 7] = 255
    batch = EpisodeSampler(data, ways=2, shots=1, queries=1, seed=0).batch(0, 3)
    assert torch.equal(batch.support.images[..., 7, 7], torch.ones(3, 2, 1))


def test_image_classes_are_those_the_images_were_drawn_from():
    data = numbered()
    batch = EpisodeSampler(data, ways=(2, 5), shots=(1, 3), queries=2, seed=0).batch(0, 50)
    places = torch.cat([batch.support_places, batch.query_places], 1)
    there = torch.cat([batch.support.weights, batch.query_weights], 1) > 0
    drawn_from = torch.bucketize(places, data.offsets, right=True) - 1
    assert torch.equal(batch.image_classes[there], drawn_from[there])


def test_map_images_changes_images_only():
    batch = EpisodeSampler(numbered(), ways=2, shots=1, queries=1, seed=0).batch(0, 3)
    changed = batch.map_images(lambda images: images + 1)
    assert torch.equal(changed.support.images, batch.support.images + 1)
    assert torch.equal(changed.query_images, batch.query_images + 1)
    assert changed.support.labels is batch.support.labels
    assert changed.query_labels is batch.query_labels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ways": 13}, "13 ways need as many classes, there are 12"),
        ({"ways": (2, 7), "within_group": 0.1}, "7 ways within a group .* the largest has 6"),
        ({"same_drawers": True}, "only classes of one group have the same drawers"),
        (
            {"same_drawers": True, "within_group": 1.0},
            "image of each drawer in each class, but classes have 9 to 30",
        ),
        (
            {"shots": (1, 5), "queries": 5},
            r"5 shots and 5 queries take 10 images of a class, 3 of 12 have fewer: 'c01' \(9\), 'c06' \(9\), 'c",
        ),
        ({"shots": (1, 5), "queries": 25}, r"30 images of a class, .*'c04' \(15\) and 6 more"),
    ],
)
def test_data_that_do_not_suffice(options, message):
    with pytest.raises(DataError, match=message):
        EpisodeSampler(numbered(), **({"ways": 2, "shots": 1, "queries": 1, "seed": 0} | options))


@pytest.mark.parametrize(
    "options",
    [{"ways": 1}, {"shots": 0}, {"ways": (5, 2)}, {"queries": 0}, {"within_group": 1.5}, {"seed": -1}],
)
def test_numbers_that_make_no_sense(options):
    with pytest.raises(ValueError, match="must be"):
        EpisodeSampler(numbered(), **({"ways": 2, "shots": 1, "queries": 1, "seed": 0} | options))


def test_all_images_of_a_class_can_be_drawn():
    data = numbered((4, 4), ("", ""))
    batch = EpisodeSampler(data, ways=2, shots=1, queries=3, seed=0).batch(0, 30)
    drawn = torch.cat([numbers_of(batch.support.images), numbers_of(batch.query_images)], 1)
    assert np.array_equal(np.sort(drawn.numpy(), 1), np.tile(np.arange(8), (30, 1)))
