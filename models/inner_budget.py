"""How many inner steps a task gets: as many as improve predictions on its own examples when held out."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.heads import classify
from models.support import Support

FOLDS = 3
_ERRORS = 2.0  # standard errors by which a gain must exceed 0, since several numbers of steps compete
Trajectory = Callable[[Support, Tensor | None], Iterator[tuple[Params, Tensor]]]


def held_out_steps(
    support: Support, features: Tensor, trajectory: Trajectory, given: bool, usual: int = 0
) -> Tensor:
    """Choose each task's number of steps by cross-validation on its support set, int64 ``[T]``.

    A third of each class's examples (half if some class has only two) is held out in turn, and the learner adapts
    to the rest. The criterion is the error rate on held-out examples, with equal weight for each class; with
    probabilities instead, steps that merely make answers more confident would count as gains. Another number of
    steps than the usual one is taken only if it lowers the error rate by more than two standard errors of the
    difference; among such numbers, the one with the largest gain is chosen. A task in which some class has a
    single example, or copies of a single one, takes the usual number.

    Args:
        support: of T tasks.
        features: of their images before adaptation, ``[T, S, D]``; with ``given``, the folds adapt on them.
        trajectory: adapts to the folds' support sets, on the features passed to it or, for None, on its own;
            after no step, one step and so on it yields the head, and the features of all examples, held-out ones
            included, under the parameters reached.
        given: whether features stay the same during adaptation.
        usual: the number of steps to take unless another one gains: 0 for a start that tells classes apart.
    """
    held = _held_out(support, features, _copies(support, features if given else support.images))  # [T, F, S]
    tasks, folds, examples = held.shape
    parts = Support(
        images=support.images.repeat_interleave(folds, 0),
        labels=support.labels.repeat_interleave(folds, 0),
        weights=(support.weights[:, None] * ~held).flatten(0, 1),
        ways=support.ways.repeat_interleave(folds, 0),
    )
    counted = support.balanced_weights()
    mask = parts.class_mask()
    wrong = []  # for each number of steps, which examples were misclassified when held out, [T, S]
    for head, of_examples in trajectory(parts, features.repeat_interleave(folds, 0) if given else None):
        logits = classify(head, of_examples, mask)
        own = logits.gather(2, parts.labels[..., None])
        others = logits.scatter(2, parts.labels[..., None], -torch.inf).amax(2, keepdim=True)
        # A tie counts as wrong, whatever the order of classes: a shared head starts with all logits equal.
        told_wrong = (own <= others).view(tasks, folds, examples)
        wrong.append((told_wrong & held).sum(1).to(counted.dtype))
    gains = torch.stack([wrong[usual] - one for one in wrong], 1)  # [T, steps + 1, S]
    mean = (gains * counted[:, None]).sum(2)
    # The variance of a weighted mean: with weights u over their sum U, the sum of (u / U)^2 (gain - mean)^2,
    # divided by 1 - sum of (u / U)^2 as with equal weights by 1 - 1 / n.
    relative = counted / counted.amax(1, keepdim=True)
    spread = ((gains - mean[..., None]).square() * (counted * relative)[:, None]).sum(2)
    total = relative.sum(1, keepdim=True)
    sure = mean > _ERRORS * (spread / (total - relative.square().sum(1, keepdim=True) / total)).sqrt()
    # If nothing could be held out, no gain is significant either.
    return torch.where(sure.any(1), torch.where(sure, mean, 0).argmax(1), usual)


def _copies(support: Support, inputs: Tensor) -> Tensor:
    """Which examples of a class are equal bit for bit, bool ``[T, S, S]``, by inputs ``[T, S, ...]``."""
    contents: Tensor = inputs.detach().flatten(2).flatten(0, 1).unique(dim=0, return_inverse=True)[1]
    of_example = contents.view(support.labels.shape)
    same = (support.labels[:, :, None] == support.labels[:, None]) & (support.weights[:, None] > 0)
    return same & (of_example[:, :, None] == of_example[:, None])


def _held_out(support: Support, features: Tensor, copies: Tensor) -> Tensor:
    """Which examples each fold holds out, bool ``[T, F, S]``: each example once, or none of the task's.

    Each class's examples are dealt to the folds by their distance from the task's mean, so the folds do not
    depend on the order of examples; different examples at equal distances, by position. Copies go to one fold, as
    one of them would tell how the others are classified; so a class with copies of a single example has nothing
    to hold out.
    """
    place = torch.arange(copies.shape[1], device=copies.device)
    first = copies.int().argmax(2)  # [T, S], of an example's copies, among which it is itself
    different = (support.weights > 0) & (first == place)
    counts = (support.membership() * different[..., None]).sum(1)  # [T, N]
    middle = (support.balanced_weights()[..., None] * features).sum(1, keepdim=True)
    far = (features - middle).square().sum(2)
    same = (support.labels[:, :, None] == support.labels[:, None]) & different[:, None]
    nearer = (far[:, None] < far[:, :, None]) | ((far[:, None] == far[:, :, None]) & (place < place[:, None]))
    rank = (same & nearer).sum(2).gather(1, first)
    fewest = torch.where(support.class_mask(), counts, torch.inf).amin(1).clamp_max(FOLDS)
    turn = rank % fewest.long()[:, None]
    several = (fewest > 1)[:, None] & (support.weights > 0)
    return (torch.arange(FOLDS, device=turn.device)[:, None] == turn[:, None]) & several[:, None]
