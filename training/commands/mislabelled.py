"""``python -m training mislabelled INIT``: how often a wrong label is found, and what it costs."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.commands.outputs import check_outputs, write_output
from training.commands.task_options import add_task_options, classes_of, protocol_of
from training.measures.measured import Protocol
from training.measures.mislabelled import LEAST_SHOTS, Mean, Mislabelled, mislabelled
from training.run.named import find


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("mislabelled", help="measure how often a wrong label is found")
    parser.add_argument("initialization", help="a folder, or the name of a shipped or published one")
    add_task_options(parser, required=True)
    parser.add_argument(
        "--shots",
        type=int,
        default=5,
        help=f"support examples of each class, {LEAST_SHOTS} or more (default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure, print, and write JSON where asked."""
    check_outputs(options.json)
    if options.shots < LEAST_SHOTS:
        raise ValueError(
            f"--shots must be at least {LEAST_SHOTS}: of two examples, nothing tells which is mislabelled"
        )
    protocol = protocol_of(options, options.shots)
    initialization = find(options.initialization)
    found = mislabelled(initialization, classes_of(initialization, options), protocol, progress=True)
    _tell(f"{initialization.name} on {options.dataset} {options.split}", protocol, found)
    if options.json:
        tasks = asdict(protocol)
        del tasks["strangers"]
        facts = {"initialization": initialization.name, "version": initialization.version}
        facts |= {"dataset": options.dataset, "split": options.split}
        write_output(options.json, json.dumps(facts | tasks | asdict(found), indent=2) + "\n")


def _tell(what: str, protocol: Protocol, found: Mislabelled) -> None:
    print(
        f"{what}, {protocol.describe()}, {protocol.episodes} episodes, seed {protocol.seed}, "
        "one wrong label in each:"
    )
    print(f"the mislabelled example is doubtful in {_percent(found.found, 1)} of the tasks")
    print(f"it is the least probable of all in {_percent(found.least_probable, 1)}")
    print(
        f"of the other examples, {_percent(found.sound_doubted, 2)} are doubtful; "
        f"without a wrong label, {_percent(found.doubted_as_drawn, 2)}"
    )
    gain = found.gain_of_mending
    print(
        f"accuracy {_percent(found.accuracy_mislabelled, 2)}; with the example in its own class "
        f"{_percent(found.accuracy_mended, 2)} ({100 * gain.mean:+.2f} ± {100 * gain.interval_95:.2f} points); "
        f"with another of the class in its place {_percent(found.accuracy_as_drawn, 2)}"
    )


def _percent(share: Mean, digits: int) -> str:
    return f"{100 * share.mean:.{digits}f} ± {100 * share.interval_95:.{digits}f} %"
