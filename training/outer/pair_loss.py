"""The loss of all one-shot tasks in a batch of images: each image is a query, and every other one an example."""

import torch
from torch import Tensor


def pair_loss(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of recognising a query by one example of its class, against all images of other classes.

    An N-way episode with one query per class gives N predictions; taken in all pairs, the same images give one
    for each ordered pair within a class, at the cost of the same forward pass (Sohn 2016, eq. 6, over all pairs).

    Args:
        logits: ``[M, M]``, entry (a, b) being query a's logit for the class whose only example is image b.
        classes: int64 ``[M]``.

    Returns:
        The mean loss over ordered pairs within a class, and the share of images whose nearest other image (of
        highest logit) is of their class.
    """
    same = classes[:, None] == classes
    itself = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
    lowest = torch.finfo(logits.dtype).min
    others = torch.logsumexp(logits.masked_fill(same, lowest), 1, keepdim=True)
    losses = torch.nn.functional.softplus(others - logits)
    nearest = logits.detach().masked_fill(itself, lowest).argmax(1)
    return losses[same & ~itself].mean(), (classes[nearest] == classes).float().mean()
