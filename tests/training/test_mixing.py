"""Tasks of mixed classes: of which classes and images they are, read off the pixels."""

import pytest
import torch

from training.datasets.class_images import ClassImages, DataError
from training.tasks.episodes import EpisodeSampler
from training.tasks.mixing import ClassMixing

CLASSES, IMAGES, WAYS, SHOTS, QUERIES = 12, 9, 4, (1, 3), 2


def telling_images():
    """Image i of class k has two bright pixels: the k-th of the upper half and the i-th of the lower half."""
    images = torch.zeros(CLASSES, IMAGES, 1, 32, dtype=torch.uint8)
    for kind in range(CLASSES):
        for index in range(IMAGES):
            images[kind, index, 0, kind] = images[kind, index, 0, 16 + index] = 255
    names = tuple(f"c{kind}" for kind in range(CLASSES))
    return ClassImages(images.reshape(-1, 1, 4, 8), torch.arange(CLASSES + 1) * IMAGES, names, ("",) * CLASSES)


DATA = telling_images()


def sampled(numbers, seed=0):
    sampler = EpisodeSampler(DATA, ways=WAYS, shots=SHOTS, queries=QUERIES, seed=seed)
    return sampler.episodes(numbers)


def mixed(numbers, share=1.0, seed=0):
    mixing = ClassMixing(DATA, share=share, seed=seed, ways=WAYS)
    return mixing(sampled(numbers, seed), numbers)


def shares(batch):
    """Brightness of each class's and each index's pixel in every image, the support's and then the queries'."""
    pixels = torch.cat([batch.support.images, batch.query_images], 1).flatten(2)
    return pixels[..., :CLASSES], pixels[..., 16 : 16 + IMAGES]


def of_classes(batch):
    labels = torch.cat([batch.support.labels, batch.query_labels], 1)
    there = torch.cat([batch.support.weights, batch.query_weights], 1) > 0
    for task in range(batch.tasks):
        for label in range(WAYS):
            yield task, label, (labels[task] == label) & there[task]


def test_off_changes_nothing():
    batch = sampled(range(5))
    assert ClassMixing(DATA, share=0.0, seed=0, ways=WAYS)(batch, range(5)) is batch


def test_all_images_of_a_class_mix_the_same_two_classes_by_the_same_coefficient():
    plain, batch = sampled(range(40)), mixed(range(40))
    assert torch.equal(batch.support.labels, plain.support.labels)
    assert torch.equal(batch.query_labels, plain.query_labels)
    of_class, of_image = shares(batch)
    for task, label, chosen in of_classes(batch):
        images = of_class[task, chosen]
        assert len(images) >= 1 + QUERIES
        torch.testing.assert_close(images, images[:1].expand_as(images))
        first = int(plain.class_ids[task, label])
        partner = [kind for kind in range(CLASSES) if kind != first and images[0, kind] > 0]
        assert len(partner) == 1
        assert partner[0] not in plain.class_ids[task].tolist()
        c = images[0, first]
        assert 0 < c < 1
        torch.testing.assert_close(images[0, partner[0]], 1 - c)
        # What an image has of the partner's is an image of its own: no other one shares it.
        own = shares(plain)[1][task, chosen]
        others = (of_image[task, chosen] - c * own) / (1 - c)
        torch.testing.assert_close(others.sort(1).values[:, -1], torch.ones(len(others)), atol=1e-4, rtol=0)
        assert len(set(others.argmax(1).tolist())) == len(others)


def test_a_mixture_is_a_class_of_its_own():
    batch = mixed(range(6))
    ids = batch.class_ids.flatten().tolist()
    assert len(set(ids)) == len(ids)
    assert min(ids) >= CLASSES


def test_padding_stays_empty():
    batch = mixed(range(30))
    assert (batch.support.weights == 0).any()
    assert batch.support.images[batch.support.weights == 0].abs().max() == 0


def test_the_share_is_of_tasks_and_others_stay_as_they_are():
    plain, batch = sampled(range(400)), mixed(range(400), share=0.25)
    whole = batch.class_ids >= CLASSES
    assert torch.equal(whole.any(1), whole.all(1))
    assert 0.18 < whole.all(1).float().mean() < 0.32
    rest = ~whole.all(1)
    assert torch.equal(batch.support.images[rest], plain.support.images[rest])
    assert torch.equal(batch.query_images[rest], plain.query_images[rest])
    assert torch.equal(batch.class_ids[rest], plain.class_ids[rest])


def test_a_task_is_mixed_alike_in_any_company_and_otherwise_by_another_seed():
    many, alone = mixed(range(10)), mixed([7])
    assert torch.equal(alone.support.images[0], many.support.images[7])
    assert torch.equal(alone.query_images[0], many.query_images[7])
    sampler = sampled(range(3))
    one, other = (ClassMixing(DATA, share=1.0, seed=seed, ways=WAYS)(sampler, range(3)) for seed in (0, 1))
    assert not torch.equal(one.query_images, other.query_images)


def test_coefficients_are_of_beta_2_2_and_partners_even():
    plain, batch = sampled(range(1500)), mixed(range(1500))
    queries = shares(batch)[0][:, -WAYS * QUERIES :: QUERIES]
    c = queries.gather(2, plain.class_ids[..., None])[..., 0]
    assert abs(float(c.mean()) - 0.5) < 0.01
    assert abs(float(c.var()) - 0.05) < 0.003
    partners = queries.scatter(2, plain.class_ids[..., None], 0.0).argmax(2)
    counts = torch.bincount(partners.flatten(), minlength=CLASSES) / partners.numel()
    assert (counts - 1 / CLASSES).abs().max() < 0.015


@pytest.mark.parametrize(
    ("share", "ways", "error", "message"),
    [
        (1.5, 4, ValueError, "episodes.mixing is a share"),
        (0.5, CLASSES, DataError, "lower episodes.ways"),
    ],
)
def test_what_cannot_be_mixed_is_told(share, ways, error, message):
    with pytest.raises(error, match=message):
        ClassMixing(DATA, share=share, seed=0, ways=ways)
