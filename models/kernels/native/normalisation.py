"""Group normalisation with each task's scale and shift, pooling and ReLU, and the first two derivatives, in C.

All maps are ``[T, B, C, H, W]``, scale and shift ``[T, C]``; results have their channels innermost.
"""

import ctypes
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from models.kernels.native.compiled import function, library
from models.kernels.native.shapes import (
    LANES,
    a_task_each,
    address,
    are_floats_here,
    as_rows,
    channels_third,
    sizes,
)


def supports(maps: Tensor, scale: Tensor, shift: Tensor) -> bool:
    """Whether these can be computed by the C functions."""
    return maps.shape[2] % LANES == 0 and are_floats_here(maps, scale, shift) and library() is not None


@dataclass(frozen=True)
class Block:
    """The sizes and inputs that the result and both derivatives share.

    Attributes:
        maps: contiguous ``[T, B, H, W, C]``.
        scale: ``[T, C]``, or ``[C]`` if all tasks share it.
        shift: as ``scale``.
        step: distance between two tasks' scales in memory, in numbers; 0 if they share it.
        groups: how many groups the C channels form.
        pooled: whether the maximum over 2x2 is taken.
    """

    maps: Tensor
    scale: Tensor
    shift: Tensor
    step: ctypes.c_int64
    groups: int
    pooled: bool

    @classmethod
    def of(cls, maps: Tensor, scale: Tensor, shift: Tensor, groups: int, pooled: bool) -> Self:
        """Lay out maps ``[T, B, C, H, W]``, scale ``[T, C]`` and shift ``[T, C]``.

        Raises:
            ValueError: if the channels cannot form the groups, in which case C would write past the end.
        """
        if maps.shape[2] % groups:
            raise ValueError(f"{maps.shape[2]} channels cannot form {groups} groups")
        if scale.stride(0) != shift.stride(0):
            scale, shift = scale.contiguous(), shift.contiguous()
        laid_scale, step = a_task_each(scale)
        laid_shift, _ = a_task_each(shift)
        return cls(as_rows(maps), laid_scale, laid_shift, step, groups, pooled)

    @property
    def sizes(self) -> ctypes.Array[ctypes.c_int64]:
        """The structure of sizes that the C functions take."""
        return sizes(*self.maps.shape, self.groups, self.pooled)

    @property
    def _given(self) -> tuple[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]:
        return address(self.maps), address(self.scale), address(self.shift), self.step

    def result(self, epsilon: float) -> tuple[Tensor, Tensor]:
        """The result ``[T, B, C, H', W']``, and the moments ``[T, B, 2, C]`` that the derivatives need."""
        found, moments = self.room()
        function("normalise")(self.sizes, *self._given, ctypes.c_float(epsilon), address(found), address(moments))
        return channels_third(found), moments

    def room(self) -> tuple[Tensor, Tensor]:
        """Uninitialised tensors for a result ``[T, B, H', W', C]`` and its moments ``[T, B, 2, C]``."""
        tasks, batch, height, width, channels = self.maps.shape
        side = 2 if self.pooled else 1
        found = self.maps.new_empty(tasks, batch, height // side, width // side, channels)
        return found, self.maps.new_empty(tasks, batch, 2, channels)

    def gradient(self, moments: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of maps ``[T, B, C, H, W]``, scale and shift ``[T, C]``, given that of the result."""
        of_maps, rows = self.maps.new_empty(self.maps.shape), as_rows(gradient)
        of_scale, of_shift = self.a_channel_each(), self.a_channel_each()
        function("normalise_gradient")(
            self.sizes,
            address(rows),
            *self._given,
            address(moments),
            address(of_maps),
            address(of_scale),
            address(of_shift),
        )
        return channels_third(of_maps), of_scale, of_shift

    def second(
        self, moments: Tensor, gradient: Tensor, cotangents: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Differentiate ``gradient``: from cotangents of its results to those of its input, maps and scale."""
        rows = as_rows(gradient)
        of_maps, of_scale, of_shift = cotangents
        laid = as_rows(of_maps), of_scale.contiguous(), of_shift.contiguous()
        found = rows.new_empty(rows.shape), self.maps.new_empty(self.maps.shape), self.a_channel_each()
        function("normalise_second")(
            self.sizes,
            *map(address, laid),
            address(rows),
            *self._given,
            address(moments),
            *map(address, found),
        )
        return channels_third(found[0]), channels_third(found[1]), found[2]

    def a_channel_each(self) -> Tensor:
        """An uninitialised tensor ``[T, C]`` for a gradient of scale or shift."""
        tasks, _, _, _, channels = self.maps.shape
        return self.maps.new_empty(tasks, channels)
