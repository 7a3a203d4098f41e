"""Who is compared: ordinary learners and meta-learners, and which loss each minimises on which data."""

from dataclasses import dataclass
from typing import Literal

from training.algorithms import ALGORITHMS
from training.comparison.trained import SUPERVISED
from training.comparison.wording import wording

Family = Literal["ordinary", "meta"]
SCRATCH, PROBE, FINE_TUNING = "scratch", "probe", "fine-tuning"


@dataclass(frozen=True)
class Contender:
    """A learner that is compared: one line in every plot.

    Attributes:
        name: short name for files and options.
        title: name shown to readers.
        family: whether it learns as ordinary learners or as meta-learners do.
        training: what is trained beforehand, by its name in ``training.comparison.trained``; empty for nothing.
    """

    name: str
    title: str
    family: Family
    training: str

    def loss_before(self, language: str) -> str:
        """The loss that is minimised before any unseen task, and on which data."""
        said: dict[str, str] = wording(language)["loss_before"]
        if self.family == "ordinary":
            return said["examples" if self.training else "nothing"]
        return said[str(ALGORITHMS[self.name].outer.get("rule", "gradient"))]

    def loss_on_task(self, language: str) -> str:
        """The loss that is minimised on an unseen task, always on its support set alone, and how."""
        said = wording(language)["loss_on_task"]
        if self.family == "ordinary":
            return str(said[self.name])
        head, rule = ALGORITHMS[self.name].head, ALGORITHMS[self.name].rule
        start = str(said["start"][head["kind"]])
        if rule["moves"] == "nothing":
            return start
        steps = str(said["steps"].format(what=said["what"][rule["moves"]], count=rule["steps"]))
        return str(said["then"].format(start=start, steps=steps)) if start else steps


def contenders(algorithms: tuple[str, ...]) -> tuple[Contender, ...]:
    """The three ordinary learners, then the meta-learners."""
    return (
        Contender(SCRATCH, "from scratch", "ordinary", ""),
        Contender(PROBE, "linear probe", "ordinary", SUPERVISED),
        Contender(FINE_TUNING, "fine-tuning", "ordinary", SUPERVISED),
        *(Contender(name, name, "meta", name) for name in algorithms),
    )
