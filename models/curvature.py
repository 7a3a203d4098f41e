"""Meta-curvature: learned matrices that gradients are multiplied with (Park and Oliva 2019, section 3.2).

A convolution's gradient G ``[O, I, 3, 3]`` becomes G x_o M_o x_i M_i x_f M_f, f counting the 9 places of a
kernel (eq. 5), that of a layer of products ``[O, I]`` becomes G x_o M_o x_i M_i; a vector's is scaled element
by element. Of the head, whose classes come and go, the matrix over the features alone is learned: one over
classes that treats all of them alike is a multiple of the identity, which the rate is already, but for what it
adds to all classes' gradients in common, and these sum to 0.
"""

import torch
from torch import Tensor

from models.backbones.backbone import Params

_HEAD_WEIGHT, _HEAD_BIAS = "head.weight", "head.bias"  # which have classes in front, as no tensor of a body has


def initial(name: str, shape: torch.Size) -> Params:
    """Identities for one tensor's gradient: of ``shape`` without a task's or a class's dimension."""
    if len(shape) == 4:
        outputs, inputs, height, width = shape
        return {
            f"{name}.out": torch.eye(outputs),
            f"{name}.in": torch.eye(inputs),
            f"{name}.kernel": torch.eye(height * width),
        }
    if name == _HEAD_WEIGHT:
        return {f"{name}.in": torch.eye(shape[0])}
    if len(shape) == 2:
        return {f"{name}.out": torch.eye(shape[0]), f"{name}.in": torch.eye(shape[1])}
    return {f"{name}.scale": torch.ones(shape)}


def curved(phi: Params, name: str, gradient: Tensor) -> Tensor:
    """Multiply one tensor's gradient ``[T, ...]`` by its matrices, for all tasks the same or one of each task."""
    if gradient.ndim == 5:
        found = gradient.flatten(3)  # [T, O, I, 9]
        found = found @ phi[f"{name}.kernel"][..., None, :, :].transpose(-1, -2)
        found = phi[f"{name}.in"][..., None, :, :] @ found
        found = torch.einsum("...po,...oif->...pif", phi[f"{name}.out"], found)
        return found.view_as(gradient)
    if gradient.ndim == 3:
        found = gradient @ phi[f"{name}.in"].transpose(-1, -2)
        return found if name == _HEAD_WEIGHT else phi[f"{name}.out"] @ found
    scale = phi[f"{name}.scale"]
    return gradient * (scale[..., None] if name == _HEAD_BIAS else scale)
