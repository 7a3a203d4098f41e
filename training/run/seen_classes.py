"""Which classes an initialization has seen, by its card, so that none of them counts as unseen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.initialization import Initialization
from training.datasets.class_images import ClassImages

_BUILT_ON = ("pretrained", "teacher")


def made_of(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a card tells of the initializations that its own was joined from, started from or taught by."""
    return [*card.get("members", ()), *(card[key] for key in _BUILT_ON if key in card)]


def split_seed(initializations: Sequence[Initialization], dataset: str) -> int:
    """The seed by which a data set was split to train the initializations; 0 if none was trained on it.

    Raises:
        ValueError: if it was split by different seeds.
    """
    trainings = [one.card.get("recipe", {}).get("data", {}) for one in initializations]
    seeds = sorted({data["seed"] for data in trainings if data.get("name") == dataset})
    if len(seeds) > 1:
        raise ValueError(
            f"these were trained on {dataset} split by the seeds {', '.join(map(str, seeds))}: what is unseen to "
            "one is not to another; say --data-seed"
        )
    return seeds[0] if seeds else 0


def facts_of_training_classes(data: str, training: ClassImages) -> dict[str, Any]:
    """For a card, the names of a folder's training classes: the folder's contents may change later.

    Empty for other data sets, whose splits are fixed.
    """
    return {"class_names": list(training.classes)} if data == "folder" else {}


def seen_among(card: Mapping[str, Any], dataset: str, classes: ClassImages) -> list[str]:
    """Those of a folder's classes that the card names as training classes; none for other data sets.

    A class also matches the end of such a name: training may have been given a folder further up.
    """
    names = _trained_on(card) if dataset == "folder" else frozenset()
    ends = {end for name in names for end in _ends(name)}
    return [name for name in classes.classes if name in ends]


def _ends(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        _, path = path.split("/", 1)
        yield path


def _trained_on(card: Mapping[str, Any]) -> frozenset[str]:
    """Names of folder classes in a card's training, and in that of all that it was made of or built on."""
    own = frozenset(card.get("trained_on", {}).get("class_names", ()))
    return own.union(*map(_trained_on, made_of(card)))
