"""Random changes of the colours of photos."""

import torch
from torch import Tensor

from training.tasks.draws import Draws

_LUMA = (0.299, 0.587, 0.114)  # shares of red, green and blue in brightness (ITU-R BT.601)


def recoloured(images: Tensor, strength: float, draws: Draws) -> Tensor:
    """Change brightness, contrast and saturation of each image (Krizhevsky et al. 2012, section 4.1, in spirit).

    Args:
        images: float ``[B, 3, H, W]`` in 0..1.
        strength: each of the three is multiplied by e^u, u uniform in plus or minus this.
        draws: determine every change.

    Returns:
        Images of the same shape, in 0..1.

    Raises:
        ValueError: if the images do not have 3 channels.
    """
    if images.shape[1] != 3:
        raise ValueError(f"colours are of photos, with 3 channels, not {images.shape[1]}: set jitter.colour to 0")
    drawn = torch.exp(strength * (2 * draws.evenly(len(images), 3).T - 1)).to(images)
    brightness, contrast, saturation = drawn[..., None, None, None]
    grey = torch.einsum("c,bchw->bhw", torch.tensor(_LUMA).to(images), images)[:, None]
    mean = grey.mean((2, 3), keepdim=True)
    # All three are linear: together they mix the image with its grey version and its mean grey.
    mixed = (saturation * contrast) * images + ((1 - saturation) * contrast) * grey + (1 - contrast) * mean
    changed: Tensor = brightness * mixed
    return changed.clamp_(0, 1)
