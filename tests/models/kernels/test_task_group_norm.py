"""Group normalisation a task: values and derivatives, up to the second, are those of torch's own."""

import pytest
import torch
from torch.nn.functional import group_norm

from models.kernels.task_group_norm import task_group_norm


def by_torch(maps, groups, scale, shift):
    normal = group_norm(maps.flatten(0, 1), groups, eps=1e-5).view(maps.shape)
    return normal * scale[:, None, :, None, None] + shift[:, None, :, None, None]


@pytest.mark.parametrize("size", [(4, 3), (1, 1)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_values_and_first_and_second_derivatives(groups, size):
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 6, *size, generator=generator, dtype=torch.float64).requires_grad_()
    scale, shift = torch.randn(2, 2, 6, generator=generator, dtype=torch.float64).requires_grad_()
    inputs = [maps, scale, shift]
    first, second = [], []
    for function in (task_group_norm, by_torch):
        found = function(maps, groups, scale, shift)
        gradients = torch.autograd.grad((found**3).sum(), inputs, create_graph=True)
        first += [found, *gradients]
        wanted = sum((one**3).sum() for one in gradients)
        second += torch.autograd.grad(wanted, inputs)
    for ours, torchs in zip(first[:4] + second[:3], first[4:] + second[3:], strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-8, atol=1e-8)


def test_a_third_derivative_is_refused():
    maps, scale, shift = torch.randn(1, 1, 4, 2, 2, requires_grad=True), torch.ones(1, 4), torch.zeros(1, 4)
    (first,) = torch.autograd.grad((task_group_norm(maps, 2, scale, shift) ** 3).sum(), maps, create_graph=True)
    (second,) = torch.autograd.grad((first**3).sum(), maps, create_graph=True)
    with pytest.raises(RuntimeError, match="not three times"):
        torch.autograd.grad((second**3).sum(), maps)
