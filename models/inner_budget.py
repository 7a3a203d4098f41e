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


def held_out_steps(support: Support, features: Tensor, trajectory: Trajectory, given: bool) -> Tensor:
    """Choose each task's number of steps by cross-validation on its support set, int64 ``[T]``.

    A third of each class's examples (half if some class has only two) is held out in turn, and the learner adapts
    to the rest. The criterion is the error rate on held-out examples, with equal weight for each class; with
    probabilities instead, steps that merely make answers more confident would count as gains. Steps are taken
    only if they lower the error rate, compared with no step, by more than two standard errors of the difference;
    among such numbers of steps, the one with the largest gain is chosen. A task in which some class has a single
    example takes none.

    Args:
        support: of T tasks.
        features: of their images before adaptation, ``[T, S, D]``; with ``given``, the folds adapt on them.
        trajectory: adapts to the folds' support sets, on the features passed to it or, for None, on its own;
            after no step, one step and so on it yields the head, and the features of all examples, held-out ones
            included, under the parameters reached.
        given: whether features stay the same during adaptation.
    """
    held = _held_out(support, features)  # [T, F, S]
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
    gains = torch.stack([wrong[0] - one for one in wrong], 1)  # [T, steps + 1, S]
    mean = (gains * counted[:, None]).sum(2)
    spread = ((gains - mean[..., None]).square() * counted[:, None]).sum(2)
    count = support.weights.sum(1, keepdim=True)
    sure = mean > _ERRORS * (spread / (count - 1).clamp_min(1)).sqrt()
    # If no gain is significant, or nothing could be held out, all entries are 0 and argmax gives 0 steps.
    return torch.where(sure, mean, 0).argmax(1)


def _held_out(support: Support, features: Tensor) -> Tensor:
    """Which examples each fold holds out, bool ``[T, F, S]``: each example once, or none of the task's.

    Each class's examples are dealt to the folds by their distance from the task's mean, so the folds do not
    depend on the order of examples; at equal distances (copies of one image), by position, so that no fold holds
    out a whole class.
    """
    counts = support.membership().sum(1)  # [T, N]
    middle = (support.balanced_weights()[..., None] * features).sum(1, keepdim=True)
    far = (features - middle).square().sum(2)
    same = (support.labels[:, :, None] == support.labels[:, None]) & (support.weights[:, None] > 0)
    place = torch.arange(far.shape[1], device=far.device)
    nearer = (far[:, None] < far[:, :, None]) | ((far[:, None] == far[:, :, None]) & (place < place[:, None]))
    rank = (same & nearer).sum(2)
    fewest = torch.where(support.class_mask(), counts, torch.inf).amin(1).clamp_max(FOLDS)
    turn = rank % fewest.long()[:, None]
    several = (fewest > 1)[:, None] & (support.weights > 0)
    return (torch.arange(FOLDS, device=turn.device)[:, None] == turn[:, None]) & several[:, None]
