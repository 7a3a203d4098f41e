"""The lda head against linear discriminants written out in numpy."""

import numpy as np
import pytest
import torch

from models import class_scatter
from models.heads import Head, classify
from models.support import Support

FEATURES = 12


def scattered(count=400, seed=0):
    """Features of 8 classes, which differ along some directions more than along others."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 8
    turned = torch.linalg.qr(torch.randn(FEATURES, FEATURES, generator=generator))[0]
    spread = torch.randn(count, FEATURES, generator=generator) * torch.linspace(0.2, 2.0, FEATURES)
    return torch.randn(8, FEATURES, generator=generator)[classes] + spread @ turned, classes


def task(shots):
    labels = torch.tensor([label for label, count in enumerate(shots) for _ in range(count)])
    return Support.of_task(torch.zeros(len(labels), 1, 1, 1), labels)


def answers(head, phi, shots, features, queries):
    support = task(shots)
    start = head.start(phi, features[None], support)
    return classify(start, queries[None], support.class_mask())[0]


@pytest.mark.parametrize("by_shots", [True, False])
@pytest.mark.parametrize("shots", [(1, 1, 1), (5, 5, 5), (1, 4, 2)])
def test_the_distances_are_those_of_the_shrunken_scatter(shots, by_shots):
    features, classes = scattered()
    scatter = class_scatter.of_classes(features, classes)
    phi = {"log_scale": torch.tensor(0.3)} | scatter
    within = np.zeros((FEATURES, FEATURES))
    for one in range(8):
        of_class = features[classes == one].double().numpy()
        within += (of_class - of_class.mean(0)).T @ (of_class - of_class.mean(0))
    within /= len(features) - 8
    within /= np.trace(within) / FEATURES
    # All directions but one are kept, so the scatter is that of the data to the last.
    uncertain = np.mean([1 / count for count in shots]) if by_shots else 1
    metric = np.linalg.inv(within + 6.0 * uncertain * np.eye(FEATURES))
    metric /= np.trace(metric) / FEATURES
    examples, queries = torch.randn(sum(shots), FEATURES), torch.randn(7, FEATURES)
    labels = np.repeat(np.arange(len(shots)), shots)
    means = np.stack([examples.double().numpy()[labels == label].mean(0) for label in range(len(shots))])
    apart = queries.double().numpy()[:, None] - means
    distances = np.einsum("qnd,de,qne->qn", apart, metric, apart)
    head = Head("lda", shrinkage=6.0, shrinkage_by_shots=by_shots)
    found = answers(head, phi, shots, examples, queries)
    wanted = torch.from_numpy(-np.exp(0.3) * distances).float()
    torch.testing.assert_close(found - found[:, :1], wanted - wanted[:, :1], rtol=1e-4, atol=1e-4)


def test_without_a_measured_scatter_it_is_the_prototype_head():
    phi = Head("lda", 2.0).initial(FEATURES, torch.Generator())
    examples, queries = torch.randn(6, FEATURES), torch.randn(5, FEATURES)
    plain = answers(Head("prototype", 2.0), {"log_scale": phi["log_scale"]}, (2, 2, 2), examples, queries)
    torch.testing.assert_close(answers(Head("lda", 2.0), phi, (2, 2, 2), examples, queries), plain)


def test_of_a_single_feature_no_direction_is_left_to_store():
    examples, queries = torch.randn(4, 1), torch.randn(3, 1)
    phi = {"log_scale": torch.tensor(0.3)} | class_scatter.of_classes(torch.randn(8, 1), torch.arange(8) % 2)
    plain = answers(Head("prototype"), phi, (2, 2), examples, queries)
    torch.testing.assert_close(answers(Head("lda"), phi, (2, 2), examples, queries), plain)


@pytest.mark.parametrize("repeats", [3, 4, 7])
def test_where_no_class_scatters_all_directions_count_the_same(repeats):
    features = torch.randn(5, FEATURES, generator=torch.Generator().manual_seed(0)).repeat_interleave(repeats, 0)
    scatter = class_scatter.of_classes(features, torch.arange(5).repeat_interleave(repeats))
    assert torch.equal(scatter[class_scatter.SPREAD], torch.ones(FEATURES))
    assert scatter[class_scatter.DIRECTIONS].isfinite().all()


def test_few_directions_are_kept_and_the_rest_taken_as_equal():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(600, 80, generator=generator) * torch.linspace(0.1, 1, 80)
    scatter = class_scatter.of_classes(features, torch.arange(600) % 6)
    directions, spread = scatter[class_scatter.DIRECTIONS], scatter[class_scatter.SPREAD]
    assert directions.shape == (80, 64)
    torch.testing.assert_close(directions.T @ directions, torch.eye(64), rtol=1e-5, atol=1e-5)
    assert bool((spread.diff() <= 0).all())
    assert float((spread[:-1].sum() + 16 * spread[-1]) / 80) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("sharpness", [10.0, 3.0])
def test_means_are_drawn_to_those_of_training_classes_that_are_like_them(sharpness):
    features, classes = scattered()
    scatter = class_scatter.of_classes(features, classes)
    phi, shots = {"log_scale": torch.tensor(0.3)} | scatter, (1, 4, 2)
    examples, queries = torch.randn(sum(shots), FEATURES), torch.randn(7, FEATURES)
    known = scatter[class_scatter.STRANGERS].double().numpy()
    drawn = []
    for mean, count in zip((rows.double().numpy().mean(0) for rows in examples.split(shots)), shots, strict=True):
        likeness = np.exp(sharpness * (known @ mean) / np.linalg.norm(known, axis=1) / np.linalg.norm(mean))
        drawn.append((count * mean + 1.5 * (likeness @ known) / likeness.sum()) / (count + 1.5))
    # Each drawn mean as the only example of its class, in the metric of the task's own shots.
    support = task(shots)
    centres = torch.from_numpy(np.stack(drawn)).float()[None]
    metric = class_scatter.measured(phi, centres, support, 60.0)
    wanted = np.exp(0.3) * (2 * queries @ metric[0].T - (centres * metric).sum(-1))
    found = answers(Head("lda", pull=1.5, sharpness=sharpness), phi, shots, examples, queries)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    plain = answers(Head("lda"), phi, shots, examples, queries)
    assert not torch.allclose(found, plain, atol=0.1)


def test_a_task_without_a_class_and_one_before_measuring_are_not_drawn():
    phi = Head("lda", 2.0).initial(FEATURES, torch.Generator())
    examples, queries = torch.randn(6, FEATURES), torch.randn(5, FEATURES)
    assert torch.equal(
        answers(Head("lda", 2.0, pull=2.0), phi, (2, 2, 2), examples, queries),
        answers(Head("lda", 2.0), phi, (2, 2, 2), examples, queries),
    )
    features, classes = scattered()
    phi |= class_scatter.of_classes(features, classes)
    both = Support(
        images=torch.zeros(2, 4, 1, 1, 1),
        labels=torch.tensor([[0, 1, 2, 2], [0, 0, 1, 1]]),
        weights=torch.ones(2, 4),
        ways=torch.tensor([3, 2]),
    )
    centres = torch.randn(2, 3, FEATURES)
    centres[1, 2] = 0
    drawn = class_scatter.towards_strangers(phi, centres, both, 2.0, 10.0)
    alone = class_scatter.towards_strangers(phi, centres[1:, :2], task((2, 2)), 2.0, 10.0)
    assert not drawn[1, 2].any()
    torch.testing.assert_close(drawn[1:, :2], alone)


def test_drawn_means_are_the_same_bits_beside_other_classes_and_tasks():
    """Of photos' 1280 features, torch's products had other last digits by a row's place."""
    generator = torch.Generator().manual_seed(0)
    phi = {class_scatter.STRANGERS: torch.randn(64, 1280, generator=generator)}
    centres = torch.randn(2, 20, 1280, generator=generator)
    many = task((1,) * 20)
    both = Support(*(torch.cat([getattr(many, n)] * 2) for n in ("images", "labels", "weights", "ways")))
    drawn = class_scatter.towards_strangers(phi, centres, both, 2.0, 10.0)
    for ways in (2, 3, 5):
        alone = class_scatter.towards_strangers(phi, centres[1:, :ways].clone(), task((1,) * ways), 2.0, 10.0)
        assert torch.equal(drawn[1:, :ways], alone)


@pytest.mark.parametrize("pull", [-1.0, 1.0])
def test_only_lda_is_drawn(pull):
    with pytest.raises(ValueError, match="pull is of lda, and not negative"):
        Head("prototype" if pull > 0 else "lda", pull=pull)


@pytest.mark.parametrize("shrinkage", [0.0, -1.0, float("nan")])
def test_refuses_a_shrinkage_that_is_none(shrinkage):
    with pytest.raises(ValueError, match="shrinkage must be positive"):
        Head("lda", shrinkage=shrinkage)


@pytest.mark.parametrize("sharpness", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_a_sharpness_that_is_none(sharpness):
    with pytest.raises(ValueError, match="sharpness must be positive"):
        Head("lda", sharpness=sharpness)


@pytest.mark.parametrize(("classes", "kept"), [(8, 8), (100, 64)])
def test_means_of_training_classes_are_kept_as_strangers(classes, kept):
    features = torch.randn(300, FEATURES, generator=torch.Generator().manual_seed(0))
    which = torch.arange(300) % classes
    strangers = class_scatter.of_classes(features, which)[class_scatter.STRANGERS]
    means = torch.stack([features[which == one].mean(0) for one in range(classes)])
    apart = (strangers[:, None] - means).norm(dim=-1)
    torch.testing.assert_close(apart.amin(1), torch.zeros(64), rtol=0, atol=1e-3)
    assert len(apart.argmin(1).unique()) == kept


def test_strangers_are_spread_over_all_training_classes():
    """Classes of one alphabet follow each other: the first 64 of many would be much alike."""
    means = torch.arange(100.0)[:, None] * torch.ones(FEATURES)
    features = torch.cat([means - 0.1, means + 0.1])
    strangers = class_scatter.of_classes(features, torch.arange(200) % 100)[class_scatter.STRANGERS]
    places = strangers[:, 0].round().int().tolist()
    assert (places[:5], places[-3:]) == ([0, 1, 3, 4, 6], [95, 96, 98])
