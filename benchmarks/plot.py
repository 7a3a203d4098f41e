"""The figure of costs, with a panel for each curve."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # files, no window

from matplotlib import pyplot
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from benchmarks.costs import Curve


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw cost against each size, both axes logarithmic: a straight line of slope 1 is proportional cost."""
    figure, panels = pyplot.subplots(2, 2, figsize=(10, 8), layout="constrained")
    for curve, panel in zip(curves, panels.flat, strict=True):
        for name, milliseconds in curve.milliseconds.items():
            panel.plot(curve.sizes, milliseconds, marker="o", label=name)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(curve.sizes)
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(ScalarFormatter())
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(ScalarFormatter())
        panel.set_xlabel(curve.against)
        panel.set_ylabel("ms a request (median)")
        panel.grid(visible=True, which="major", alpha=0.3)
        panel.legend()
    figure.suptitle("Cost of adapting to a support set and classifying 25 drawings")
    figure.savefig(path)
    pyplot.close(figure)
