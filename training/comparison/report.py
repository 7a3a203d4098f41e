"""The report: one HTML file that needs no other, and the JSON behind it."""

import json
from pathlib import Path
from typing import Any

import jinja2

from training.comparison import tables
from training.comparison.drawings import drawings
from training.comparison.findings import findings
from training.comparison.results import Results
from training.whole_file import write_whole

JSON, HTML, DRAWINGS = "comparison.json", "report.html", "drawings"
_TEMPLATE = Path(__file__).parent / "report.html.jinja"


def write_report(results: Results, out: Path) -> None:
    """Write ``comparison.json``, ``report.html`` and ``drawings/*.svg`` into a folder."""
    drawn = drawings(results)
    write_whole(out / JSON, json.dumps(document(results), indent=1) + "\n")
    (out / DRAWINGS).mkdir(exist_ok=True)
    for name, drawing in drawn.items():
        write_whole(out / DRAWINGS / f"{name}.svg", drawing)
    write_whole(out / HTML, html(results, drawn))


def document(results: Results) -> dict[str, Any]:
    """Everything measured, as JSON values."""
    return {
        "plan": results.plan.as_dict(),
        "facts": results.facts,
        "contenders": [
            {
                "name": one.name,
                "family": one.family,
                "loss_before_tasks": one.loss_before("en"),
                "loss_on_a_task": one.loss_on_task("en"),
            }
            for one in results.contenders
        ],
        "findings": findings(results, "en"),
        "cells": list(results.cells),
    }


def html(results: Results, drawn: dict[str, str]) -> str:
    """The report."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    plan, counts = results.plan, results.counts()
    named = {count: f"all {count}" if count == results.everything else str(count) for count in counts}
    compared = [f"{shots}-shot, ms" for shots in plan.tasks.compared_shots]
    steps = ["0", *map(str, sorted(plan.inner_steps))]
    heads = {
        "shots": [f"{shots}-shot" for shots in plan.tasks.shots],
        "steps": steps,
        "training-loss": ["before any unseen task", "on the support set of an unseen task"],
        "task-loss": ["support, before", f"after {steps[-1]}", "query, before", f"after {steps[-1]}"],
        "classes": list(named.values()),
        "gap": list(named.values()),
        "augmentation": [f"{named[count]} classes" for count in results.counts(augmented=True)],
        "cost": ["training, s", "choosing, s", "training images", *compared],
    }
    rows = {
        "shots": tables.of_shots(results),
        "steps": tables.of_steps(results),
        "training-loss": tables.of_losses(results, "en"),
        "task-loss": tables.of_task_loss(results),
        "classes": tables.of_classes(results),
        "gap": tables.of_gap(results),
        "augmentation": tables.of_augmentation(results),
        "cost": tables.of_cost(results),
    }
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        plan=plan,
        facts=results.facts,
        machine=results.machine,
        contenders=results.contenders,
        cells={one.name: results.cell(one.name) for one in results.contenders},
        drawn=drawn,
        heads=heads,
        rows=rows,
        told=findings(results, "en"),
        settings=json.dumps(plan.as_dict(), indent=2),
    )
