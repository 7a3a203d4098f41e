"""Evolution strategies: phi moves towards those random changes that raise the reward (Salimans et al. 2017).

Changes come in pairs of opposite sign that are tried on the same tasks (antithetic pairs and common random
numbers), and only the ranks of the rewards count (fitness shaping; both in section 2.1). Adaptation is run but
never differentiated (Song et al. 2020, ES-MAML, algorithm 3), so the reward may be accuracy.
"""

import torch
from torch import Tensor

from models.backbones.backbone import Params
from models.learner import RATES, Learner
from training.outer.loss import OuterLoss
from training.outer.micro_batches import split
from training.outer.processes import Processes
from training.outer_plan import Reward
from training.tasks.episode_batch import EpisodeBatch

_IMAGES_AT_ONCE = 8192


def ascent(noise: Tensor, gains: Tensor, spread: float) -> Tensor:
    """Estimate the gradient of the reward smoothed by the noise (Salimans et al. 2017, eq. 1, in pairs).

    Args:
        noise: one standard normal row for each of P pairs, ``[P, D]``.
        gains: the reward at phi + spread * noise minus that at phi - spread * noise, ``[P]``.
        spread: standard deviation of the changes.

    Returns:
        The gradient ``[D]``.
    """
    return (gains @ noise) / (2 * spread * len(noise))


def ranked(gains: Tensor) -> Tensor:
    """Replace gains ``[P]`` by centred ranks between -1 and 1, so that the estimate gives a direction only.

    Each pair has its own tasks, so rewards are comparable only within a pair. Gains are therefore ranked among
    all gains and their negatives: each rank has the sign of its gain.
    """
    both = torch.cat([gains, -gains])
    below = (both < gains[:, None]).sum(1) + 0.5 * (both == gains[:, None]).sum(1)
    return 2 * below / len(both) - 1


def evolution_loss(
    learner: Learner,
    phi: Params,
    batch: EpisodeBatch,
    generator: torch.Generator,
    *,
    spread: float,
    reward: Reward,
    processes: Processes,
) -> OuterLoss:
    """Try one pair of opposite changes of phi on each of this process's tasks.

    Args:
        learner: the composition.
        phi: its parameters; those with ``requires_grad`` are changed, except the inner rates.
        batch: the T tasks of all processes.
        generator: a CPU generator that draws the changes; in the same state in all processes.
        spread: standard deviation of each parameter's change.
        reward: of a task, its accuracy or its negative query loss; gains are ranked among all T.
        processes: those that share the tasks.

    Returns:
        The query loss and accuracy, averaged over the changes tried here. The gradient of the loss is that of
        ``ascent`` on these changes, negated; its average over processes, weighted by their tasks, is the one on
        all changes.
    """
    mine = processes.share(batch.tasks)
    learned = {n: v for n, v in phi.items() if v.requires_grad and not n.startswith(RATES)}
    sizes = [value.numel() for value in learned.values()]
    noise = torch.randn(batch.tasks, sum(sizes), generator=generator).to(batch.query_images.device)
    images = 2 * (batch.support.images.shape[1] + batch.query_images.shape[1])
    at_once = max(1, _IMAGES_AT_ONCE // images)
    found = []
    with torch.no_grad():
        for chosen in split(mine, at_once):
            changes = dict(zip(learned, noise[chosen].split(sizes, 1), strict=True))
            found.append(_of_pairs(learner, phi, batch.part(chosen), changes, spread))
        losses, accuracies = (torch.cat(one, 1) for one in zip(*found, strict=True))  # [2, tasks of this process]
        better, worse = accuracies if reward == "accuracy" else -losses
        gains = better.new_zeros(batch.tasks)
        gains[mine] = better - worse
        processes.add_up([gains])
        direction = ascent(noise[mine], ranked(gains)[mine], spread)
    pairs = zip(learned.values(), direction.split(sizes), strict=True)
    surrogate = -torch.stack([(value.flatten() * of_value).sum() for value, of_value in pairs]).sum()
    return OuterLoss(losses.mean() + surrogate - surrogate.detach(), accuracies.mean())


def _of_pairs(
    learner: Learner, phi: Params, batch: EpisodeBatch, changes: Params, spread: float
) -> tuple[Tensor, Tensor]:
    """Query loss and accuracy, ``[2, T]`` each, of tasks adapted from phi plus and from phi minus the change."""
    twice = batch.twice()
    of_each_task = {
        name: value if not value.requires_grad else value.expand(twice.tasks, *value.shape)
        for name, value in phi.items()
    }
    for name, change in changes.items():
        change = spread * change.view(-1, *phi[name].shape)
        of_each_task[name] = phi[name] + torch.cat([change, -change])
    theta = learner.adapt(of_each_task, twice.support, steps=learner.rule.steps)
    logits = learner.predict(theta, twice.query_images)
    shares = twice.query_shares
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), twice.query_labels, reduction="none")
    right = (logits.argmax(-1) == twice.query_labels).to(losses.dtype)
    return (losses * shares).sum(1).view(2, -1), (right * shares).sum(1).view(2, -1)
