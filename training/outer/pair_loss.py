"""The loss of all one-shot tasks that a batch of images holds: each image asks, each other one answers."""

import torch
from torch import Tensor


def pair_loss(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of naming an image's class from one example of it, against all images of other classes.

    An episode of N ways with one query a class asks N questions; the same images taken in all pairs ask as many
    as there are ordered pairs of one class, at the cost of the same forward pass (Sohn 2016, eq. 6, with
    every pair in turn).

    Args:
        logits: ``[M, M]``, entry (a, b) that of the class of which image b is the only example, for query a.
        classes: int64 ``[M]``.

    Returns:
        The mean loss over ordered pairs of one class, and the share of images whose nearest other image is of
        their class.
    """
    same = classes[:, None] == classes
    itself = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
    lowest = torch.finfo(logits.dtype).min
    others = torch.logsumexp(logits.masked_fill(same, lowest), 1, keepdim=True)
    losses = torch.nn.functional.softplus(others - logits)
    nearest = logits.detach().masked_fill(itself, lowest).argmax(1)
    return losses[same & ~itself].mean(), (classes[nearest] == classes).float().mean()
