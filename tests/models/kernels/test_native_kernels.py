"""The arithmetic in C: it computes what torch computes in double precision."""

import pytest
import torch
from torch.nn.functional import conv2d, group_norm, max_pool2d

from models.kernels.native import compiled
from models.kernels.native import convolution as native
from models.kernels.normalised_block import normalised_block
from models.kernels.task_convolution import convolve

needs_compiler = pytest.mark.skipif(compiled.library() is None, reason="no C compiler here")
TASKS = 3
SIZES = [(5, 1, 1), (2, 6, 6), (3, 7, 5), (4, 3, 4), (40, 9, 9)]  # images, height, width
CHANNELS = [(1, 16), (3, 32), (16, 16), (64, 64), (48, 80)]


def drawn(*shapes):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def close(found, expected, tolerance=2e-6):
    """Whether arrays differ by rounding, measured against the largest number."""
    return float((found.double() - expected).abs().max()) <= tolerance * float(expected.abs().max())


def convolutions(size, channels, stride):
    batch, height, width = size
    inputs, filters = channels
    maps_shape = (TASKS, batch, filters, -(-height // stride), -(-width // stride))
    images, weight, gradient = drawn(
        (TASKS, batch, inputs, height, width), (TASKS, filters, inputs, 3, 3), maps_shape
    )
    wide = [images.double().requires_grad_(), weight.double().requires_grad_()]
    maps = torch.stack([conv2d(*pair, stride=stride, padding=1) for pair in zip(*wide, strict=True)])
    of_images, of_weight = torch.autograd.grad(maps, wide, gradient.double())
    return (images, weight, gradient), (maps.detach(), of_images, of_weight)


@needs_compiler
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", CHANNELS)
def test_the_three_products_of_a_convolution(size, channels, stride):
    (images, weight, gradient), (maps, of_images, of_weight) = convolutions(size, channels, stride)
    tolerance = 2e-5 if stride == 1 else 2e-6  # Winograd's transforms enlarge rounding errors tenfold
    assert close(native.convolve(images, weight, stride), maps, tolerance)
    assert close(native.weight_gradient(gradient, images, stride), of_weight, 2e-5)
    if channels[0] % 16 == 0:
        assert close(native.input_gradient(gradient, weight, stride, size[1:]), of_images, tolerance)


@needs_compiler
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", CHANNELS)
def test_the_same_with_factors_rounded_to_bfloat16(size, channels, stride):
    (images, weight, gradient), (maps, of_images, of_weight) = convolutions(size, channels, stride)
    assert close(native.convolve(images, weight, stride, reduced=True), maps, 0.02)
    assert close(native.weight_gradient(gradient, images, stride, reduced=True), of_weight, 0.02)
    if channels[0] % 16 == 0:
        assert close(native.input_gradient(gradient, weight, stride, size[1:], reduced=True), of_images, 0.02)


@needs_compiler
def test_images_that_do_not_fit_the_kernels_are_refused():
    images, weight = drawn((TASKS, 2, 1, 6, 6), (TASKS, 16, 3, 3, 3))
    with pytest.raises(ValueError, match="must agree in tasks and channels"):
        native.convolve(images, weight, 2)
    with pytest.raises(ValueError, match="must agree in tasks and channels"):
        native.convolve(images, weight[:2, :, :1], 2)


@needs_compiler
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("tasks", "images", "height"), [(0, 2, 6), (2, 0, 6), (2, 2, 0)])
def test_nothing_gives_weights_no_gradient(tasks, images, height, stride):
    seen, gradient = (
        torch.ones(tasks, images, 16, height, 6),
        torch.ones(tasks, images, 32, height // stride, 6 // stride),
    )
    assert torch.equal(native.weight_gradient(gradient, seen, stride), torch.zeros(tasks, 32, 16, 3, 3))


@needs_compiler
@pytest.mark.parametrize("groups", [3, 32])
def test_groups_that_channels_cannot_form_are_refused(groups):
    maps, scale, shift = drawn((1, 1, 16, 2, 2), (1, 16), (1, 16))
    with pytest.raises(ValueError, match=f"16 channels cannot form {groups} groups"):
        normalised_block(maps, groups, scale, shift, pooled=False)


@needs_compiler
@pytest.mark.parametrize("tasks", [1, TASKS])
def test_weights_that_all_tasks_share(tasks):
    images, weight, gradient = drawn((tasks, 2, 16, 6, 6), (32, 16, 3, 3), (tasks, 2, 32, 3, 3))
    shared, each = weight.expand(tasks, -1, -1, -1, -1), weight.repeat(tasks, 1, 1, 1, 1)
    for reduced in (False, True):
        one = native.convolve(images, shared, 2, reduced=reduced)
        assert torch.equal(one, native.convolve(images, each, 2, reduced=reduced))
        one = native.input_gradient(gradient, shared, 2, (6, 6), reduced=reduced)
        assert torch.equal(one, native.input_gradient(gradient, each, 2, (6, 6), reduced=reduced))


@needs_compiler
def test_maps_are_added_to_maps():
    images, weight = drawn((TASKS, 2, 16, 6, 6), (TASKS, 16, 16, 3, 3))
    maps = native.convolve(images, weight, 1)
    twice = maps.clone()
    native.add_convolved(twice, images, weight, 1)
    torch.testing.assert_close(twice, 2 * maps)


@needs_compiler
def test_an_image_computes_alone_as_in_company():
    images, weight, gradient = drawn((2, 70, 16, 12, 12), (2, 32, 16, 3, 3), (2, 70, 32, 12, 12))
    scale, shift = drawn((2, 32), (2, 32))
    together = normalised_block(convolve(images, weight, 1), 8, scale, shift, pooled=True)
    back = native.input_gradient(gradient, weight, 1, (12, 12))
    for task, image in [(0, 0), (1, 33), (1, 69)]:
        of_task = slice(task, task + 1), slice(image, image + 1)
        alone = convolve(images[of_task], weight[task : task + 1], 1)
        alone = normalised_block(alone, 8, scale[task : task + 1], shift[task : task + 1], pooled=True)
        assert torch.equal(alone[0, 0], together[task, image])
        alone = native.input_gradient(gradient[of_task], weight[task : task + 1], 1, (12, 12))
        assert torch.equal(alone[0, 0], back[task, image])


def block_by_torch(maps, groups, scale, shift, pooled):
    normal = group_norm(maps.flatten(0, 1), groups, eps=1e-5).view(maps.shape)
    normal = normal * scale[:, None, :, None, None] + shift[:, None, :, None, None]
    found = max_pool2d(normal.flatten(0, 1), 2) if pooled else normal.flatten(0, 1)
    return found.relu().view(*maps.shape[:2], *found.shape[1:])


@needs_compiler
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("size", [(4, 4), (7, 5), (2, 3)])
@pytest.mark.parametrize("channels", [16, 48, 80])
def test_normalisation_with_what_follows_and_its_first_two_derivatives(channels, size, pooled):
    arrays = drawn((TASKS, 2, channels, *size), (TASKS, channels), (TASKS, channels))
    answers = []
    for function, dtype in ((normalised_block, torch.float32), (block_by_torch, torch.float64)):
        inputs = [one.to(dtype).requires_grad_() for one in arrays]
        maps, scale, shift = inputs
        arguments = (maps, 8, scale, shift)
        if function is normalised_block:
            found = function(*arguments, pooled=pooled)
        else:
            found = function(*arguments, pooled)
        first = torch.autograd.grad((found**3).sum(), inputs, create_graph=True)
        second = torch.autograd.grad(sum((one**3).sum() for one in first), inputs)
        answers.append([one.detach() for one in (found, *first, *second)])
    for ours, torchs in zip(*answers, strict=True):
        assert close(ours, torchs, 1e-4)


@needs_compiler
def test_a_third_derivative_of_a_block_is_refused():
    maps, scale, shift = drawn((1, 1, 16, 2, 2), (1, 16), (1, 16))
    maps.requires_grad_()
    found = (normalised_block(maps, 2, scale, shift, pooled=False) ** 3).sum()
    (first,) = torch.autograd.grad(found, maps, create_graph=True)
    (second,) = torch.autograd.grad((first**3).sum(), maps, create_graph=True)
    with pytest.raises(RuntimeError, match="not three times"):
        torch.autograd.grad((second**3).sum(), maps)
