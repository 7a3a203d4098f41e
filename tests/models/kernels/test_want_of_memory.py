"""Functions in C that get no memory to work in: MemoryError, and nothing else is different afterwards."""

import pytest
import torch

from models.kernels.convolved_block import convolved_block
from models.kernels.native import at_rest, compiled, convolution, step
from models.kernels.normalised_block import normalised_block
from models.kernels.task_convolution import convolve
from tests.scarce_memory import ALL, scarce_memory

pytestmark = pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def drawn(*shapes):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def three_products(stride, *, tasks=1, shared=False, reduced=False):
    side = 6 // stride
    images, weight, maps = drawn((tasks, 3, 16, 6, 6), (tasks, 32, 16, 3, 3), (tasks, 3, 32, side, side))
    weight = weight[:1].expand(tasks, -1, -1, -1, -1) if shared else weight
    found = convolution.convolve(images, weight, stride, reduced=reduced)
    convolution.add_convolved(found, images, weight, stride, reduced=reduced)
    of_images = convolution.input_gradient(maps, weight, stride, (6, 6), reduced=reduced)
    return found, of_images, convolution.weight_gradient(maps, images, stride, reduced=reduced)


@case
def direct():
    return three_products(2)


@case
def direct_of_many_tasks():
    return three_products(2, tasks=9)


@case
def direct_with_shared_weights():
    return three_products(2, tasks=2, shared=True)


@case
def direct_in_bfloat16():
    return three_products(2, reduced=True)


@case
def direct_in_bfloat16_with_shared_weights():
    return three_products(2, tasks=2, shared=True, reduced=True)


@case
def tiles():
    return three_products(1)


@case
def tiles_of_many_tasks():
    return three_products(1, tasks=9)


@case
def tiles_at_rest():
    images, kernel, offset = drawn((3, 16, 6, 6), (32, 16, 3, 3), (32,))
    return (at_rest.convolve(at_rest.transformed(kernel), images, offset, None, relu=True),)


@case
def a_step():
    return step.gradients(*drawn((3, 7000), (3, 7000), (1,)), to_shared=True, to_gradient=True)


def two_derivatives(function, *inputs):
    inputs = [one.requires_grad_() for one in inputs]
    found = function(*inputs)
    at_once = torch.autograd.grad((found**2).sum(), inputs, retain_graph=True)
    first = torch.autograd.grad((found**3).sum(), inputs, create_graph=True)
    return found, *at_once, *first, *torch.autograd.grad(sum((one**3).sum() for one in first), inputs)


@case
def normalised():
    arrays = drawn((2, 3, 16, 4, 4), (2, 16), (2, 16))
    return two_derivatives(lambda *of: normalised_block(of[0], 4, *of[1:], pooled=True), *arrays)


@case
def convolved_directly_and_normalised():
    arrays = drawn((1, 2, 16, 4, 4), (1, 16, 16, 3, 3), (1, 16), (1, 16))
    return two_derivatives(lambda *of: convolved_block(*of[:2], 2, 4, *of[2:], pooled=True), *arrays)


@case
def convolved_by_tiles_and_normalised():
    arrays = drawn((1, 2, 16, 4, 4), (1, 16, 16, 3, 3), (1, 16), (1, 16))
    return two_derivatives(lambda *of: normalised_block(convolve(*of[:2], 1), 4, *of[2:], pooled=False), *arrays)


@pytest.mark.parametrize(("threads", "refused"), [(1, ALL), (2, 1)])
@pytest.mark.parametrize("name", CASES)
def test_each_request_for_memory_may_be_refused(name, threads, refused):
    compute, before = CASES[name], torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with scarce_memory() as scarce:
            scarce.count()
            expected = compute()
            requests = scarce.requests
            assert requests > 0
            for first in range(requests):
                with pytest.raises(MemoryError, match="not enough for"), scarce.refusing(first, refused):
                    compute()
                assert scarce.not_given_back == 0
            for found, one in zip(compute(), expected, strict=True):
                assert torch.equal(found, one)
    finally:
        torch.set_num_threads(before)
