"""A teacher whose features of all training images are computed before the first step and then looked up."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from models.backbones.at_rest import at_rest
from models.backbones.registry import backbone_as_dict
from models.backbones.staged import Staged
from models.initialization import Initialization
from models.learner import BODY, part
from training.outer.likeness import likeness_loss
from training.progress import bar, log
from training.recipe import Recipe, RecipeError
from training.run.former import facts_of, load_former
from training.run.interruption import Interruption
from training.run.reserved_file import reserve
from training.tasks.training_tasks import TrainingTasks

FOLDER = "features"
Kept = np.memmap[Any, np.dtype[np.float16]]  # ``[M, E]``, rows of 0 for images not seen yet
_AT_ONCE = 256
_READ_AT_ONCE = 10_000
_ROUNDED = 0.01  # more than rounding to float16 changes a squared length of 1


class FeatureFileError(OSError):
    """The features cannot be kept; the message says where, how many bytes they take and what to do."""


class FeatureTeacher:
    """Teaches how alike images are (see ``training.outer.likeness``).

    Asked at each step, a teacher of many times the student's work would take nearly all of the time. This one
    sees each training image beforehand, in a few fixed views (``TrainingTasks.view``); every step shows one of
    them. Later runs reuse its features; the files are safe to delete while no run is in progress.

    Attributes:
        facts: for the card: which initialization the teacher is, and what it has seen.
    """

    def __init__(self, former: Initialization, recipe: Recipe, tasks: TrainingTasks, cache: Path) -> None:
        """Prepare the teacher's network, and name the files of its features.

        Args:
            former: the teacher's initialization.
            recipe: of the student's run.
            tasks: of that run.
            cache: the features are kept in its subfolder ``features``.
        """
        self.facts = facts_of(former)
        self._tasks = tasks
        # Averaging over its own views would multiply the work, and the student sees one view at a time, too.
        backbone = former.learner.backbone
        if isinstance(backbone, Staged):
            backbone = dataclasses.replace(backbone, views=())
        body = {name: value.to(tasks.device) for name, value in part(former.phi, BODY).items()}
        self._embed, self._features = at_rest(backbone, body), former.learner.backbone.features
        told = recipe.as_dict()
        seen = {key: told[key] for key in ("seed", "data", "preprocessing", "jitter")}
        # Settings do not reveal a change of the code that they steer; a jittered sample image does.
        probe = hashlib.sha256(
            tasks.view(torch.zeros(1, dtype=torch.int64), 0).cpu().numpy().tobytes()
        ).hexdigest()
        # The weights count, not the version: a refitted temperature changes the version but no feature.
        facts = [former.card["weights"]["sha256"][:12], backbone_as_dict(backbone), seen, tasks.digest(), probe]
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        self._files = [cache / FOLDER / f"{name}-{view}.float16" for view in range(recipe.outer.feature_views)]
        self._kept: list[Kept] = []

    @classmethod
    def of(cls, recipe: Recipe, tasks: TrainingTasks, cache: Path, *, alone: bool) -> Self | None:
        """Load the teacher that a recipe names; None if it names none.

        Args:
            recipe: of the student's run.
            tasks: of that run.
            cache: as above.
            alone: whether a single process makes the run.

        Raises:
            RecipeError: if there is no such initialization, it can't teach this run, it may have seen classes
                that the recipe counts as unseen, or several processes make the run.
            InitializationError: if a folder is no usable initialization.
        """
        if not recipe.outer.feature_teacher:
            return None
        key = "outer.feature_teacher"
        if not alone:
            raise RecipeError(f"{key} sees all images in one process: start the run without torchrun")
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
        """Compute the features of all images in all views, except those already in the cache.

        Returns:
            Whether all are done; it stops early if an interruption is wanted.

        Raises:
            FeatureFileError: before any is computed, if the disk has no room for all.
        """
        made = [path for path in self._files if not path.exists()]
        try:
            self._kept = [self._opened(path) for path in self._files]
        except FeatureFileError:
            for path in made:  # they hold nothing yet, and would take the room that is to be made
                path.unlink(missing_ok=True)
            raise
        left = [(view, places) for view, kept in enumerate(self._kept) for places in _unseen(kept)]
        name = f"{self.facts['name']} sees training images"
        total = sum(len(places) for _, places in left)
        if total:
            log(f"{name}: {total} to see, all views counted")
        with bar(total, name, "image") as shown:
            for view, places in left:
                if interruption.wanted:
                    return False
                self._see(view, places)
                shown.update(len(places))
        return True

    def __call__(self, features: Tensor, places: Tensor, step: int) -> Tensor:
        """Give the loss of a student's features (see ``training.outer.likeness.Likeness``), after ``prepare``."""
        kept = self._kept[step % len(self._kept)]
        wanted = torch.from_numpy(kept[places.cpu().numpy()]).to(features)
        return likeness_loss(features, torch.nn.functional.normalize(wanted, dim=1))

    @torch.no_grad()
    def _see(self, view: int, places: Tensor) -> None:
        features = torch.nn.functional.normalize(self._embed(self._tasks.view(places, view)).float(), dim=1)
        self._kept[view][places.numpy()] = features.half().cpu().numpy()

    def _opened(self, path: Path) -> Kept:
        shape = (self._tasks.images, self._features)
        size = math.prod(shape) * np.dtype(np.float16).itemsize
        try:
            reserve(path, size)
        except OSError as error:
            raise FeatureFileError(
                f"the features that {self.facts['name']} teaches cannot be kept in {path.parent} ({error}): they "
                f"take {size * len(self._files):,} bytes, in {len(self._files)} files; make room there and start "
                "again, with --resume if the run has a checkpoint"
            ) from error
        return np.memmap(path, np.float16, mode="r+", shape=shape)


def _unseen(kept: Kept) -> tuple[Tensor, ...]:
    """Places of images that have no features yet, in batches.

    Features have length 1; a row that a power loss cut off is shorter.
    """
    squares = [
        np.square(kept[first : first + _READ_AT_ONCE], dtype=np.float32).sum(1)
        for first in range(0, len(kept), _READ_AT_ONCE)
    ]
    missing = torch.from_numpy(np.flatnonzero(np.abs(np.concatenate(squares) - 1) > _ROUNDED))
    return missing.split(_AT_ONCE) if len(missing) else ()
