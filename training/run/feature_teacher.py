"""A teacher whose features of all training images are computed before the first step, and then looked up."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models.backbones.at_rest import at_rest
from models.backbones.registry import backbone_as_dict
from models.backbones.staged import Staged
from models.initialization import Initialization
from models.learner import BODY, part
from training.outer.likeness import likeness_loss
from training.recipe import Recipe, RecipeError
from training.run.former import facts_of, load_former
from training.run.interruption import Interruption
from training.tasks.training_tasks import TrainingTasks

FOLDER = "features"
Kept = np.memmap[Any, np.dtype[np.float16]]  # ``[M, E]``, all 0 where not seen yet
_AT_ONCE = 256
_READ_AT_ONCE = 10_000
_ROUNDED = 0.01  # more than float16 can change a squared length of 1


class FeatureTeacher:
    """Teaches how alike images are (see ``training.outer.likeness``).

    A teacher of many times the student's work, asked at each step, would take nearly all of the time. This one
    sees each training image in a few fixed views (``TrainingTasks.view``), of which every step shows one. What it
    made of them serves later runs, too: the files are safe to delete while none is under way.

    Attributes:
        facts: for the card: which initialization it is, and what that has seen.
    """

    def __init__(self, former: Initialization, recipe: Recipe, tasks: TrainingTasks, cache: Path) -> None:
        """Take what it sees with, and what it is to see.

        Args:
            former: the teacher.
            recipe: of the student's run.
            tasks: of that run.
            cache: features are kept in a folder of it.
        """
        self.facts = facts_of(former)
        self._tasks = tasks
        # Its own views would be averaged over, at so many times the work; the student sees one at a time, too.
        backbone = former.learner.backbone
        if isinstance(backbone, Staged):
            backbone = dataclasses.replace(backbone, views=())
        body = {name: value.to(tasks.device) for name, value in part(former.phi, BODY).items()}
        self._embed, self._features = at_rest(backbone, body), former.learner.backbone.features
        told = recipe.as_dict()
        seen = {key: told[key] for key in ("seed", "data", "preprocessing", "jitter")}
        # The settings do not tell when the code that they steer has changed; how an image is shown does.
        probe = hashlib.sha256(
            tasks.view(torch.zeros(1, dtype=torch.int64), 0).cpu().numpy().tobytes()
        ).hexdigest()
        # Nor is it the teacher's version that counts: a temperature fitted anew changes no feature.
        facts = [former.card["weights"]["sha256"][:12], backbone_as_dict(backbone), seen, tasks.digest(), probe]
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        self._files = [cache / FOLDER / f"{name}-{view}.float16" for view in range(recipe.outer.feature_views)]
        self._kept: list[Kept] = []

    @classmethod
    def of(cls, recipe: Recipe, tasks: TrainingTasks, cache: Path) -> Self | None:
        """Load the one that a recipe names; None where it names none.

        Raises:
            RecipeError: where there is no such initialization, or it can't teach this run.
            InitializationError: where a folder is no usable initialization.
        """
        if not recipe.outer.feature_teacher:
            return None
        key = "outer.feature_teacher"
        former = load_former(recipe, key, recipe.outer.feature_teacher)
        if former.preprocessing != recipe.build_preprocessing():
            raise RecipeError(
                f"{key}: {former.name} {former.version} differs in preprocessing: teacher and student must see "
                "the same images; take its card's `preprocessing`"
            )
        if not former.learner.keeps_features:
            raise RecipeError(
                f"{key}: what {former.name} {former.version} makes of an image depends on its task; take a "
                "teacher of group or running normalisation"
            )
        return cls(former, recipe, tasks, cache)

    def prepare(self, interruption: Interruption) -> bool:
        """See all images, or those that an earlier sitting has left.

        Returns:
            Whether it has seen all; it stops early where an interruption is wanted.
        """
        self._kept = [self._opened(path) for path in self._files]
        left = [(view, places) for view, kept in enumerate(self._kept) for places in _unseen(kept)]
        name = f"{self.facts['name']} sees training images"
        with tqdm(total=sum(len(places) for _, places in left), desc=name, unit="image") as bar:
            for view, places in left:
                if interruption.wanted:
                    return False
                self._see(view, places)
                bar.update(len(places))
        return True

    def __call__(self, features: Tensor, places: Tensor, step: int) -> Tensor:
        """Give the loss of a student's features (see ``training.outer.likeness.Likeness``)."""
        kept = self._kept[step % len(self._kept)]
        wanted = torch.from_numpy(kept[places.cpu().numpy()]).to(features)
        return likeness_loss(features, torch.nn.functional.normalize(wanted, dim=1))

    @torch.no_grad()
    def _see(self, view: int, places: Tensor) -> None:
        features = torch.nn.functional.normalize(self._embed(self._tasks.view(places, view)).float(), dim=1)
        self._kept[view][places.numpy()] = features.half().cpu().numpy()

    def _opened(self, path: Path) -> Kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (self._tasks.images, self._features)
        whole = path.exists() and path.stat().st_size == math.prod(shape) * np.dtype(np.float16).itemsize
        return np.memmap(path, np.float16, mode="r+" if whole else "w+", shape=shape)


def _unseen(kept: Kept) -> tuple[Tensor, ...]:
    """Places of images that have no features yet, in parts to see at once.

    Features are of length 1; a row that a power loss has cut off is shorter.
    """
    squares = [
        np.square(kept[first : first + _READ_AT_ONCE], dtype=np.float32).sum(1)
        for first in range(0, len(kept), _READ_AT_ONCE)
    ]
    missing = torch.from_numpy(np.flatnonzero(np.abs(np.concatenate(squares) - 1) > _ROUNDED))
    return missing.split(_AT_ONCE) if len(missing) else ()
