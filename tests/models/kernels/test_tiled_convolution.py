"""Convolutions by kernels that were transformed once: the same maps, whoever else is in the batch."""

import pytest
import torch

from models.kernels.native.at_rest import supports
from models.kernels.native.compiled import library
from models.kernels.tiled_convolution import TiledConvolution

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler here")


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def wanted(images, kernel, offset, start, *, relu):
    maps = torch.nn.functional.conv2d(images.double(), kernel.double(), offset.double(), padding=1)
    maps = maps if start is None else maps + start.double()
    return maps.relu() if relu else maps


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(
    ("batch", "channels", "filters", "high", "wide"),
    [(1, 16, 16, 4, 4), (3, 16, 80, 3, 5), (2, 48, 144, 10, 10), (5, 32, 64, 21, 13), (9, 160, 112, 6, 1)],
)
def test_the_maps_of_the_convolution(batch, channels, filters, high, wide, added, relu):
    images, kernel = drawn(batch, channels, high, wide), drawn(filters, channels, 3, 3, seed=1) / channels**0.5
    offset = drawn(filters, seed=2)
    start = drawn(batch, filters, high, wide, seed=3) if added else None
    found = TiledConvolution.of(kernel, offset, relu=relu)(images, start)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(
        found.double(), wanted(images, kernel, offset, start, relu=relu), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_an_image_is_convolved_the_same_to_the_bit_in_any_company(threads):
    images, start = drawn(40, 16, 10, 10), drawn(40, 48, 10, 10, seed=3)
    convolution = TiledConvolution.of(drawn(48, 16, 3, 3, seed=1), drawn(48, seed=2), relu=True)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = convolution(images, start)
        alone = torch.cat([convolution(*one) for one in zip(images.split(1), start.split(1), strict=True)])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(together, alone)


def test_images_of_other_channels_are_refused():
    convolution = TiledConvolution.of(drawn(32, 16, 3, 3), drawn(32, seed=2), relu=True)
    with pytest.raises(ValueError, match="images of 1 channels cannot be convolved by kernels of 16"):
        convolution(drawn(2, 1, 8, 8))


def test_no_images_give_no_maps():
    convolution = TiledConvolution.of(drawn(32, 16, 3, 3), drawn(32, seed=2), relu=True)
    assert convolution(drawn(0, 16, 8, 8)).shape == (0, 32, 8, 8)


def test_neither_images_nor_what_is_added_are_written_to():
    images, start = drawn(2, 16, 8, 8), drawn(2, 16, 8, 8, seed=3)
    before = images.clone(), start.clone()
    TiledConvolution.of(drawn(16, 16, 3, 3, seed=1), drawn(16, seed=2), relu=True)(images, start)
    assert torch.equal(images, before[0])
    assert torch.equal(start, before[1])


@pytest.mark.parametrize("shape", [(16, 3, 3, 3), (24, 16, 3, 3), (16, 16, 1, 1), (16, 16, 5, 5)])
def test_other_kernels_cannot_be_tiled(shape):
    assert not supports(torch.zeros(shape))


def test_only_floats_supports():
    assert supports(torch.zeros(16, 16, 3, 3))
    assert not supports(torch.zeros(16, 16, 3, 3).double())
