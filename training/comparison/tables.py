"""The tables of a comparison, by name, for reports and documents alike."""

from collections.abc import Callable
from dataclasses import dataclass

from training.comparison.results import Results
from training.comparison.wording import wording


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        head: the headings of all columns but the first, which holds names.
        rows: each a name and its entries.
    """

    head: list[str]
    rows: list[list[str]]


def of_shots(results: Results, _language: str) -> Table:
    """Accuracy of each contender at each number of shots, trained on all classes."""
    shots = results.plan.tasks.shots
    rows = [
        [one.title, *(str(results.unseen(one.name, number)) for number in shots)] for one in results.contenders
    ]
    return Table([f"{number}-shot" for number in shots], rows)


def of_steps(results: Results, language: str) -> Table:
    """Accuracy after each number of inner steps, at the last of the compared shots, for those that take steps."""
    shots = results.plan.tasks.compared_shots[-1]
    rows = []
    for one in results.contenders:
        accuracies = results.cell(one.name)["steps"][str(shots)]["accuracy"]
        if len(accuracies) > 1:
            rows.append([one.title, *(f"{100 * value:.1f}" for value in accuracies)])
    return Table([wording(language)["steps"].format(step) for step in results.plan.traced_steps], rows)


def of_losses(results: Results, language: str) -> Table:
    """Which loss each contender minimises, on which data."""
    say = wording(language)
    rows = [[one.title, one.loss_before(language), one.loss_on_task(language)] for one in results.contenders]
    return Table([say["before"], say["on_task"]], rows)


def of_task_loss(results: Results, language: str) -> Table:
    """Support and query loss before the first inner step and after the last one, at the last compared shots."""
    shots = results.plan.tasks.compared_shots[-1]
    rows = []
    for one in results.contenders:
        found = results.cell(one.name)["steps"][str(shots)]
        if len(found["steps"]) > 1:
            losses = (found[key][place] for key in ("support_loss", "query_loss") for place in (0, -1))
            rows.append([one.title, *(f"{value:.2f}" for value in losses)])
    last = results.plan.traced_steps[-1]
    return Table([one.format(last) for one in wording(language)["losses"]], rows)


def of_classes(results: Results, language: str) -> Table:
    """Accuracy at the first of the compared shots, against the number of training classes."""
    shots, counts = results.plan.tasks.compared_shots[0], results.counts()
    rows = [
        [one.title, *(str(results.unseen(one.name, shots, count)) for count in counts)] for one in results.trained
    ]
    return Table(_of_classes(counts, language), rows)


def of_gap(results: Results, language: str) -> Table:
    """Accuracy on tasks of training classes minus that on unseen ones, in points, against training classes."""
    shots, counts = results.plan.tasks.compared_shots[0], results.counts()
    rows = [
        [one.title, *(f"{results.gap(one.name, shots, count):+.1f}" for count in counts)]
        for one in results.trained
    ]
    return Table(_of_classes(counts, language), rows)


def of_augmentation(results: Results, language: str) -> Table:
    """The change in accuracy that task augmentation makes, in points, paired over tasks."""
    shots, counts = results.plan.tasks.compared_shots[0], results.counts(augmented=True)
    rows = []
    for one in results.trained:
        gains = (results.gain(one.name, shots, count) for count in counts)
        rows.append([one.title, *(f"{gain.mean:+.1f} ± {gain.half:.1f}" for gain in gains)])
    return Table(_of_classes(counts, language), rows)


def of_cost(results: Results, language: str) -> Table:
    """Seconds of training and choosing, images trained on, and milliseconds of a task at the compared shots."""
    say = wording(language)
    rows = []
    for one in results.contenders:
        cell = results.cell(one.name)
        training = cell["training"] or {"seconds": 0.0, "images": 0}
        on_task = (f"{1000 * seconds:.1f}" for seconds in cell["seconds_of_a_task"].values())
        seconds = (f"{training['seconds']:.1f}", f"{cell['seconds_of_choosing']:.1f}")
        rows.append([one.title, *seconds, f"{training['images']:,}", *on_task])
    tasks = (say["task"].format(shots) for shots in results.plan.tasks.compared_shots)
    return Table([*say["cost"], *tasks], rows)


TABLES: dict[str, Callable[[Results, str], Table]] = {
    "shots": of_shots,
    "steps": of_steps,
    "training-loss": of_losses,
    "task-loss": of_task_loss,
    "classes": of_classes,
    "gap": of_gap,
    "augmentation": of_augmentation,
    "cost": of_cost,
}


def _of_classes(counts: list[int], language: str) -> list[str]:
    return [wording(language)["classes"].format(count) for count in counts]
