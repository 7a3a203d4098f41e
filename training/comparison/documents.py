"""Fills the marked places of Markdown documents with what was measured, in the document's language."""

from collections.abc import Callable
from pathlib import Path

from training.comparison import tables
from training.comparison.drawings import drawings
from training.comparison.findings import findings
from training.comparison.marked import FOLDER, fill_marked
from training.comparison.results import Results
from training.comparison.wording import wording

_ROWS: dict[str, Callable[[Results, str], tables.Rows]] = {
    "shots": lambda of, _: tables.of_shots(of),
    "steps": lambda of, _: tables.of_steps(of),
    "training-loss": tables.of_losses,
    "task-loss": lambda of, _: tables.of_task_loss(of),
    "classes": lambda of, _: tables.of_classes(of),
    "gap": lambda of, _: tables.of_gap(of),
    "augmentation": lambda of, _: tables.of_augmentation(of),
    "cost": lambda of, _: tables.of_cost(of),
}
PARTS = ("protocol", *_ROWS)


def fill(path: Path, results: Results) -> None:
    """Put tables, sentences and drawings into every marked place of a document (see ``marked``).

    A document whose name ends in ``.zh.md`` is Chinese, any other English.

    Raises:
        PlanError: where there is no such document, or it marks something that is not measured.
    """
    language = "zh" if path.name.endswith(".zh.md") else "en"
    fill_marked(path, _parts(results, language), drawings(results))


def _parts(results: Results, language: str) -> dict[str, Callable[[], str]]:
    say = wording(language)
    told = findings(results, language)
    plan, counts = results.plan, results.counts()
    last = max(plan.inner_steps)
    of_classes = [say["classes"].format(count) for count in counts]
    heads = {
        "shots": [f"{shots}-shot" for shots in plan.tasks.shots],
        "steps": [say["steps"].format(step) for step in (0, *sorted(plan.inner_steps))],
        "training-loss": [say["before"], say["on_task"]],
        "task-loss": [one.format(last) for one in say["losses"]],
        "classes": of_classes,
        "gap": of_classes,
        "augmentation": [say["classes"].format(count) for count in results.counts(augmented=True)],
        "cost": [*say["cost"], *(say["task"].format(shots) for shots in plan.tasks.compared_shots)],
    }

    def part(name: str) -> str:
        sentences = "".join(f"- {one}\n" for one in told.get(name, ()))
        table = _table(heads[name], _ROWS[name](results, language))
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

    return {"protocol": protocol} | {name: (lambda name=name: part(name)) for name in _ROWS}


def _table(head: list[str], rows: tables.Rows) -> str:
    lines = ["| | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
