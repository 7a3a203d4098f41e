"""``python -m training evaluate INIT``: accuracy on unseen classes, or the one-shot runs."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from models.confidence import KEEP_KNOWN
from models.initialization import Initialization
from training.commands.outputs import check_outputs, write_output
from training.commands.task_options import add_task_options, classes_of, protocol_of
from training.datasets.class_images import ClassImages
from training.datasets.registry import data_dir_of_environment
from training.measures.assessment import strangers_among
from training.measures.calibration import QUERIES
from training.measures.evaluation import embedded, measure
from training.measures.image_looks import LOOKS, seen_as, whole_images
from training.measures.measured import Measured, Protocol
from training.measures.oneshot_runs import RUNS, evaluate_runs
from training.run.named import find

_SHOWN_SIDE = 210  # pixels of images that are shown changed

_OF_EPISODES = (  # what is said of tasks that are drawn; those of a benchmark are given
    *("dataset", "against", "split", "ways", "shots", "queries", "episodes", "seed", "within_alphabet"),
    *("same_drawers", "data_seed", "download", "strangers", "keep_known", "look"),
)


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("evaluate", help="measure an initialization on unseen classes")
    parser.add_argument("initialization", help="a folder, or the name of a shipped or published one")
    parser.add_argument("--against", metavar="INIT", help="another, to compare with task by task")
    parser.add_argument("--benchmark", choices=["omniglot-oneshot"], help="Lake's 20 within-alphabet runs")
    add_task_options(parser, required=False)
    parser.add_argument("--shots", type=int, default=1, help="examples of a class (default: %(default)s)")
    parser.add_argument(
        "--strangers",
        type=int,
        default=5,
        help="classes outside of each task, to be told unknown (default: %(default)s)",
    )
    parser.add_argument(
        "--keep-known",
        type=float,
        default=KEEP_KNOWN,
        help="share of known items to be told known (default: %(default)s)",
    )
    parser.add_argument(
        "--look", default="as-is", choices=LOOKS, help="how images are shown (default: %(default)s)"
    )
    parser.add_argument(
        "--inner-steps", type=int, help="of each task (default: the learner's own); 0 does not adapt"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.set_defaults(run=run, unasked={name: parser.get_default(name) for name in _OF_EPISODES})


def run(options: argparse.Namespace) -> None:
    """Measure, print, and write JSON where asked."""
    check_outputs(options.json)
    if options.inner_steps is not None and options.inner_steps < 0:
        raise ValueError("--inner-steps must not be negative: 0 does not adapt")
    if options.strangers < 0:
        raise ValueError("--strangers must not be negative: 0 asks about none")
    if options.benchmark:
        _check_benchmark(options)
    initialization = find(options.initialization)
    if options.benchmark:
        data_dir = options.data_dir or data_dir_of_environment(options.benchmark)
        result = evaluate_runs(initialization, data_dir, options.inner_steps)
        figures: dict[str, Any] = {
            "benchmark": options.benchmark,
            "runs": RUNS,
            "error_percent": result.error,
            "errors_percent": list(result.errors),
            "inner_steps": options.inner_steps,
        }
        print(f"{initialization.name}: {result.error:.2f} % error over {RUNS} runs of 20-way one-shot")
    else:
        figures = _episodes(initialization, options)
    if options.json:
        figures |= {"initialization": initialization.name, "version": initialization.version}
        write_output(options.json, json.dumps(figures, indent=2) + "\n")


def _check_benchmark(options: argparse.Namespace) -> None:
    given = [name for name, unasked in options.unasked.items() if getattr(options, name) != unasked]
    if given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(f"--benchmark {options.benchmark} has tasks of its own; leave out {named}")


def _episodes(initialization: Initialization, options: argparse.Namespace) -> dict[str, Any]:
    """Measure on tasks that are drawn, tell of it, and give the figures."""
    if options.dataset is None:
        raise ValueError("say on what: --dataset omniglot, mini_imagenet, folder or strokes")
    protocol = protocol_of(options, options.shots)
    other = find(options.against) if options.against else None
    initialization.confidence.known_above(protocol.size, options.keep_known)  # refuses the share before all else
    classes = _shown(initialization, options)
    strangers = strangers_among(classes, protocol, options.strangers)
    with_strangers = replace(protocol, strangers=strangers)
    features = embedded(
        initialization.learner,
        initialization.phi,
        initialization.preprocessing,
        classes,
        protocols=[protocol, with_strangers] if strangers else [protocol],
        progress=True,
    )

    def measured_on(of: Protocol) -> Measured:
        return measure(
            initialization.learner,
            initialization.phi,
            initialization.preprocessing,
            classes,
            of,
            inner_steps=options.inner_steps,
            features=features,
            progress=True,
        )

    measured = measured_on(protocol)
    figures = _figures(initialization, measured, options)
    _tell(initialization.name, protocol, figures)
    if other is not None:
        figures["against"] = _against(other, initialization, measured, options)
    if strangers < options.strangers:
        left = "no class is" if strangers == 0 else "only 1 is" if strangers == 1 else f"only {strangers} are"
        print(f"--strangers {options.strangers}: {left} left outside of each task")
    if strangers:
        unknown = measured_on(with_strangers).unknown(initialization.confidence, options.keep_known)
        figures["unknown"] = {"strangers": strangers, "keep_known": options.keep_known, **asdict(unknown)}
        _tell_unknown(figures["unknown"])
    return figures


def _shown(
    initialization: Initialization, options: argparse.Namespace, split_as: Initialization | None = None
) -> ClassImages:
    """Read the classes, their images looking as asked."""
    if options.look == "as-is":
        return classes_of(initialization, options, split_as=split_as)
    reads_whole = replace(initialization, preprocessing=whole_images(_SHOWN_SIDE))
    whole = classes_of(reads_whole, options, split_as=split_as)
    return seen_as(whole, options.look, initialization.preprocessing, options.seed)


def _figures(initialization: Initialization, measured: Measured, options: argparse.Namespace) -> dict[str, Any]:
    """Collect what was measured on tasks without strangers for JSON; ``unknown`` tells of those later."""
    tasks = asdict(measured.protocol)
    del tasks["strangers"]
    return {
        "dataset": options.dataset,
        "split": options.split,
        "look": options.look,
        **tasks,
        "inductive": True,
        "inner_steps": options.inner_steps,
        "accuracy": measured.accuracy,
        "interval_95": measured.interval,
        "calibration_error": measured.calibration_error(initialization.confidence),
        "estimate": asdict(measured.estimates(initialization.confidence)),
    }


def _tell(name: str, protocol: Protocol, figures: Mapping[str, Any]) -> None:
    estimate, look = figures["estimate"], "" if figures["look"] == "as-is" else f" {figures['look']}"
    print(
        f"{name} on {figures['dataset']} {figures['split']}{look}, {protocol.describe()}, "
        f"{protocol.episodes} episodes, seed {protocol.seed}: "
        f"{100 * figures['accuracy']:.2f} ± {100 * figures['interval_95']:.2f} %, "
        f"calibration error {100 * figures['calibration_error']:.2f} %"
    )
    few = protocol.queries < QUERIES
    by_chance = f" (so few vary by chance; it is made for --queries {QUERIES})" if few else ""
    print(
        f"estimate: the interval, on average {100 * estimate['width']:.1f} % wide, holds the accuracy measured "
        f"with {protocol.queries} queries a class in {100 * estimate['coverage']:.1f} % of the tasks{by_chance}"
    )


def _tell_unknown(figures: Mapping[str, Any]) -> None:
    strangers = figures["strangers"]
    print(
        f"unknown: AUROC {figures['auroc']:.4f}; with {100 * figures['keep_known']:g} % of known items to keep, "
        f"{100 * figures['kept']:.1f} % are kept, and {100 * figures['flagged']:.1f} % of those of {strangers} "
        f"other {'class' if strangers == 1 else 'classes'} flagged"
    )


def _against(
    other: Initialization, first: Initialization, measured: Measured, options: argparse.Namespace
) -> dict[str, Any]:
    """Measure another initialization on the same tasks, and compare."""
    found = measure(
        other.learner,
        other.phi,
        other.preprocessing,
        _shown(other, options, split_as=first),
        measured.protocol,
        inner_steps=options.inner_steps,
        progress=True,
    )
    gain, interval = measured.gain_over(found)
    print(
        f"against {other.name}, {100 * found.accuracy:.2f} ± {100 * found.interval:.2f} % on the same episodes: "
        f"{100 * gain:+.2f} ± {100 * interval:.2f} points"
    )
    shared, alike = measured.shared_mistakes(found)
    print(
        f"of what {first.name} mistakes, {other.name} mistakes {100 * shared:.1f} % as well, "
        f"{100 * alike:.1f} % for the same class"
    )
    return {
        "initialization": other.name,
        "accuracy": found.accuracy,
        "gain": gain,
        "interval_95": interval,
        "shared_mistakes": shared,
        "same_mistakes": alike,
    }
