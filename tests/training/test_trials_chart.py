"""The picture of a search's trials can be read."""

from itertools import combinations

import optuna
import pytest
from matplotlib import pyplot

from training.tuning.outcome import make_legible

RATE = optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)
KEYS = {f"learner.rule.initial_rate{number}": RATE for number in range(3)} | {
    "steps": optuna.distributions.IntDistribution(1, 5),
    "kind": optuna.distributions.CategoricalDistribution(['"a"', '"b"']),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("keys", [KEYS, {"a": RATE}])
def test_labels_of_ticks_do_not_overlap_where_all_trials_lie_close(keys):
    study = optuna.create_study()
    for rate, steps in ((0.003, 5), (0.00204, 4), (0.0022, 1)):
        params = {key: steps if key == "steps" else '"a"' if key == "kind" else rate for key in keys}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=keys, value=rate))
    optuna.visualization.matplotlib.plot_slice(study)
    figure = pyplot.gcf()
    make_legible(figure, keys)
    figure.canvas.draw()
    boxes = [
        label.get_window_extent()
        for axes in figure.axes
        for label in (*axes.get_xticklabels(), *axes.get_xticklabels(minor=True))
        if label.get_text()
    ]
    limits = {axes.get_xlabel(): axes.get_xlim() for axes in figure.axes}
    pyplot.close(figure)
    assert len(boxes) >= 3
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    for key in keys.keys() - {"steps", "kind"}:
        assert limits[key][0] < RATE.low
        assert limits[key][1] > RATE.high
