"""The ordinary learners on a support set; the settings they leave open are chosen on development tasks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from models.backbones.backbone import Backbone, Params
from models.heads import Head
from models.images.preprocessing import Preprocessing
from models.inner_rule import InnerRule
from models.learner import BODY, RATES, Learner
from training.comparison.plan import Choice
from training.comparison.probe_head import ProbeHead
from training.comparison.traces import PhiOf, Subject, trace
from training.datasets.class_images import ClassImages
from training.measures.measured import Protocol
from training.seeds import folded

_NOTHING = InnerRule("nothing", 0)


@dataclass(frozen=True)
class Chosen:
    """A subject with its chosen settings.

    Attributes:
        subject: what to measure.
        steps: number of inner steps that it takes.
        settings: the chosen values, by name.
        development_accuracy: its accuracy on the tasks by which these were chosen.
    """

    subject: Subject
    steps: int
    settings: dict[str, float]
    development_accuracy: float


@dataclass(frozen=True)
class Chooser:
    """Chooses the settings with the highest accuracy on development tasks.

    Attributes:
        choice: what to try.
        development: classes of the tasks.
        protocol: of the tasks, with the shots to choose for.
        preprocessing: for the levels that ``development`` holds.
        device: where to compute.
    """

    choice: Choice
    development: ClassImages
    protocol: Protocol
    preprocessing: Preprocessing
    device: torch.device

    def from_scratch(self, backbone: Backbone, seed: int) -> Chosen:
        """A fresh network for each task, trained on its support set alone."""

        def subject(rate: float, steps: int) -> Subject:
            learner = Learner(backbone, Head("shared"), InnerRule("all", steps, "one", rate))
            return self._subject(learner, fresh_networks(learner, seed, self.device))

        return self._by_rate_and_steps(subject, self.choice.scratch_rates, self.choice.scratch_steps, {})

    def probe(self, backbone: Backbone, body: Params) -> Chosen:
        """A linear probe on a trained backbone."""

        def tried() -> Iterable[Chosen]:
            for penalty in self.choice.penalties:
                subject = self._subject(
                    Learner(backbone, ProbeHead("prototype", None, penalty), _NOTHING), _same(body)
                )
                found = trace(subject, self.development, self.protocol, (0,))
                yield Chosen(subject, 0, {"penalty": penalty}, float(found.accuracies[0]))

        return _best(tried())

    def fine_tuning(self, backbone: Backbone, body: Params) -> Chosen:
        """The linear probe, then gradient steps on the whole network that start from it."""
        penalty = self.probe(backbone, body).settings["penalty"]

        def subject(rate: float, steps: int) -> Subject:
            rule = InnerRule("all", steps, "one", rate)
            learner = Learner(backbone, ProbeHead("prototype", None, penalty), rule)
            phi = body | {f"{RATES}rate": torch.tensor(rate, device=self.device)}
            return self._subject(learner, _same(phi))

        return self._by_rate_and_steps(subject, self.choice.rates, self.choice.steps, {"penalty": penalty})

    def _by_rate_and_steps(
        self,
        subject: Callable[[float, int], Subject],
        rates: Sequence[float],
        steps: Sequence[int],
        settings: dict[str, float],
    ) -> Chosen:
        def tried() -> Iterable[Chosen]:
            for rate in rates:
                found = trace(subject(rate, max(steps)), self.development, self.protocol, sorted(steps))
                for count, accuracy in zip(found.steps, found.accuracies.tolist(), strict=True):
                    yield Chosen(subject(rate, count), count, settings | {"rate": rate, "steps": count}, accuracy)

        return _best(tried())

    def _subject(self, learner: Learner, phi_of: PhiOf) -> Subject:
        return Subject(learner, phi_of, self.preprocessing, self.device)


def body_of(phi: Params) -> Params:
    """The backbone's part of phi, under its full names."""
    return {name: value for name, value in phi.items() if name.startswith(BODY)}


def fresh_networks(learner: Learner, seed: int, device: torch.device) -> PhiOf:
    """A phi for each task, drawn from the seed and the task's number alone."""

    def phi_of(numbers: Sequence[int]) -> Params:
        drawn = [learner.initial(folded(seed * 1_000_003 + number)) for number in numbers]
        return {name: torch.stack([one[name] for one in drawn]).to(device) for name in drawn[0]}

    return phi_of


def _same(phi: Params) -> PhiOf:
    return lambda _numbers: phi


def _best(tried: Iterable[Chosen]) -> Chosen:
    """The most accurate; of equals, the one tried first."""
    return max(tried, key=lambda one: one.development_accuracy)
