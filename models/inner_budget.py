"""How many inner steps a task is given: as many as pay on its own examples when they are held out."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.heads import classify
from models.support import Support

FOLDS = 3
_ERRORS = 2.0  # standard errors by which a gain must exceed 0: several numbers of steps are tried
Trajectory = Callable[[Support, Tensor | None], Iterator[tuple[Params, Tensor]]]


def held_out_steps(support: Support, features: Tensor, trajectory: Trajectory, given: bool) -> Tensor:
    """Choose each task's number of steps by cross-validation on its support set, int64 ``[T]``.

    A third of each class's examples (half of two) is held out in turn, and the rest is adapted to. What counts is
    the share of wrong answers for what was held out, each class counting the same: probabilities would count
    steps that make answers surer as a gain, whether or not they are right. Steps are taken only where they lower
    it, against no step at all, by more than two standard errors of the difference; of those numbers of steps the
    one that lowers it most. A task with a class of a single example takes none.

    Args:
        support: of T tasks.
        features: of their images before adaptation, ``[T, S, D]``; with ``given``, folds adapt on them.
        trajectory: adapts to support sets, given or without features, and yields after no step, one step and so
            on the head and the features ``[T, S, D]`` of the same examples.
        given: whether features stay as they are while adapting.
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
    wrong = []  # for each number of steps, which examples were told wrong when held out, [T, S]
    for head, of_examples in trajectory(parts, features.repeat_interleave(folds, 0) if given else None):
        logits = classify(head, of_examples, mask)
        own = logits.gather(2, parts.labels[..., None])
        others = logits.scatter(2, parts.labels[..., None], -torch.inf).amax(2, keepdim=True)
        # A tie is wrong whatever the classes' order: before any step all are alike to a shared start.
        told_wrong = (own <= others).view(tasks, folds, examples)
        wrong.append((told_wrong & held).sum(1).to(counted.dtype))
    gains = torch.stack([wrong[0] - one for one in wrong], 1)  # [T, steps + 1, S]
    mean = (gains * counted[:, None]).sum(2)
    spread = ((gains - mean[..., None]).square() * counted[:, None]).sum(2)
    count = support.weights.sum(1, keepdim=True)
    sure = mean > _ERRORS * (spread / (count - 1).clamp_min(1)).sqrt()
    # Where nothing is sure, all are 0 and no step is the first; so it is where nothing could be held out.
    return torch.where(sure, mean, 0).argmax(1)


def _held_out(support: Support, features: Tensor) -> Tensor:
    """Which examples each fold holds out, bool ``[T, F, S]``: each example once, or none of a task's.

    Examples take turns by their distance to the middle of the task, so that folds do not depend on their order;
    those at the same distance, copies of one image, by their place, so that no fold holds out a whole class.
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
