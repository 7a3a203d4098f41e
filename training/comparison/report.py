"""The report: one self-contained HTML file, and the JSON behind it."""

import json
from pathlib import Path
from typing import Any

import jinja2

from training.comparison.drawings import drawings
from training.comparison.findings import findings
from training.comparison.results import Results
from training.comparison.tables import TABLES
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
    """The report as HTML, with drawings given as SVG by name."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    plan = results.plan
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        plan=plan,
        facts=results.facts,
        machine=results.machine,
        contenders=results.contenders,
        cells={one.name: results.cell(one.name) for one in results.contenders},
        drawn=drawn,
        tables={name: table(results, "en") for name, table in TABLES.items()},
        told=findings(results, "en"),
        settings=json.dumps(plan.as_dict(), indent=2),
    )
