"""A convolution and the normalised block after it, and the gradients of both, in C, a few images at a time.

All maps are ``[T, B, C, H, W]``, kernels ``[T, O, C, 3, 3]``, scale and shift ``[T, O]``; results have their
channels innermost.
"""

import ctypes
from dataclasses import dataclass

from torch import Tensor

from models.kernels.layouts import as_kernels, as_matrices
from models.kernels.native.compiled import function, library
from models.kernels.native.convolution import is_tiled, name_of
from models.kernels.native.normalisation import Block
from models.kernels.native.shapes import (
    LANES,
    a_task_each,
    address,
    are_floats_here,
    as_rows,
    channels_third,
    check_alike,
    sizes,
)


@dataclass(frozen=True)
class Layer:
    """The settings that the forward and the backward pass share.

    Attributes:
        stride: of the convolution.
        groups: how many groups the O channels form.
        pooled: whether the maximum over 2x2 is taken.
    """

    stride: int
    groups: int
    pooled: bool

    def supports(self, images: Tensor, weight: Tensor, scale: Tensor, shift: Tensor) -> bool:
        """Whether this can be computed here, and is fastest so: Winograd's tiles need many images at a time."""
        channels, filters = weight.shape[-3], weight.shape[-4]
        shape = (*images.shape[:2], *images.shape[3:], channels)
        fits = filters % LANES == 0 and (channels % LANES == 0 or not images.requires_grad)
        tiled = is_tiled(shape, filters, self.stride)
        return fits and not tiled and are_floats_here(images, weight, scale, shift) and library() is not None

    def result(
        self, images: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The block's result, the convolution's maps, and the moments that ``gradients`` needs."""
        check_alike(images, weight)
        inputs = as_rows(images)
        tasks, batch, height, width, _ = inputs.shape
        filters = weight.shape[1]
        maps = inputs.new_empty(tasks, batch, -(-height // self.stride), -(-width // self.stride), filters)
        block = Block.of(channels_third(maps), scale, shift, self.groups, self.pooled)
        found, moments = block.room()
        matrices, step = a_task_each(as_matrices(weight))
        function("convolved_block")(
            sizes(*inputs.shape, filters, self.stride),
            block.sizes,
            function(name_of("convolve", inputs.shape, filters, self.stride, reduced=False)),
            *(address(inputs), address(matrices), step),
            *(address(block.scale), address(block.shift), block.step, ctypes.c_float(epsilon)),
            *(address(maps), address(found), address(moments)),
        )
        return channels_third(found), channels_third(maps), moments

    def gradients(
        self,
        gradient: Tensor,
        of_maps: Tensor | None,
        kept: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor],
        *,
        to_images: bool,
        reduced: bool,
    ) -> tuple[Tensor | None, Tensor, Tensor, Tensor]:
        """Gradients of images, weight, scale and shift.

        Args:
            gradient: of the result.
            of_maps: a further gradient of the convolution's maps, or None.
            kept: images, weight, scale, shift, and the maps and moments that ``result`` returned.
            to_images: whether to compute the gradient of the images; otherwise it is None.
            reduced: whether to round the factors of the convolution's products to bfloat16.
        """
        images, weight, scale, shift, maps, moments = kept
        inputs, rows = as_rows(images), as_rows(gradient)
        others = None if of_maps is None else as_rows(of_maps)
        block = Block.of(maps, scale, shift, self.groups, self.pooled)
        matrices, step = a_task_each(as_matrices(weight))
        filters, channels = weight.shape[1:3]
        of_images = inputs.new_empty(inputs.shape) if to_images else None
        of_weight = inputs.new_empty(len(inputs), 3, 3, channels, filters)
        of_scale, of_shift = block.a_channel_each(), block.a_channel_each()
        names = [
            name_of(one, inputs.shape, filters, self.stride, reduced=reduced)
            for one in ("input_gradient", "weight_gradient")
        ]
        function("convolved_block_gradients")(
            sizes(*inputs.shape, filters, self.stride),
            block.sizes,
            *map(function, names),
            *(address(rows), None if others is None else address(others), address(block.maps), address(moments)),
            *(address(inputs), address(matrices), step, address(block.scale), address(block.shift), block.step),
            None if of_images is None else address(of_images),
            *map(address, (of_weight, of_scale, of_shift)),
        )
        found = None if of_images is None else channels_third(of_images)
        return found, as_kernels(of_weight), of_scale, of_shift
