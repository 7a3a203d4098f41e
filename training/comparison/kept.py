"""Keeps measurements in a folder with the plan they were made by, so that they can be resumed if interrupted."""

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
    """Begin measuring in a folder, or resume what the same plan has measured there.

    Args:
        out: the folder.
        values: the plan, as JSON values.
        data: a digest of the classes and images that are measured on.
        what: noun by which messages call the folder's contents.
        added_to: keys of the plan that may differ from the stored one, because they decide which measurements
            there are but not what any of them holds.
        resume: whether the folder must already hold measurements; otherwise, it must hold none.

    Raises:
        PlanError: if ``resume`` does not match what the folder holds, or if that is damaged or was measured by
            another plan or on other data.
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
        if stored.pop(_DATA, data) != data:  # earlier versions stored none
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
        PlanError: if the file is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise PlanError(f"{path} is damaged ({error}); delete it and continue with --resume") from error
    return values
