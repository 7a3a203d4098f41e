"""Rounds kernels to float16, so that an initialization is stored in half the room."""

from models.backbones.backbone import Params


def with_half_kernels(phi: Params) -> Params:
    """Phi as float32, its kernels as float16 holds them; the few other numbers as they are.

    ``models.initialization.save`` stores what float16 holds in float16.
    """
    return {name: value.half().float() if value.ndim == 4 else value for name, value in phi.items()}
