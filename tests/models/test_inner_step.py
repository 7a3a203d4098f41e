"""One step of the inner loop: what it moves, and what flows back, against the formula in double precision."""

import gc

import pytest
import torch

from models.inner_step import stepped
from models.kernels.layouts import as_kernels
from models.kernels.native import step as native

TASKS = 3


def drawn(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def kernels(shape, seed):
    filters, channels = shape[-4:-2]
    return as_kernels(drawn((*shape[:-4], 3, 3, channels, filters), seed))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("second_order", [True, False])
@pytest.mark.parametrize(
    ("make", "shape"),
    [(drawn, (5,)), (drawn, (7, 19)), (drawn, (70, 100)), (kernels, (32, 32, 3, 3)), (drawn, (8, 4, 3, 3))],
)
@pytest.mark.parametrize("a_number_each", [True, False])
def test_the_step_and_its_gradients(make, shape, shared, second_order, a_number_each):
    value = make(shape if shared else (TASKS, *shape), 0).requires_grad_()
    gradient = make((TASKS, *shape), 1).requires_grad_(second_order)
    cotangent = make((TASKS, *shape), 2)
    rate = (drawn(shape, 3) if a_number_each else torch.tensor(0.3)).requires_grad_()
    wanted = [value, rate, *([gradient] if second_order else [])]
    moved = stepped({"one": value}, {"one": rate}, [gradient])["one"]
    found = torch.autograd.grad(moved, wanted, cotangent)
    expected = torch.autograd.grad(value.double() - rate.double() * gradient.double(), wanted, cotangent.double())
    assert torch.allclose(moved, value - rate * gradient, atol=1e-6)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert float((one - other).norm()) <= 1e-5 * float(cotangent.norm())


def test_numbers_that_lie_in_different_orders_are_left_to_torch():
    laid, plain, rate = kernels((TASKS, 32, 16, 3, 3), 0), drawn((TASKS, 32, 16, 3, 3), 1), torch.tensor(0.3)
    assert not native.supports(laid, plain, rate)
    value = drawn((32, 16, 3, 3), 2).requires_grad_()
    moved = stepped({"one": value}, {"one": rate.requires_grad_()}, [laid])["one"]
    _, to_rate = torch.autograd.grad(moved, [value, rate], plain)
    assert torch.allclose(to_rate, -(plain * laid).sum(), rtol=1e-4)


def test_a_look_at_all_objects_meanwhile_breaks_no_step(monkeypatch):
    # what a profiler in another thread does: it holds every object while the moved tensors are being gathered
    seen, addcmul = [], torch.addcmul

    def looked_at(*given, **named):
        seen[:] = gc.get_objects()
        return addcmul(*given, **named)

    monkeypatch.setattr(torch, "addcmul", looked_at)
    values = {str(place): drawn((2,), place) for place in range(12)}
    rates = {name: torch.tensor(1.0) for name in values}
    moved = stepped(values, rates, [value[None] for value in values.values()])
    assert all(not one.any() for one in moved.values())
