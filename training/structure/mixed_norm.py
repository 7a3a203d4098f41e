"""Group normalisation for all widths and numbers of groups at once, weighted by their probabilities."""

import torch
from torch import Tensor

from models.kernels.task_group_norm import EPSILON


def mixed_norm(
    maps: Tensor,
    scale: Tensor,
    shift: Tensor,
    widths: tuple[int, ...],
    groups: tuple[int, ...],
    of_widths: Tensor,
    of_groups: Tensor,
) -> Tensor:
    """Sum, over widths w and groups g, the first w channels normalised in g groups, weighted by probability.

    Normalising is affine in an image's maps once their moments are known, and the moments of any set of channels
    follow from those of each channel. So the sum is one affine map, which costs no more than one candidate.

    Args:
        maps: ``[T, B, C, H, W]``, C the largest width.
        scale: ``[C]`` for all tasks, or ``[T, C]``, a row for each.
        shift: as ``scale``.
        widths: numbers of channels to choose from; channels beyond a width are 0 in its candidate.
        groups: numbers of groups to choose from, each a divisor of every width; 0 for as many as channels.
        of_widths: probabilities ``[len(widths)]``.
        of_groups: probabilities ``[len(groups)]``.

    Returns:
        ``[T, B, C, H, W]``.
    """
    mean = maps.mean((3, 4))
    variance = (maps - mean[..., None, None]).square().mean((3, 4))
    gain, offset, there = torch.zeros_like(mean), torch.zeros_like(mean), mean.new_zeros(mean.shape[-1])
    for width, likely in zip(widths, of_widths.unbind(), strict=True):
        room = (0, mean.shape[-1] - width)
        there = there + torch.nn.functional.pad(likely.expand(width), room)
        for count, share in zip(groups, of_groups.unbind(), strict=True):
            steepness, centre = _steepness_and_centre(mean[..., :width], variance[..., :width], count or width)
            weighted = likely * share * steepness
            gain = gain + torch.nn.functional.pad(weighted, room)
            offset = offset - torch.nn.functional.pad(weighted * centre, room)
    scale, shift = (value if value.ndim == 1 else value[:, None] for value in (scale, shift))
    gain, offset = gain * scale, offset * scale + there * shift
    return torch.addcmul(offset[..., None, None], maps, gain[..., None, None])


def _steepness_and_centre(mean: Tensor, variance: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """One over the standard deviation of each channel's group, and that group's mean; both ``[T, B, w]``."""
    means = mean.unflatten(-1, (groups, -1))
    centre = means.mean(-1, keepdim=True)
    spread = (variance.unflatten(-1, (groups, -1)) + (means - centre).square()).mean(-1, keepdim=True)
    steepness = (spread + EPSILON).rsqrt()
    return steepness.expand_as(means).flatten(-2), centre.expand_as(means).flatten(-2)
