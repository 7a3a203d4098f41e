"""Meta-curvature: learned matrices by which gradients are multiplied (Park and Oliva 2019, section 3.2).

A convolution's gradient G ``[O, I, 3, 3]`` becomes G x_o M_o x_i M_i x_f M_f, where f indexes the 9 positions of
a kernel (eq. 5); a linear layer's ``[O, I]`` becomes G x_o M_o x_i M_i; a vector's is scaled element by element.
For the head, whose classes vary from task to task, only the matrix over features is learned. A matrix over
classes that treats them all alike is a multiple of the identity, which the rate already provides, plus a term
that adds the sum of all classes' gradients to each of them; and that sum is 0.
"""

import torch
from torch import Tensor

from models.backbones.backbone import Params

_HEAD_WEIGHT, _HEAD_BIAS = "head.weight", "head.bias"  # unlike the body's tensors, with a leading class dimension


def initial(name: str, shape: torch.Size) -> Params:
    """Identities for the gradient of one tensor.

    Args:
        name: of the tensor.
        shape: of the tensor, without task or class dimension.

    Returns:
        By name: ``.out``, ``.in`` and ``.kernel`` for a convolution, ``.out`` and ``.in`` for a matrix, ``.in``
        for the head's weight, ``.scale`` for any other.
    """
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
    """Multiply one tensor's gradient ``[T, ...]`` by its matrices, shared or with a leading task dimension."""
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
