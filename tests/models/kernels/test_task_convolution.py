"""Convolution with a weight a task: its values and derivatives, up to the second, are those of torch's own."""

import pytest
import torch
from torch.nn.functional import conv2d

from models.kernels import patch_products, whole_convolutions
from models.kernels.native import convolution as native
from models.kernels.task_convolution import convolve

TASKS, BATCH, CHANNELS, OUT = 3, 2, 4, 5
SIZES = [(6, 6), (7, 5), (3, 4), (1, 2)]


def arrays(size, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(TASKS, BATCH, CHANNELS, *size, generator=generator, dtype=dtype)
    weight = torch.randn(TASKS, OUT, CHANNELS, 3, 3, generator=generator, dtype=dtype)
    return images, weight


def one_by_one(images, weight, stride):
    return torch.stack([conv2d(a, b, stride=stride, padding=1) for a, b in zip(images, weight, strict=True)])


@pytest.fixture(params=["patches", "whole"])
def kernels(request, monkeypatch):
    most = {"patches": 1 << 30, "whole": 0}[request.param]
    monkeypatch.setattr("models.kernels.task_convolution._FEW_CHANNELS", 0)
    monkeypatch.setattr("models.kernels.task_convolution._MOST_POSITIONS", most)
    return request.param


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_values_and_first_and_second_derivatives(kernels, stride, size):
    images, weight = arrays(size)
    images.requires_grad_()
    weight.requires_grad_()
    found, expected = convolve(images, weight, stride), one_by_one(images, weight, stride)
    torch.testing.assert_close(found, expected)
    grad = lambda maps: torch.autograd.grad(maps.square().sum(), [images, weight], create_graph=True)  # noqa: E731
    ours, torchs = grad(found), grad(expected)
    twice = lambda pair: torch.autograd.grad(sum(one.pow(3).sum() for one in pair), [images, weight])  # noqa: E731
    for mine, other in zip((*ours, *twice(ours)), (*torchs, *twice(torchs)), strict=True):
        torch.testing.assert_close(mine, other)


def test_weights_that_tasks_share(kernels):
    images, weight = arrays((6, 6))
    shared = weight[0].clone().requires_grad_()
    other = weight[0].clone().requires_grad_()
    (convolve(images, shared.expand_as(weight), 2).square().sum()).backward()
    (one_by_one(images, other.expand_as(weight), 2).square().sum()).backward()
    torch.testing.assert_close(shared.grad, other.grad)


def test_of_torchs_operations_the_fastest_are_used(monkeypatch):
    used = []
    for module in (patch_products, whole_convolutions):
        function = module.convolve
        monkeypatch.setattr(module, "convolve", lambda *a, f=function, m=module: used.append(m) or f(*a))
    for side in (8, 64):
        for channels in (8, 1):
            weight = torch.randn(2, OUT, channels, 3, 3, requires_grad=True)
            convolve(torch.rand(2, 3, channels, side, side), weight, 1)
    assert used == [patch_products, patch_products, whole_convolutions, patch_products]


@pytest.mark.parametrize("filters", [OUT, 16])  # torch's operations, and those in C where there is a compiler
def test_under_autocast_the_outer_gradient_alone_is_rounded(filters):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(TASKS, BATCH, 16, 6, 6, generator=generator)
    weight = torch.randn(TASKS, filters, 16, 3, 3, generator=generator).requires_grad_()

    def gradients(precision):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            maps = convolve(images, weight, 2)
            (inner,) = torch.autograd.grad(maps.pow(3).sum(), weight, create_graph=True)
        return maps, inner, *torch.autograd.grad(inner.square().sum(), weight)

    (maps, inner, outer), (same_maps, same_inner, rounded) = gradients("float32"), gradients("bfloat16")
    assert torch.equal(maps, same_maps)
    assert torch.equal(inner, same_inner)
    assert rounded.dtype == torch.float32
    assert (outer - rounded).norm() < 0.02 * outer.norm()
    in_c = native.supports(images, images, filters)
    assert torch.equal(outer, rounded) == (in_c and not native.multiplies_bfloat16())
