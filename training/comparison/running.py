"""Goes through the cells of a comparison; each that is finished is a file, so an interrupted one goes on."""

import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from training.comparison.cells import Bench, Cell, cells_of
from training.comparison.contenders import Contender
from training.comparison.plan import Plan
from training.comparison.plan_reading import PlanError

PLAN = "plan.json"
_CELLS = "cells"
_ADDED_TO = ("algorithms", "classes", "augmented_classes")  # which decide the cells there are, not what one holds


def open_folder(out: Path, plan: Plan, *, resume: bool) -> None:
    """Begin a comparison in a folder, or go on with one of the same plan.

    A plan may name more or fewer algorithms and numbers of classes than before.

    Raises:
        PlanError: where the folder holds a comparison though none was to be resumed, or none or another one.
    """
    path = out / PLAN
    if resume and not path.exists():
        raise PlanError(f"there is nothing to resume in {out}; start without --resume")
    if path.exists() and not resume:
        raise PlanError(f"{out} holds a comparison already; continue it with --resume or choose another --out")
    values = plan.as_dict()
    if resume:
        stored = _read(path)
        keys = sorted((stored.keys() | values.keys()) - set(_ADDED_TO))
        if changed := [key for key in keys if stored.get(key) != values.get(key)]:
            raise PlanError(
                f"{out} belongs to a plan that differs in {', '.join(changed)}; "
                "continue with the plan it was started with, or choose another --out"
            )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(values, indent=2) + "\n")


def measured_cells(bench: Bench, contenders: Sequence[Contender]) -> Iterator[dict[str, Any]]:
    """Give each cell's JSON values, measured now or read from an earlier sitting."""
    folder = bench.out / _CELLS
    folder.mkdir(exist_ok=True)
    cells = cells_of(bench.plan, contenders, bench.classes)
    missing = [cell for cell in cells if not _file(folder, cell).exists()]
    with tqdm(total=len(cells), initial=len(cells) - len(missing), desc=bench.plan.name, unit="cell") as bar:
        for cell in cells:
            path = _file(folder, cell)
            if cell in missing:
                start = time.perf_counter()
                values = bench.measure(cell) | {"machine": _machine()}
                write_whole(path, json.dumps(values) + "\n")
                tqdm.write(_told(cell, values, time.perf_counter() - start))
                bar.update(1)
            yield _read(path)


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def _file(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name}.json"


def _told(cell: Cell, values: dict[str, Any], seconds: float) -> str:
    accuracies = ", ".join(
        f"{shots}-shot {100 * one['accuracy']:.1f} ± {100 * one['interval_95']:.1f}"
        for shots, one in values["unseen"].items()
    )
    trained = f"{cell.classes} classes{', augmented' if cell.augmented else ''}"
    return f"{cell.contender.title}, {trained}: {accuracies} % ({seconds:.0f} s)"


def _read(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise PlanError(f"{path} is damaged ({error}); delete it and continue with --resume") from error
    return values


def _machine() -> str:
    return f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
