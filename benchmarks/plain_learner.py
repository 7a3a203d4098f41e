"""What the plain service computes for a request: the shipped initialization, adapted by learn2learn."""

from typing import Literal

import learn2learn
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from benchmarks.plain_conv4 import PlainConv4
from benchmarks.plain_network import PlainNetwork
from benchmarks.plain_staged import PlainStaged
from models.backbones.backbone import Backbone, Params
from models.backbones.conv4 import Conv4
from models.backbones.staged import Staged
from models.initialization import Initialization
from models.learner import HEAD, RATES, part
from models.task_size import TaskSize

Moves = Literal["all", "head"]


class PlainLearner:
    """The initialization's network in torch's modules, and learn2learn's MAML around it.

    It uses one learning rate for all parameters and steps, as learn2learn does: the mean of the learned
    ones, which differ by a hundredth.
    """

    def __init__(self, initialization: Initialization) -> None:
        learner, phi = initialization.learner, initialization.phi
        rates = part(phi, RATES)
        self._network = _plain(learner.backbone, phi).eval()
        self._scale = float(phi[f"{HEAD}log_scale"].exp())
        self._rate = float(torch.cat(list(rates.values())).mean())
        self._steps = learner.rule.steps
        self._confidence = initialization.confidence

    def classify(self, support: Tensor, labels: Tensor, queries: Tensor, moves: Moves) -> Tensor:
        """Adapt to a support set and classify all queries in one batch.

        Args:
            support: ``[S, C, H, W]``.
            labels: ``[S]``, 0..N-1.
            queries: ``[Q, C, H, W]``.
            moves: ``all`` of the network, or the ``head`` alone, which avoids computing the features again and
                gives the answers that the shipped initialization was trained to give.

        Returns:
            Probabilities ``[Q, N]``.
        """
        with torch.no_grad():
            features = self._network(support)
            head = self._from_prototypes(features, labels)
        model = head if moves == "head" else nn.Sequential(self._network, head)
        inputs = features if moves == "head" else support
        learner = learn2learn.algorithms.MAML(model, lr=self._rate, first_order=True).clone()
        for _ in range(self._steps):
            learner.adapt(cross_entropy(learner(inputs), labels))
        with torch.no_grad():
            logits: Tensor = learner(self._network(queries) if moves == "head" else queries)
        size = TaskSize.of_counts(torch.bincount(labels).tolist())
        return torch.softmax(logits / self._confidence.temperature(size), 1)

    def _from_prototypes(self, features: Tensor, labels: Tensor) -> nn.Linear:
        members = one_hot(labels).to(features.dtype)
        centres = (members.T @ features) / members.sum(0)[:, None]
        head = nn.Linear(features.shape[1], len(centres))
        head.weight.copy_(2 * self._scale * centres)
        head.bias.copy_(-self._scale * centres.square().sum(1))
        return head


def _plain(backbone: Backbone, phi: Params) -> PlainNetwork:
    if isinstance(backbone, Conv4):
        return PlainConv4(backbone, phi)
    if isinstance(backbone, Staged):
        return PlainStaged(backbone, phi)
    raise TypeError(f"there is no plain network for {type(backbone).__name__}")
