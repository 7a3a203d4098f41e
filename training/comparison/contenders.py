"""Who is compared: ordinary learners and meta-learners, what each finds, and which loss on which data."""

from dataclasses import dataclass
from typing import Literal

from training.algorithms import ALGORITHMS, Algorithm
from training.comparison.trained import SUPERVISED

Family = Literal["ordinary", "meta"]
SCRATCH, PROBE, FINE_TUNING = "scratch", "probe", "fine-tuning"


@dataclass(frozen=True)
class Contender:
    """One line of every plot.

    Attributes:
        name: short, of files and of options.
        title: for readers.
        family: of learning.
        training: what trains beforehand, by its name in ``training.comparison.trained``; empty for nothing.
        before: the loss that is minimised before any unseen task, and on which data.
        on_task: the loss that is minimised on an unseen task, and by what; always on its support set alone.
    """

    name: str
    title: str
    family: Family
    training: str
    before: str
    on_task: str


_EXAMPLES = "cross-entropy of training examples, over all training classes at once"
_ORDINARY = (
    Contender(
        SCRATCH,
        "from scratch",
        "ordinary",
        "",
        "nothing",
        "cross-entropy, by gradient steps on a fresh network",
    ),
    Contender(
        PROBE,
        "linear probe",
        "ordinary",
        SUPERVISED,
        _EXAMPLES,
        "penalised cross-entropy, by a linear layer on frozen features",
    ),
    Contender(
        FINE_TUNING,
        "fine-tuning",
        "ordinary",
        SUPERVISED,
        _EXAMPLES,
        "the probe's, then cross-entropy by gradient steps on the whole network",
    ),
)
_BEFORE = {
    "gradient": "cross-entropy of the query sets of training tasks, after adapting to their support sets",
    "reptile": "cross-entropy of all examples of each training task in turn",
    "evolution": "wrong answers for the query sets of training tasks, after adapting to their support sets",
    "policy-gradient": "wrong answers for the query sets of training tasks, after adapting to their support sets",
}
_CLOSED = {
    "prototype": "none: class means",
    "ridge": "squared error, in closed form",
    "svm": "hinge loss, solved",
}
_MOVED = {"all": "the whole network", "head": "the head", "body": "the body"}


def contenders(algorithms: tuple[str, ...]) -> tuple[Contender, ...]:
    """The three ordinary learners, then the meta-learners."""
    return (*_ORDINARY, *(_meta(name, ALGORITHMS[name]) for name in algorithms))


def _meta(name: str, algorithm: Algorithm) -> Contender:
    rule, kind = algorithm.rule, str(algorithm.head["kind"])
    if rule["moves"] == "nothing":
        on_task = _CLOSED[kind]
    else:
        start = "" if kind == "shared" else f"{_CLOSED[kind].removeprefix('none: ')}, then "
        steps = "1 gradient step" if rule["steps"] == 1 else f"{rule['steps']} gradient steps"
        on_task = f"{start}cross-entropy, by {steps} on {_MOVED[rule['moves']]}"
    return Contender(name, name, "meta", name, _BEFORE[str(algorithm.outer.get("rule", "gradient"))], on_task)
