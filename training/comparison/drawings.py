"""The drawings of a comparison, by name, each made from its results."""

import math

from training.charts.line_figure import Line, LineFigure, Panel, Point
from training.charts.row_figure import Mark, Row, RowFigure, Rows
from training.charts.style import NEUTRAL, Look
from training.comparison.contenders import SCRATCH, Contender
from training.comparison.results import Figure, Results

_ALL = 100.0  # percent
_ACCURACY = "accuracy on unseen classes, in percent"


def drawings(results: Results) -> dict[str, str]:
    """All drawings, as SVG by name."""
    return {
        "shots": shots(results),
        "steps": steps(results),
        "training-loss": training_loss(results),
        "task-loss": task_loss(results),
        "gap": gap(results),
        "classes": classes(results),
        "augmentation": augmentation(results),
        "cost": cost(results),
    }


def shots(results: Results) -> str:
    """Accuracy against shots."""
    numbers = results.plan.tasks.shots
    lines = tuple(
        _line(results, one, [results.unseen(one.name, number) for number in numbers])
        for one in results.contenders
    )
    panel = Panel("", lines, "support examples of a class (shots)", tuple(map(str, numbers)))
    return LineFigure("Accuracy against shots", (panel,), _ACCURACY, size=(820, 420), ceiling=_ALL).draw()


def steps(results: Results) -> str:
    """Accuracy against inner steps; contenders that take none are level lines."""
    panels = []
    for number in results.plan.tasks.compared_shots:
        labels = _steps(results)
        lines = []
        for one in results.contenders:
            found = results.cell(one.name)["steps"][str(number)]
            pairs = list(zip(found["accuracy"], found["interval_95"], strict=True))
            moves = len(pairs) > 1
            figures = [Figure(100 * mean, 100 * half) for mean, half in (pairs if moves else pairs * len(labels))]
            lines.append(_line(results, one, figures, marked=moves))
        panels.append(Panel(_of_shots(number), tuple(lines), "inner steps", labels))
    return LineFigure(
        "Accuracy against inner steps", tuple(panels), _ACCURACY, size=(430, 350), ceiling=_ALL
    ).draw()


def training_loss(results: Results) -> str:
    """The loss that each minimises before any unseen task, against the number of images seen."""
    ways, everything = results.plan.tasks.ways, results.everything
    panels = []
    for family, title, among in (
        ("ordinary", "training examples", everything),
        ("meta", "query sets of training tasks", ways),
    ):
        lines: dict[str, Line] = {}
        for one in results.of_family(family):
            losses = results.cell(one.name)["training"]["losses"]
            points = tuple(Point(images / 1000, loss) for images, loss in losses)
            name = one.training if family == "ordinary" else one.title
            lines.setdefault(one.training, Line(name, _look(results, one), points, marked=False))
        panels.append(
            Panel(
                f"{title}, {among} classes (chance {math.log(among):.2f})",
                tuple(lines.values()),
                "1000 images",
            )
        )
    return LineFigure("Training losses", tuple(panels), "cross-entropy", size=(430, 310), unit="").draw()


def task_loss(results: Results) -> str:
    """On unseen tasks, the support loss, which inner steps minimise, and the query loss, which nothing does."""
    panels = []
    for number in results.plan.tasks.compared_shots:
        for key, title in (("support_loss", "support set: minimised"), ("query_loss", "query set: what matters")):
            lines = []
            for one in results.contenders:
                found = results.cell(one.name)["steps"][str(number)]
                if len(found["steps"]) > 1:
                    points = tuple(Point(place, loss) for place, loss in enumerate(found[key]))
                    lines.append(Line(one.title, _look(results, one), points))
            panels.append(Panel(f"{_of_shots(number)}, {title}", tuple(lines), "inner steps", _steps(results)))
    ceiling = 1.5 * math.log(results.plan.tasks.ways)
    figure = LineFigure(
        "Losses on unseen tasks", tuple(panels), "cross-entropy", size=(430, 270), unit="", ceiling=ceiling
    )
    return figure.draw()


def gap(results: Results) -> str:
    """Accuracy on tasks of training classes and of unseen ones, against the number of training classes."""
    number, counts = results.plan.tasks.compared_shots[0], results.counts()
    names = ("tasks of training classes", "tasks of unseen classes")
    panels = []
    for one in results.trained:
        look = _look(results, one)
        known = [results.known(one.name, number, count) for count in counts]
        unseen = [results.unseen(one.name, number, count) for count in counts]
        lines = (
            Line(names[0], Look(look.index, dashed=True, hollow=True), _points(known)),
            Line(names[1], Look(look.index), _points(unseen)),
        )
        panels.append(Panel(one.title, lines, "training classes", _labels(results, counts), between=names))
    meanings = ((names[0], Look(NEUTRAL, dashed=True, hollow=True)), (names[1], Look(NEUTRAL)))
    figure = LineFigure(
        "Overfitting to tasks",
        tuple(panels),
        f"{_of_shots(number)} accuracy, in percent",
        columns=3,
        size=(290, 230),
        one_scale=True,
        ceiling=_ALL,
        meanings=meanings,
    )
    return figure.draw()


def classes(results: Results) -> str:
    """Accuracy against the number of training classes."""
    counts = results.counts()
    panels = []
    for number in results.plan.tasks.compared_shots:
        lines = []
        for one in results.contenders:
            figures = [results.unseen(one.name, number, count) for count in counts]
            lines.append(_line(results, one, figures, marked=one.name != SCRATCH))
        panels.append(Panel(_of_shots(number), tuple(lines), "training classes", _labels(results, counts)))
    return LineFigure(
        "Accuracy against training classes", tuple(panels), _ACCURACY, size=(430, 350), ceiling=_ALL
    ).draw()


def augmentation(results: Results) -> str:
    """Accuracy without and with task augmentation."""
    number = results.plan.tasks.compared_shots[0]
    groups = []
    for count in results.counts(augmented=True):
        rows = []
        for one in results.trained:
            marks = []
            for on in (False, True):
                found = results.unseen(one.name, number, count, augmented=on)
                tip = f"{one.title}, {count} classes, {'with' if on else 'without'} augmentation: {found} %"
                marks.append(Mark(found.mean, found.half, not on, tip))
            rows.append(Row(one.title, _look(results, one), tuple(marks)))
        groups.append(
            Rows(f"{count} training classes", tuple(rows), f"{_of_shots(number)} {_ACCURACY}", ceiling=_ALL)
        )
    return RowFigure("Task augmentation", tuple(groups), ("with task augmentation", "without")).draw()


def cost(results: Results) -> str:
    """Time spent once, before any task, and on each new task."""
    before, after = [], []
    number = results.plan.tasks.compared_shots[-1]
    task = f"{results.plan.tasks.ways}-way {_of_shots(number)} task"
    for one in results.contenders:
        cell, look = results.cell(one.name), _look(results, one)
        spent = (cell["training"] or {"seconds": 0.0})["seconds"] + cell["seconds_of_choosing"]
        on_task = 1000 * cell["seconds_of_a_task"][str(number)]
        before.append(Row(one.title, look, (Mark(spent, 0, False, f"{one.title}: {spent:.1f} s"),)))
        after.append(Row(one.title, look, (Mark(on_task, 0, False, f"{one.title}: {on_task:.1f} ms"),)))
    groups = (
        Rows(
            "Once, before any task: training, and choosing on development tasks",
            tuple(before),
            "seconds",
            log=True,
        ),
        Rows(
            f"For each new {task}: adapting, and answering its queries",
            tuple(after),
            "milliseconds",
            log=True,
        ),
    )
    return RowFigure("Cost", groups).draw()


def _line(results: Results, contender: Contender, figures: list[Figure], *, marked: bool = True) -> Line:
    return Line(contender.title, _look(results, contender), _points(figures), marked)


def _points(figures: list[Figure]) -> tuple[Point, ...]:
    return tuple(Point(place, one.mean, one.half) for place, one in enumerate(figures))


def _look(results: Results, contender: Contender) -> Look:
    index = results.contenders.index(contender)
    return Look(index, dashed=contender.family == "ordinary")


def _labels(results: Results, counts: list[int]) -> tuple[str, ...]:
    return tuple(f"all {count}" if count == results.everything else str(count) for count in counts)


def _steps(results: Results) -> tuple[str, ...]:
    return tuple(map(str, results.plan.traced_steps))


def _of_shots(shots: int) -> str:
    return f"{shots}-shot"
