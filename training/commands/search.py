"""``python -m training search RECIPE``: find a structure that takes no more operations than the recipe's."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from training.commands.run_options import add_run_options
from training.commands.train import folder_of, prepared, run_or_tell
from training.held_folder import held
from training.outer.processes import choose_device, joined
from training.recipe_reading import as_yaml
from training.run.checkpoint import RECIPE
from training.run.run_classes import load_classes
from training.structure.chart import chart
from training.structure.found import write_found
from training.structure.search import Search
from training.whole_file import write_whole

PICTURE = "structure.svg"


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("search", help="search for a network structure on training tasks")
    add_run_options(parser)
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/<the recipe's name>-search)")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted search in --out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Search, and write the recipe found, the record of the choices and its picture to the run's folder.

    Raises:
        HeldError: if another process trains in that folder.
    """
    recipe = prepared(options)
    out = folder_of(options, f"{recipe.name}-search")
    training = load_classes(
        recipe.data, recipe.build_preprocessing(), data_dir=options.data_dir, download=options.download
    ).episodes
    device = choose_device(options.device)
    with joined(device.type) as processes, ExitStack() as stack:
        search = Search(recipe, training, out, device=device, processes=processes, memory=options.memory_mb << 20)
        if processes.is_first:
            stack.enter_context(held(out))
            folder_of(options, f"{recipe.name}-search")  # again: it may have changed until it was held
        if options.resume:
            search.resume()
        budget = search.backbone.operations
        if processes.is_first:
            write_whole(out / RECIPE, as_yaml(recipe.as_dict()))
            print(f"{len(training.classes)} training classes; at most {budget} operations an image; run in {out}")
        run_or_tell(search)
        if processes.is_first:
            found = search.found()
            write_whole(out / PICTURE, chart(f"{recipe.name}: the choices over the search", search.record))
            for number, stage in enumerate(found.stages, start=1):
                skip = "with" if stage.skip else "without"
                print(
                    f"stage {number}: {stage.kernel}x{stage.kernel}, {stage.width} channels in {stage.groups} "
                    f"groups, {skip} skip"
                )
            print(f"{found.operations} operations an image, {found.operations / budget:.1%} of the budget")
            print(f"recipe {write_found(recipe, found, budget, out)}")
