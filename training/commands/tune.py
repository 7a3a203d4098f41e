"""``python -m training tune RECIPE``: search a learner's hyper-parameters on validation tasks."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.images.preprocessing import Preprocessing
from training.commands.outputs import check_folder
from training.commands.run_options import add_run_options, set_up_torch
from training.held_folder import held
from training.measures.assessment import REPORT_SEED
from training.outer.processes import choose_device
from training.recipe import Data, Recipe, RecipeError
from training.recipe_reading import read_recipe, read_values
from training.run.measurable import check_measurable
from training.run.run_classes import RunClasses, load_classes
from training.tuning.defaults import default_space
from training.tuning.outcome import BEST, PICTURE, TABLE, describe, draw, write_outcome
from training.tuning.search import Search, TimeIsUp
from training.tuning.space import Space
from training.tuning.study import Study, file_faults_told

_MOST_SEED = 2**31 - 1  # numpy, which draws the values, takes 32-bit seeds; each trial adds its number


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("tune", help="search hyper-parameters on validation tasks")
    add_run_options(parser)
    parser.add_argument("--out", type=Path, help="folder of the search (default: runs/<the recipe's name>-tune)")
    parser.add_argument("--resume", action="store_true", help="continue the search in --out")
    parser.add_argument(
        "--trials",
        type=int,
        default=20,
        help="trials in all, those of a resumed search included (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="stop at the first validation look after this time"
    )
    parser.add_argument(
        "--unpruned", type=int, default=5, help="trials that must end before any is pruned (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the values that are tried (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Search, and write ``best.yaml``, ``trials.csv`` and ``trials.svg`` to the search's folder.

    Raises:
        RecipeError: if an option or the recipe does not fit, or the search can't be begun or resumed there.
        HeldError: if another process searches there.
    """
    set_up_torch(options)
    if options.trials < 1:
        raise RecipeError("--trials must be at least 1")
    if options.unpruned < 0:
        raise RecipeError(f"--unpruned must be at least 0, not {options.unpruned}")
    if options.timeout is not None and not options.timeout >= 0:  # written so that NaN is refused, too
        raise RecipeError(f"--timeout must be at least 0 seconds, not {options.timeout:g}")
    if not 0 <= options.seed <= _MOST_SEED:
        raise RecipeError(f"--seed must be 0 to {_MOST_SEED}, not {options.seed}")
    recipe, values = read_recipe(options.recipe, options.set), read_values(options.recipe, options.set)
    space = Space.read(values.pop("tune", default_space(recipe)))
    space.check(values)
    out = options.out or Path("runs") / f"{recipe.name}-tune"
    check_folder(out)

    @lru_cache(maxsize=1)
    def loaded(data: Data, preprocessing: Preprocessing) -> RunClasses:
        return load_classes(data, preprocessing, data_dir=options.data_dir, download=options.download)

    def classes(of: Recipe) -> RunClasses:
        return loaded(of.data, of.build_preprocessing())

    # Before a study begins: no file of one is written if data are missing or trials could not be measured.
    check_measurable(recipe, classes(recipe).training, classes(recipe).validation)
    with held(out, made=not options.resume), file_faults_told(out):
        _search(classes, recipe, space, values, out, options)


def _search(
    classes: Callable[[Recipe], RunClasses],
    recipe: Recipe,
    space: Space,
    values: dict[str, Any],
    out: Path,
    options: argparse.Namespace,
) -> None:
    study = Study.open(out, values, space, resume=options.resume, seed=options.seed, unpruned=options.unpruned)
    print(
        f"searching {', '.join(space.distributions)} on {recipe.validation.episodes} validation tasks (seed "
        f"{recipe.validation.seed}), {len(study.done)} of {options.trials} trials done; in {out}"
    )

    def on_end(number: int) -> None:
        print(describe(number, study.done[number], study))
        write_outcome(study, out)

    until = None if options.timeout is None else time.monotonic() + options.timeout
    search = Search(classes, out, choose_device(options.device), options.memory_mb << 20, until)
    try:
        search.run(study, options.trials, on_end)
    except (KeyboardInterrupt, TimeIsUp) as stop:
        print(
            f"\nstopped with {len(study.done)} of {options.trials} trials done; continue with --resume",
            file=sys.stderr,
        )
        if isinstance(stop, KeyboardInterrupt):
            raise
    _tell_best(study, search, out, options)


def _tell_best(study: Study, search: Search, out: Path, options: argparse.Namespace) -> None:
    if study.best is None:
        print("no trial has ended yet")
        return
    number, trial = study.best
    tasks = study.recipe(trial).validation
    going_on = ["train", str(out / BEST), "--out", str(search.folder(number)), "--resume"]
    if options.data_dir is not None:
        going_on += ["--data-dir", str(options.data_dir)]
    if options.download:
        going_on.append("--download")
    print(
        f"best is {describe(number, trial, study)}\n"
        f"measured on the {tasks.episodes} validation tasks that chose it, and so on the high side; a run's card "
        f"reports other tasks (seed {REPORT_SEED}), and no test class was looked at\n"
        f"table in {out / TABLE}{', picture in ' + str(out / PICTURE) if draw(study, out) else ''}\n"
        f"its run as it stands: python -m training {shlex.join(going_on)}"
    )
