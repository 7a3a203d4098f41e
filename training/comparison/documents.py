"""Fills the marked places of Markdown documents with what was measured, in the document's language."""

import re
from collections.abc import Callable
from pathlib import Path

from training.comparison import tables
from training.comparison.drawings import drawings
from training.comparison.findings import findings
from training.comparison.plan import PlanError
from training.comparison.results import Results
from training.comparison.running import write_whole

FOLDER = "comparison"  # beside the documents, for drawings
_MARK = re.compile(r"(<!-- measured: (?P<name>[\w-]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)
_ENGLISH = {
    "learner": "",
    "steps": "{} steps",
    "before": "before any unseen task",
    "on_task": "on the support set of an unseen task",
    "losses": ("support loss, no step", "after {}", "query loss, no step", "after {}"),
    "classes": "{} classes",
    "cost": ("training, s", "choosing, s", "training images"),
    "task": "{}-shot task, ms",
    "protocol": "Measured on `{data}` (plan `{plan}`): {training_classes} training classes, {development_classes} more set "
    "apart to choose by, {unseen_classes} unseen classes of the validation split. {ways}-way tasks, {queries} queries a "
    "class, {episodes} tasks behind each accuracy (seed {tasks_seed}), inductive; percent with 95 % intervals over tasks; "
    "one training run each (seed {seed}) of {images:,} images. Machine: {machine}.",
}
_CHINESE = {
    "learner": "",
    "steps": "{} 步",
    "before": "见到新任务之前",
    "on_task": "在新任务的支持集上",
    "losses": ("支持集损失，0 步", "{} 步后", "查询集损失，0 步", "{} 步后"),
    "classes": "{} 个类",
    "cost": ("训练（秒）", "选择（秒）", "训练图像数"),
    "task": "{}-shot 任务（毫秒）",
    "protocol": "数据集 `{data}`（方案 `{plan}`）：{training_classes} 个训练类，另留 {development_classes} 个类用于选择，报告用验证划分中的 "
    "{unseen_classes} 个未见类。{ways}-way 任务，每类 {queries} 个查询，每个准确率由 {episodes} 个任务得出（种子 {tasks_seed}），"
    "归纳式；数值为百分比与任务间的 95 % 区间；每个学习器训练一次（种子 {seed}），用 {images:,} 张图像。机器：{machine}。",
}


def fill(path: Path, results: Results) -> None:
    """Put tables, sentences and drawings into every ``<!-- measured: NAME -->`` of a document.

    Drawings go into a folder beside it. A document whose name ends in ``.zh.md`` is Chinese, any other English.

    Raises:
        PlanError: where there is no such document, or it marks something that is not measured.
    """
    if not path.is_file():
        raise PlanError(f"there is no document {path} to fill")
    language = "zh" if path.name.endswith(".zh.md") else "en"
    parts = _parts(results, language)
    names = [found["name"] for found in _MARK.finditer(path.read_text())]
    if unknown := sorted(set(names) - set(parts)):
        raise PlanError(f"{path} marks {unknown[0]!r}; there are {', '.join(parts)}")
    if not names:
        raise PlanError(f"{path} marks no place: write <!-- measured: shots --> and <!-- /measured --> on lines")
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    for name, drawing in drawings(results).items():
        write_whole(folder / f"{name}.svg", drawing)
    write_whole(path, _MARK.sub(lambda found: found[1] + parts[found["name"]]() + found[3], path.read_text()))


def _parts(results: Results, language: str) -> dict[str, Callable[[], str]]:
    say = _ENGLISH if language == "en" else _CHINESE
    told = findings(results, language)
    plan, counts = results.plan, results.counts()
    last = max(plan.inner_steps)
    of_classes = [str(say["classes"]).format(count) for count in counts]
    heads = {
        "shots": [f"{shots}-shot" for shots in plan.tasks.shots],
        "steps": [str(say["steps"]).format(step) for step in (0, *sorted(plan.inner_steps))],
        "training-loss": [str(say["before"]), str(say["on_task"])],
        "task-loss": [one.format(last) for one in say["losses"]],
        "classes": of_classes,
        "gap": of_classes,
        "augmentation": [str(say["classes"]).format(count) for count in results.counts(augmented=True)],
        "cost": [*say["cost"], *(str(say["task"]).format(shots) for shots in plan.tasks.compared_shots)],
    }
    rows = {
        "shots": tables.of_shots,
        "steps": tables.of_steps,
        "training-loss": tables.of_losses,
        "task-loss": tables.of_task_loss,
        "classes": tables.of_classes,
        "gap": tables.of_gap,
        "augmentation": tables.of_augmentation,
        "cost": tables.of_cost,
    }

    def part(name: str) -> str:
        sentences = "".join(f"- {one}\n" for one in told.get(name, ()))
        table = _table(heads[name], rows[name](results))
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
            "machine": results.cells[0]["machine"],
        }
        return str(say["protocol"]).format(**facts) + "\n"

    return {"protocol": protocol} | {name: (lambda name=name: part(name)) for name in rows}


def _table(head: list[str], rows: tables.Rows) -> str:
    lines = ["| | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
