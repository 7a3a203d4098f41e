"""Fills the marked places of Markdown documents with what was measured, in the document's language."""

from collections.abc import Callable
from pathlib import Path

from training.comparison.drawings import drawings
from training.comparison.findings import findings
from training.comparison.marked import FOLDER, fill_marked
from training.comparison.results import Results
from training.comparison.tables import TABLES, Table
from training.comparison.wording import wording

PARTS = ("protocol", *TABLES)


def fill(path: Path, results: Results) -> None:
    """Put tables, sentences and drawings into every marked place of a document (see ``marked``).

    A document whose name ends in ``.zh.md`` is Chinese, any other English.

    Raises:
        PlanError: if there is no such document, or its marks cannot be filled (see ``marked.check_marked``).
    """
    language = "zh" if path.name.endswith(".zh.md") else "en"
    fill_marked(path, _parts(results, language), drawings(results))


def _parts(results: Results, language: str) -> dict[str, Callable[[], str]]:
    say = wording(language)
    told = findings(results, language)
    plan = results.plan

    def part(name: str) -> str:
        sentences = "".join(f"- {one}\n" for one in told.get(name, ()))
        table = _as_markdown(TABLES[name](results, language))
        return f"![{name}]({FOLDER}/{name}.svg)\n\n{sentences}{chr(10) if sentences else ''}{table}\n"

    def protocol() -> str:
        facts = results.facts | {
            "data": plan.data.name,
            "plan": plan.name,
            "ways": plan.tasks.ways,
            "queries": plan.tasks.queries,
            "episodes": plan.tasks.episodes,
            "tasks_seed": plan.tasks.seed,
            "seed": plan.seed,
            "images": plan.training.images,
            "machine": results.machine,
        }
        return str(say["protocol"]).format(**facts) + "\n"

    return {"protocol": protocol} | {name: (lambda name=name: part(name)) for name in TABLES}


def _as_markdown(table: Table) -> str:
    lines = ["| | " + " | ".join(table.head) + " |", "|---" * (len(table.head) + 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in table.rows)])
