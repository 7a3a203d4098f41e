"""Learning how alike images are: the loss against its plain formula."""

import math

import pytest
import torch

from training.outer.likeness import likeness_loss, nearest_alike


def unit(rows, columns, seed):
    features = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(features, dim=1)


def test_the_loss_is_the_mean_divergence_over_the_other_images():
    mine, wanted = unit(4, 3, seed=0), unit(4, 5, seed=1)

    def shares(features, image):
        powers = [math.exp(10 * float(features[image] @ features[other])) for other in range(4) if other != image]
        return [power / sum(powers) for power in powers]

    expected = 0.0
    for image in range(4):
        pairs = zip(shares(wanted, image), shares(mine, image), strict=True)
        expected += sum(p * math.log(p / q) for p, q in pairs) / 4
    assert expected > 0.01
    assert float(likeness_loss(mine, wanted)) == pytest.approx(expected, rel=1e-4)


def test_features_that_are_alike_in_the_same_way_are_what_is_wanted():
    wanted = unit(6, 5, seed=2)
    turned = wanted @ torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(3)))[0]
    wider = torch.cat([turned, torch.zeros(6, 4)], 1)
    assert float(likeness_loss(wider, wanted)) == pytest.approx(0, abs=1e-5)
    mine = unit(6, 5, seed=4).requires_grad_()
    likeness_loss(mine, wanted).backward()
    assert float(mine.grad.abs().max()) > 0


def test_cosines_are_not_rounded_where_convolutions_are():
    mine, wanted = unit(6, 5, seed=5), unit(6, 5, seed=6)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = (mine @ mine.T).float()
        found = likeness_loss(mine, wanted)
    assert not torch.allclose(rounded, mine @ mine.T, atol=1e-4)
    assert torch.equal(found, likeness_loss(mine, wanted))


def test_nearest_alike_counts_images_whose_nearest_other_one_is_of_their_class():
    angles = torch.deg2rad(torch.tensor([0.0, 10.0, 25.0, 90.0, 94.0]))
    features = torch.stack([angles.cos(), angles.sin()], 1)
    assert float(nearest_alike(features, torch.tensor([0, 0, 1, 1, 1]))) == pytest.approx(4 / 5)
