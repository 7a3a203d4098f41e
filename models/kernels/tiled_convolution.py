"""3x3 convolutions at rest by Winograd's tiles: kernels are transformed once, and the rest is one call in C."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from models.kernels.native import at_rest as native


@dataclass(frozen=True)
class TiledConvolution:
    """A convolution of stride 1 and padding 1, an offset for each channel, and optionally ReLU.

    It needs a quarter of the products of a direct sum over taps (Lavin and Gray 2016, F(4x4, 3x3)), and four
    times the memory for kernels.

    Attributes:
        matrices: the transformed kernel.
        offset: for each channel, ``[O]``.
        relu: whether negative results become 0.
    """

    matrices: native.Matrices
    offset: Tensor
    relu: bool

    @classmethod
    def of(cls, kernel: Tensor, offset: Tensor, *, relu: bool) -> Self:
        """Transform a kernel ``[O, C, 3, 3]`` that ``native.at_rest.supports``."""
        return cls(native.transformed(kernel), offset.contiguous(), relu)

    def __call__(self, images: Tensor, start: Tensor | None = None) -> Tensor:
        """Maps ``[B, O, H, W]`` of images ``[B, C, H, W]``; ``start``, shaped alike, is added before ReLU."""
        return native.convolve(self.matrices, images, self.offset, start, relu=self.relu)
