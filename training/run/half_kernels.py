"""Rounds kernels to float16, so that an initialization takes half the space."""

from models.backbones.backbone import Params


def with_half_kernels(phi: Params) -> Params:
    """Phi in float32, with its kernels rounded to values of float16; the few other numbers as they are.

    ``models.initialization.save`` stores a tensor as float16 where that loses nothing.
    """
    return {name: value.half().float() if value.ndim == 4 else value for name, value in phi.items()}
