"""``python -m training publish INIT --name NAME``: into the BentoML model store."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.choice import AUTO
from models.initialization import CARD, WEIGHTS, load
from models.published import LABELS
from training.run.named import folder_of


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("publish", help="put an initialization into the BentoML model store")
    parser.add_argument("initialization", help="a folder, or the name of a shipped one")
    parser.add_argument("--name", required=True, help="as users of the service will ask for it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Verify the folder, then copy it into the store under its version, in place of the same one there.

    Raises:
        ValueError: where the store takes no such name, or nobody could ask for it by that.
    """
    if options.name.lower() == AUTO:  # the store's names are of lower case
        raise ValueError(f"--name {options.name}: by {AUTO!r} the service chooses among all; take another name")
    import bentoml
    from bentoml.exceptions import BentoMLException, NotFound

    folder = folder_of(options.initialization)
    initialization = load(folder)
    rows = initialization.card.get("evaluation", [])
    # The store takes no None, which rows have for strangers where the data have no further classes.
    told = [{key: value for key, value in row.items() if value is not None} for row in rows]
    metadata = {"version": initialization.version, "evaluation": told}
    tag = f"{options.name}:{initialization.version}"
    try:
        with bentoml.models.create(tag, labels=LABELS, metadata=metadata) as model:
            for file in (WEIGHTS, CARD):
                Path(model.path_of(file)).write_bytes((folder / file).read_bytes())
            # What is told beside may be new, and the latest published is what the name stands for. Not before the
            # copy is whole: it may be one of this very folder.
            with suppress(NotFound):
                bentoml.models.delete(tag)
    except BentoMLException as error:
        raise ValueError(
            f"the model store does not take it as {options.name!r} ({error}); --name is of letters, digits, '-', "
            "'_' and '.'"
        ) from error
    print(f"published {model.tag}; a service started now offers it as {model.tag.name}")
