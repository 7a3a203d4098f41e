"""Two implementations of an outer gradient, on the same arrays from the same phi: ours and learn2learn's loop."""

from collections.abc import Iterator
from dataclasses import dataclass

import learn2learn
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.outer_settings import RATE, Setting
from benchmarks.peak import convolution_peak, wait_for
from benchmarks.plain_conv4 import PlainConv4
from models.backbones.backbone import Params
from models.learner import HEAD, RATES
from training.outer.loss import outer_loss
from training.tasks.episode_batch import EpisodeBatch


def initial(setting: Setting) -> Params:
    """Draw the phi that both start from."""
    return {name: value.to(setting.device) for name, value in setting.learner.initial(0).items()}


class Ours:
    """The step of ``training.outer.loss``."""

    def __init__(self, setting: Setting, phi: Params, batch: EpisodeBatch) -> None:
        self._setting, self._batch = setting, batch
        self._phi = {name: value.clone().requires_grad_() for name, value in phi.items()}

    def step(self) -> None:
        """Compute one outer gradient."""
        for value in self._phi.values():
            value.grad = None
        with self._setting.autocast():
            result = outer_loss(
                self._setting.learner,
                self._phi,
                self._batch,
                inner_steps=None,
                second_order=self._setting.second_order,
            )
        result.loss.backward()
        wait_for(self._setting.device)

    def gradient(self) -> Tensor:
        """Compute it, as one vector over the network, by parameters' names."""
        self.step()
        learned = {name: value for name, value in self._phi.items() if not name.startswith(RATES)}
        return _flat(learned)


class Learn2learn:
    """One clone for each task, as in learn2learn's examples."""

    def __init__(self, setting: Setting, network: nn.Module, head: nn.Module, batch: EpisodeBatch) -> None:
        """Wrap the whole network or its head alone, whichever the setting moves."""
        self._setting, self._batch = setting, batch
        self._network, self._head = network, head
        self._whole = setting.moves == "all"
        module = nn.Sequential(network, head) if self._whole else head
        self._maml = learn2learn.algorithms.MAML(module, lr=RATE, first_order=not setting.second_order)

    def step(self) -> None:
        """Compute one outer gradient."""
        self._network.zero_grad()
        self._head.zero_grad()
        for loss in self.losses():
            loss.backward()
        wait_for(self._setting.device)

    def losses(self) -> Iterator[Tensor]:
        """Adapt to one task after the other, and yield each query loss divided by the number of tasks."""
        batch, tasks = self._batch, len(self._batch.query_labels)
        for task in range(tasks):
            with self._setting.autocast():
                support, query = batch.support.images[task], batch.query_images[task]
                if not self._whole:
                    features = self._network(torch.cat([support, query]))
                    support, query = features[: len(support)], features[len(support) :]
                clone = self._maml.clone()
                clone.adapt(cross_entropy(clone(support), batch.support.labels[task]))
                loss = cross_entropy(clone(query), batch.query_labels[task]) / tasks
            yield loss


class PlainMaml(Learn2learn):
    """learn2learn's loop over our network, built of torch's modules."""

    def __init__(self, setting: Setting, phi: Params, batch: EpisodeBatch) -> None:
        network = PlainConv4(setting.backbone, phi).to(setting.device)
        head = nn.Linear(setting.backbone.features, setting.ways).to(setting.device)
        with torch.no_grad():
            head.weight.copy_(phi[f"{HEAD}weight"])
            head.bias.copy_(phi[f"{HEAD}bias"])
        super().__init__(setting, network, head, batch)
        self._named = {**network.names, f"{HEAD}weight": head.weight, f"{HEAD}bias": head.bias}

    def gradient(self) -> Tensor:
        """Compute it, as one vector over the network, by parameters' names."""
        self.step()
        return _flat(self._named)


class OmniglotMaml(Learn2learn):
    """learn2learn's loop over its own network, which batch normalisation makes a different function."""

    def __init__(self, setting: Setting, batch: EpisodeBatch) -> None:
        network = learn2learn.vision.models.OmniglotCNN(setting.ways).to(setting.device)
        super().__init__(setting, network, nn.Identity(), batch)


@dataclass(frozen=True)
class Work:
    """Floating-point operations of one task's outer gradient.

    Attributes:
        adapting: those of the maps and the inner gradient, in float32 whatever the precision.
        outer: those of the outer gradient, in the setting's precision.
    """

    adapting: float
    outer: float

    @property
    def flops(self) -> float:
        """All of them."""
        return self.adapting + self.outer

    def floor(self, setting: Setting) -> float:
        """Seconds that they would take at the measured peaks of convolution."""
        of_precision = convolution_peak(setting.dtype, setting.device)
        return self.adapting / convolution_peak(torch.float32, setting.device) + self.outer / of_precision


def work_of_task(setting: Setting) -> Work:
    """Count the operations on a single task, where torch counts correctly.

    In convolutions with groups, it counts the gradient of the weights once too often for each group.
    """
    alone = PlainMaml(setting, initial(setting), setting.batch(1))
    with FlopCounterMode(display=False) as adapting:
        losses = list(alone.losses())
    with FlopCounterMode(display=False) as outer:
        for loss in losses:
            loss.backward()
    return Work(float(adapting.get_total_flops()), float(outer.get_total_flops()))


def _flat(parameters: Params) -> Tensor:
    gradients = [(name, value.grad) for name, value in sorted(parameters.items())]
    return torch.cat([gradient.flatten() for _, gradient in gradients if gradient is not None])
