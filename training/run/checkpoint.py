"""Checkpoints of a run: a single safetensors file, so that one exists whole or not at all."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from models.backbones.backbone import Params
from training.first_ones import first_ones
from training.recipe import Recipe, RecipeError
from training.recipe_types import build

CHECKPOINT = "checkpoint.safetensors"
RECIPE = "recipe.yaml"  # beside it, with all its values
_ADAM = ("exp_avg", "exp_avg_sq", "step")
# Recipe keys that affect the card but not phi: a run may be resumed with other values.
_BESIDE_PHI = frozenset({"name", "description", "licence", "reports", "report_episodes", "calibration_tasks"})


class CheckpointError(ValueError):
    """A checkpoint cannot be written, read or continued from; the message says why and what to do."""


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        step: outer steps done.
        seconds: spent on them, over all sittings of the run.
        preparing: seconds spent between steps, on a teacher's pass over all images or on measuring features.
        best_accuracy: the best of the validation looks so far, in 0..1; -1 before the first.
        best_step: the step at which it was reached.
        looks: step and accuracy of each validation look (see ``training.run.looks``).
    """

    step: int = 0
    seconds: float = 0.0
    preparing: float = 0.0
    best_accuracy: float = -1.0
    best_step: int = 0
    looks: list[tuple[int, float]] = field(default_factory=list)


def save_checkpoint(
    path: Path,
    *,
    phi: Params,
    best: Params,
    optimiser: torch.optim.Adam,
    progress: Progress,
    recipe: dict[str, Any],
    data: str,
) -> None:
    """Write phi, the best phi so far, Adam's state and the progress, atomically.

    Args:
        path: of the file.
        phi: as the last step left it.
        best: the phi of the best validation look so far.
        optimiser: over phi.
        progress: of the run.
        recipe: as JSON values.
        data: a digest of the run's classes and images.

    Raises:
        CheckpointError: if it cannot be written; the previous checkpoint is left as it was.
    """
    tensors = {f"phi.{name}": value.detach() for name, value in phi.items()}
    tensors |= {f"best.{name}": value.detach() for name, value in best.items()}
    for name, value in phi.items():
        for key, moment in optimiser.state.get(value, {}).items():
            tensors[f"adam.{key}.{name}"] = moment
    metadata = {
        "progress": json.dumps(asdict(progress)),
        "recipe": json.dumps(recipe, sort_keys=True),
        "data": data,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, metadata)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # after a power loss the new name must not stand for an empty file
        for left in path.parent.glob(f".{path.name}.*"):  # by a process killed while writing
            if left != temporary:
                left.unlink(missing_ok=True)
        temporary.replace(path)
    except (safetensors.SafetensorError, OSError) as error:
        temporary.unlink(missing_ok=True)
        then = "go on from the last one with --resume" if path.exists() else "start again, as there is none yet"
        raise CheckpointError(f"{path} cannot be written ({error}); see to the disk, then {then}") from error


def load_checkpoint(
    path: Path, *, phi: Params, optimiser: torch.optim.Adam, recipe: dict[str, Any], data: str
) -> tuple[Params, Progress]:
    """Load a checkpoint into a fresh phi and optimiser.

    Args:
        path: written by ``save_checkpoint``.
        phi: fresh parameters of the same recipe; their values are replaced.
        optimiser: over those parameters; its state is replaced.
        recipe: as JSON values; must equal the checkpoint's in everything that phi depends on.
        data: a digest of the run's classes and images; must equal the checkpoint's, if that has one.

    Returns:
        The best phi so far, on the CPU, and the progress.

    Raises:
        CheckpointError: if the file is damaged, or of another version, recipe or data.
    """
    tensors, stored, progress, of_data = _read(path)
    progress.looks = [(step, accuracy) for step, accuracy in progress.looks]
    if changed := [key for key in _differing(stored, recipe) if key.partition(".")[0] not in _BESIDE_PHI]:
        kept = path.with_name(RECIPE)
        its_own = f"its own, {kept}, without --set" if kept.exists() else "the recipe it was started with"
        raise CheckpointError(
            f"{path} belongs to a recipe that differs in {first_ones(changed)}; "
            f"continue with {its_own}, or choose another --out"
        )
    shapes = {name: tensors[f"phi.{name}"].shape for name in phi if f"phi.{name}" in tensors}
    # Without a digest, as in earlier versions, at most a shape (the number of classes) reveals other data.
    if of_data not in (None, data) or shapes != {name: value.shape for name, value in phi.items()}:
        raise CheckpointError(
            f"{path} belongs to a run on other classes or images; continue with the data it was started with, or "
            "choose another --out"
        )
    with torch.no_grad():
        for name, value in phi.items():
            value.copy_(tensors[f"phi.{name}"])
            state = {key: tensors[f"adam.{key}.{name}"] for key in _ADAM if f"adam.{key}.{name}" in tensors}
            for key in state.keys() - {"step"}:  # which Adam keeps on the CPU
                state[key] = state[key].to(value.device)
            if state:
                optimiser.state[value] = state
    return {name.removeprefix("best."): v for name, v in tensors.items() if name.startswith("best.")}, progress


def read_phi(path: Path) -> tuple[Params, dict[str, Any]]:
    """Read a run's last phi, with everything that its outer loop learned, and its recipe as JSON values.

    Raises:
        CheckpointError: if the file is damaged or of another version.
    """
    tensors, recipe, *_ = _read(path)
    return {name.removeprefix("phi."): v for name, v in tensors.items() if name.startswith("phi.")}, recipe


def _differing(one: Any, other: Any, at: str = "") -> list[str]:
    """The dotted keys at which two recipes, as JSON values, differ."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other else [at]
    inside = f"{at}." if at else ""
    keys = sorted(one.keys() | other.keys())
    return [found for key in keys for found in _differing(one.get(key), other.get(key), f"{inside}{key}")]


def _read(path: Path) -> tuple[Params, dict[str, Any], Progress, str | None]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        recipe, progress = json.loads(metadata["recipe"]), Progress(**json.loads(metadata["progress"]))
    except (safetensors.SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); delete it and start its run again, or choose another --out"
        ) from error
    try:
        # Adds the defaults of keys that recipes have gained since.
        return tensors, build(Recipe, recipe, at="").as_dict(), progress, metadata.get("data")
    except RecipeError as error:
        raise CheckpointError(
            f"{path} is of a version whose recipes were others ({error}); continue it with that version, "
            "delete it and start its run again, or choose another --out"
        ) from error
