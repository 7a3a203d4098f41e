"""What a search leaves in its folder: the best recipe, a table of its trials, and a picture."""

import csv
import io
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from training.measures.assessment import REPORT_SEED
from training.recipe_reading import as_yaml
from training.tuning.study import FAULT, Study
from training.whole_file import write_whole

BEST, TABLE, PICTURE = "best.yaml", "trials.csv", "trials.svg"
_STATES = {TrialState.COMPLETE: "ended", TrialState.PRUNED: "pruned", TrialState.FAIL: "refused"}


def write_outcome(study: Study, out: Path) -> None:
    """Write ``trials.csv``, and ``best.yaml`` once a trial has completed, each whole or not at all."""
    table = io.StringIO()
    rows = [_row(number, trial, study) for number, trial in enumerate(study.done)]
    writer = csv.DictWriter(table, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(out / TABLE, table.getvalue())
    if study.best is not None:
        number, trial = study.best
        recipe = study.recipe(trial)
        tasks = recipe.validation
        remark = (
            f"# Trial {number}: {100 * (trial.value or 0):.2f} % on {tasks.episodes} validation tasks "
            f"(seed {tasks.seed}), the highest of {len(rows)} trials\n"
            f"# and so on the high side. The card of a run reports other tasks (seed {REPORT_SEED}).\n"
        )
        write_whole(out / BEST, remark + as_yaml(recipe.as_dict()))


def draw(study: Study, out: Path) -> bool:
    """Draw accuracy against each key's values as ``trials.svg``; False if fewer than two trials completed."""
    if sum(trial.state == TrialState.COMPLETE for trial in study.done) < 2:
        return False
    # Imported late, because that takes a second, and no other command needs them.
    from matplotlib import pyplot
    from optuna.visualization.matplotlib import plot_slice

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's notice that its pictures are experimental
        plot_slice(study.record, target_name="validation accuracy")
    figure = pyplot.gcf()
    make_legible(figure, study.done[0].distributions)
    figure.savefig(out / PICTURE, bbox_inches="tight")
    pyplot.close(figure)
    return True


def make_legible(figure: Any, searched: Mapping[str, BaseDistribution]) -> None:
    """Show each key over its whole range, and at a logarithmic axis three values, which do not overlap.

    Args:
        figure: matplotlib's, with an axis for each key.
        searched: the keys and their ranges.
    """
    for axes in figure.axes:
        axes.xaxis.label.set_size("small")
        axes.tick_params(axis="x", labelsize="small")
        one = searched.get(axes.get_xlabel())
        if one is not None and getattr(one, "log", False):
            low, high = (float(getattr(one, end)) for end in ("low", "high"))
            beside = (high / low) ** 0.15  # room for half of a label, so that axes side by side keep apart
            axes.set_xlim(min(axes.get_xlim()[0], low / beside), max(axes.get_xlim()[1], high * beside))
            values = [low, math.sqrt(low * high), high]
            axes.set_xticks(values, [f"{value:.3g}" for value in values])
            axes.set_xticks([], minor=True)


def describe(number: int, trial: FrozenTrial, study: Study) -> str:
    """Describe a trial on one line: its result, and the values it was run with."""
    row = _row(number, trial, study)
    reached = row["fault"] or f"{row['accuracy']:.2%}"
    values = ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in study.chosen(trial).items()
    )
    return f"trial {number} {row['state']} at step {row['step']}: {reached} ({values})"


def _row(number: int, trial: FrozenTrial, study: Study) -> dict[str, object]:
    ended = trial.state == TrialState.COMPLETE
    return {
        "trial": number,
        "state": _STATES[trial.state],
        "accuracy": trial.value if ended else max(trial.intermediate_values.values(), default=None),
        "step": trial.last_step or 0,
        **study.chosen(trial),
        "fault": trial.user_attrs.get(FAULT, ""),
    }
