"""Measurements kept in a folder beside the plan they were made by, so that an interrupted sitting goes on."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from training.comparison.plan_reading import PlanError
from training.whole_file import write_whole

PLAN = "plan.json"
_DATA = "digest"


def open_folder(
    out: Path, values: Mapping[str, Any], *, data: str, what: str, added_to: Collection[str], resume: bool
) -> None:
    """Begin measuring in a folder, or go on with what was measured there by the same plan.

    Args:
        out: the folder.
        values: of the plan, as JSON values.
        data: a digest of the classes and images that are measured on.
        what: is kept there, in messages.
        added_to: keys of the plan that may differ from before: they decide what there is, not what one holds.
        resume: whether there must be something to go on with, or must not.

    Raises:
        PlanError: where the folder holds something though nothing was to be resumed, or nothing, or what was
            made by another plan or of other data.
    """
    path = out / PLAN
    if resume and not path.exists():
        raise PlanError(f"there is nothing to resume in {out}; start without --resume")
    if path.exists() and not resume:
        raise PlanError(f"{out} holds a {what} already; continue it with --resume or choose another --out")
    if resume:
        try:
            stored = read(path)
        except PlanError as error:
            raise PlanError(
                f"{path} is damaged, so that nothing tells by which plan the rest in {out} was measured: choose "
                "another --out"
            ) from error
        if stored.pop(_DATA, data) != data:  # which earlier versions did not keep
            raise PlanError(
                f"{out} was measured on other classes or images; continue with the data it was started with, or "
                "choose another --out"
            )
        keys = sorted((stored.keys() | values.keys()) - set(added_to))
        if changed := [key for key in keys if stored.get(key) != values.get(key)]:
            raise PlanError(
                f"{out} belongs to a plan that differs in {', '.join(changed)}; "
                "continue with the plan it was started with, or choose another --out"
            )
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({**values, _DATA: data}, indent=2) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Read JSON values.

    Raises:
        PlanError: where the file is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise PlanError(f"{path} is damaged ({error}); delete it and continue with --resume") from error
    return values
