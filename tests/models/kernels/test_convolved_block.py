"""A convolution and the block after it as one node: what torch computes in double precision, as two nodes do."""

import pytest
import torch
from torch.nn.functional import conv2d, group_norm, max_pool2d

from models.kernels.convolved_block import convolved_block
from models.kernels.native import compiled
from models.kernels.native.convolved_block import Layer

needs_compiler = pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")
TASKS, FILTERS, GROUPS = 3, 32, 8
# channels, images, side, stride, pooled; images are many enough to be computed in several parts, and are few
CASES = [
    (1, 2, 9, 2, False),
    (1, 70, 28, 1, True),
    (16, 2, 7, 2, False),
    (16, 90, 8, 2, True),
    (16, 3, 2, 1, False),
]


def inputs_of(case, dtype=torch.float32):
    channels, images, side, _, _ = case
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (TASKS, images, channels, side, side),
        (TASKS, FILTERS, channels, 3, 3),
        (TASKS, FILTERS),
        (TASKS, FILTERS),
    )
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


def by_torch(images, weight, stride, groups, scale, shift, *, pooled):
    maps = torch.stack([conv2d(*pair, stride=stride, padding=1) for pair in zip(images, weight, strict=True)])
    normal = group_norm(maps.flatten(0, 1), groups, eps=1e-5).view(maps.shape)
    normal = normal * scale[:, None, :, None, None] + shift[:, None, :, None, None]
    found = max_pool2d(normal.flatten(0, 1), 2) if pooled else normal.flatten(0, 1)
    return found.relu().view(*maps.shape[:2], *found.shape[1:])


def derivatives(function, case, arrays, learned):
    """The result, its gradient by what is learned, and the gradient of that gradient."""
    _, _, _, stride, pooled = case
    leaves = [one.requires_grad_(place in learned) for place, one in enumerate(arrays)]
    images, weight, scale, shift = leaves
    wanted = [leaves[place] for place in learned]
    found = function(images, weight, stride, GROUPS, scale, shift, pooled=pooled)
    once = torch.autograd.grad((found**2).sum(), wanted, retain_graph=True)
    first = torch.autograd.grad((found**2).sum(), wanted, create_graph=True)
    for plain, differentiable in zip(once, first, strict=True):
        torch.testing.assert_close(plain, differentiable, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))
    second = torch.autograd.grad(
        sum((one**2).sum() / one.square().sum().item() for one in first) + found.sum(), wanted
    )
    return [one.detach() for one in (found, *first, *second)]


def all_close(ours, others):
    for mine, other in zip(ours, others, strict=True):
        assert (mine.double() - other.double()).norm() <= 1e-4 * other.double().norm()


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_the_result_and_two_derivatives(case):
    learned = (1, 2, 3) if case[0] == 1 else (0, 1, 2, 3)
    assert Layer(case[3], GROUPS, case[4]).supports(*inputs_of(case))
    ours = derivatives(convolved_block, case, inputs_of(case), learned)
    all_close(ours, derivatives(by_torch, case, inputs_of(case, torch.float64), learned))


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_as_the_two_nodes_by_themselves(case, monkeypatch):
    learned = (1, 2, 3) if case[0] == 1 else (0, 1, 2, 3)
    ours = derivatives(convolved_block, case, inputs_of(case), learned)
    monkeypatch.setattr(Layer, "supports", lambda *_: False)
    apart = derivatives(convolved_block, case, inputs_of(case), learned)
    assert torch.equal(ours[0], apart[0])
    all_close(ours, apart)


@needs_compiler
def test_weights_that_all_tasks_share():
    case = CASES[2]
    images, weight, scale, shift = inputs_of(case)
    shared = [one[0].clone().requires_grad_() for one in (weight, scale, shift)]
    each = [one.detach().expand(TASKS, *one.shape).clone().requires_grad_() for one in shared]
    one = convolved_block(images, shared[0], 2, GROUPS, *shared[1:], pooled=False)
    other = convolved_block(images, each[0], 2, GROUPS, *each[1:], pooled=False)
    assert torch.equal(one, other)
    one.pow(2).sum().backward()
    other.pow(2).sum().backward()
    all_close([value.grad for value in shared], [value.grad.sum(0) for value in each])


@needs_compiler
def test_an_image_computes_alone_as_in_company():
    case = CASES[3]
    images, weight, scale, shift = inputs_of(case)
    images.requires_grad_()
    found = convolved_block(images, weight, 2, GROUPS, scale, shift, pooled=True)
    (back,) = torch.autograd.grad(found.pow(2).sum(), images)
    for task, image in [(0, 0), (1, 33), (2, 89)]:
        part = slice(task, task + 1)
        one = images.detach()[part, image : image + 1].requires_grad_()
        alone = convolved_block(one, weight[part], 2, GROUPS, scale[part], shift[part], pooled=True)
        assert torch.equal(alone[0, 0], found[task, image])
        (of_one,) = torch.autograd.grad(alone.pow(2).sum(), one)
        assert torch.equal(of_one[0, 0], back[task, image])


@needs_compiler
def test_images_that_do_not_fit_the_kernels_are_refused():
    images, weight, scale, shift = inputs_of(CASES[0])
    with pytest.raises(ValueError, match="must agree in tasks and channels"):
        convolved_block(images, weight.repeat(1, 1, 3, 1, 1), 2, GROUPS, scale, shift, pooled=False)
