"""Group normalisation with a scale and a shift for each task, and its first two derivatives in closed form.

torch differentiates the gradient of its group normalisation by composing elementary operations, each a pass over
the maps. In closed form, five such passes suffice, besides sums over each image's positions.

Notation, for one image and group of n numbers: ``c = x - mean(x)``, ``r = (mean(c^2) + eps)^-1/2``, ``xhat = r
c``, ``y = scale xhat + shift`` (Wu and He 2018, eq. 1 and 7), and g the gradient of y. With ``P(a) = a - mean(a)
- xhat mean(a xhat)``, the derivative of xhat along dx is ``r P(dx)``; P is symmetric, so the gradient of x is
``gx = r P(scale g)``. Differentiating that in turn, a cotangent u of gx gives ``gu = r P(u)`` for scale g, and
``-r (mean(u gx) xhat + mean(scale g xhat) gu + mean(u xhat) gx)`` for x.
"""

from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-5


def group_norm(maps: Tensor, groups: int, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise each image's groups of channels, then scale and shift channels: for all tasks alike, or for each.

    Args:
        maps: ``[T, B, C, H, W]``.
        groups: how many groups the C channels form.
        scale: ``[C]`` for all tasks, or ``[T, C]`` with a row for each (see ``task_group_norm``).
        shift: as ``scale``.

    Returns:
        ``[T, B, C, H, W]``, differentiable twice.
    """
    if scale.ndim == 2:
        return task_group_norm(maps, groups, scale, shift)
    flat = torch.nn.functional.group_norm(maps.flatten(0, 1), groups, scale, shift, eps=EPSILON)
    return flat.view(maps.shape)


def task_group_norm(maps: Tensor, groups: int, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise each image's groups of channels, then scale and shift each task's channels.

    Args:
        maps: ``[T, B, C, H, W]``, fastest with the channels innermost.
        groups: how many groups the C channels form.
        scale: ``[T, C]``.
        shift: ``[T, C]``.

    Returns:
        ``[T, B, C, H, W]`` with the channels innermost, in float32 or wider; differentiable twice.
    """
    tasks, batch, channels, height, width = maps.shape
    wide = maps.to(torch.promote_types(maps.dtype, torch.float32))
    rows = wide.permute(0, 1, 3, 4, 2).reshape(tasks, batch, height * width, channels)
    found: Tensor = _Normal.apply(rows, scale, shift, groups)  # type: ignore[no-untyped-call]
    return found.view(tasks, batch, height, width, channels).permute(0, 1, 4, 2, 3)


class _Normal(torch.autograd.Function):
    """Normalises rows ``[T, B, P, C]``, P being the positions of an image."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
        centred = rows - _mean(rows.sum(2), rows.shape[2], groups)[:, :, None]
        spread = _mean(centred.square().sum(2), rows.shape[2], groups)
        steepness = (spread + EPSILON).rsqrt()  # r, [T, B, C]
        ctx.save_for_backward(rows, scale, centred, steepness)
        ctx.groups = groups
        return torch.addcmul(shift[:, None, None], centred, (scale[:, None] * steepness)[:, :, None])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, scale, centred, steepness = ctx.saved_tensors
        arguments = (gradient, rows, scale, centred.detach(), steepness.detach(), ctx.groups)
        return (*_NormalGradient.apply(*arguments), None)  # type: ignore[no-untyped-call]


class _NormalGradient(torch.autograd.Function):
    """From the gradient of the result to those of rows, scale and shift."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, rows: Tensor, scale: Tensor, centred: Tensor, steepness: Tensor, groups: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        positions = gradient.shape[2]
        sums = gradient.sum(2)  # [T, B, C], as all sums
        with_normal = (gradient * centred).sum(2) * steepness
        mean = _mean(scale[:, None] * sums, positions, groups)  # of scale g
        slope = _mean(scale[:, None] * with_normal, positions, groups)  # of scale g xhat
        ctx.save_for_backward(gradient, rows, scale, centred, steepness, sums, with_normal, mean, slope)
        ctx.groups = groups
        of_rows = _combined(
            -mean * steepness,
            (gradient, scale[:, None] * steepness),
            (centred, -slope * steepness.square()),
        )
        return of_rows, with_normal.sum(1), sums.sum(1)

    @staticmethod
    def backward(ctx: Any, of_rows: Tensor, of_scale: Tensor, of_shift: Tensor) -> tuple[Tensor | None, ...]:
        gradient, rows, scale, centred, steepness, sums, with_normal, mean, slope = ctx.saved_tensors
        sources = (of_rows, of_scale, of_shift, gradient, rows, scale)
        positions, groups = gradient.shape[2], ctx.groups
        scale, of_scale, of_shift = scale[:, None], of_scale[:, None], of_shift[:, None]
        u_sums = of_rows.sum(2)
        u_with_normal = (of_rows * centred).sum(2) * steepness
        u_with_gradient = (of_rows * gradient).sum(2)
        u_mean, u_slope = _mean(u_sums, positions, groups), _mean(u_with_normal, positions, groups)
        # mean(u gx) / r; then the means of v g and v g xhat, v being the cotangent of the scale's gradient
        product = _mean(scale * u_with_gradient, positions, groups) - u_mean * mean - u_slope * slope
        v_mean = _mean(of_scale * sums, positions, groups)
        v_slope = _mean(of_scale * with_normal, positions, groups)
        squared = steepness.square()
        to_gradient = _combined(
            of_shift - scale * steepness * u_mean,
            (of_rows, scale * steepness),
            (centred, (of_scale - scale * steepness * u_slope) * steepness),
        )
        to_rows = _combined(
            squared * (slope * u_mean + u_slope * mean) - steepness * v_mean,
            (centred, squared * (steepness * (2 * slope * u_slope - product) - v_slope)),
            (of_rows, -squared * slope),
            (gradient, steepness * of_scale - squared * u_slope * scale),
        )
        to_scale = (steepness * (u_with_gradient - u_mean * sums - u_slope * with_normal)).sum(1)
        found = [to_gradient, to_rows, to_scale]
        if torch.is_grad_enabled():
            found = [last_derivative(one, sources) for one in found]
        return (*found, None, None, None)


def last_derivative(value: Tensor, sources: tuple[Tensor, ...]) -> Tensor:
    """Mark a second derivative that depends on ``sources``: differentiating it again raises RuntimeError."""
    marked: Tensor = _Last.apply(value.detach(), *sources)  # type: ignore[no-untyped-call]
    return marked


class _Last(torch.autograd.Function):
    """Passes a value on and raises RuntimeError when differentiated, since its derivative is not implemented."""

    @staticmethod
    def forward(_ctx: Any, value: Tensor, *_sources: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(_ctx: Any, _gradient: Tensor) -> tuple[Tensor | None, ...]:
        raise RuntimeError("group normalisation a task can be differentiated twice, not three times")


def _mean(sums: Tensor, positions: int, groups: int) -> Tensor:
    """Turn each channel's sum over positions, ``[T, B, C]``, into its group's mean, repeated for each channel."""
    grouped = sums.view(*sums.shape[:2], groups, -1)
    return (grouped.mean(3, keepdim=True) / positions).expand_as(grouped).flatten(2)


def _combined(constant: Tensor, *terms: tuple[Tensor, Tensor]) -> Tensor:
    """A constant plus maps ``[T, B, P, C]`` times factors; constant and factors are ``[T, B, C]``."""
    (maps, factor), *others = terms
    total = torch.addcmul(constant[:, :, None], maps, factor[:, :, None])
    for maps, factor in others:
        total.addcmul_(maps, factor[:, :, None])
    return total
