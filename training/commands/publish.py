"""``python -m training publish INIT --name NAME``: put an initialization into the BentoML model store."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.choice import AUTO
from models.initialization import CARD, WEIGHTS, load, shipped
from models.published import LABELS
from training.run.named import folder_of


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("publish", help="put an initialization into the BentoML model store")
    parser.add_argument("initialization", help="a folder, or the name of a shipped one")
    parser.add_argument("--name", required=True, help="name by which requests to the service choose it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Verify the folder, then copy it into the store under its version, replacing that version if it is there.

    Raises:
        ValueError: if the store does not accept the name, or by that name requests would get something else.
    """
    name = options.name.lower()  # as in the store
    if name == AUTO:
        raise ValueError(f"--name {options.name}: by {AUTO!r} the service chooses among all; take another name")
    if name in shipped():
        raise ValueError(f"--name {options.name}: an initialization of that name is shipped; take another name")
    import bentoml
    from bentoml.exceptions import BentoMLException, NotFound

    folder = folder_of(options.initialization)
    initialization = load(folder)
    rows = initialization.card.get("evaluation", [])
    # The store takes no None, which a row holds under `unknown` if the data have no classes outside its tasks.
    told = [{key: value for key, value in row.items() if value is not None} for row in rows]
    metadata = {"version": initialization.version, "evaluation": told}
    tag = f"{options.name}:{initialization.version}"
    try:
        with bentoml.models.create(tag, labels=LABELS, metadata=metadata) as model:
            for file in (WEIGHTS, CARD):
                Path(model.path_of(file)).write_bytes((folder / file).read_bytes())
            # Replaced even if it is the same version: its metadata may be new, and the name stands for what was
            # published last. Only now that the copy is complete, as it may have been made from this very entry.
            with suppress(NotFound):
                bentoml.models.delete(tag)
    except BentoMLException as error:
        raise ValueError(
            f"the model store does not take it as {options.name!r} ({error}); --name is of letters, digits, '-', "
            "'_' and '.'"
        ) from error
    print(f"published {model.tag}; a service started now offers it as {model.tag.name}")
