"""``python -m training publish INIT --name NAME``: into the BentoML model store."""

import argparse
from pathlib import Path
from typing import Any

from models.initialization import CARD, WEIGHTS, load


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("publish", help="put an initialization into the BentoML model store")
    parser.add_argument("initialization", type=Path, help="its folder")
    parser.add_argument("--name", required=True, help="as users of the service will ask for it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Verify the folder, then copy it into the store under its version."""
    import bentoml

    initialization = load(options.initialization)
    labels = {"metashot": "initialization"}
    metadata = {"version": initialization.version, "evaluation": initialization.card.get("evaluation", [])}
    with bentoml.models.create(
        f"{options.name}:{initialization.version}", labels=labels, metadata=metadata
    ) as model:
        for file in (WEIGHTS, CARD):
            Path(model.path_of(file)).write_bytes((options.initialization / file).read_bytes())
    print(f"published {model.tag}; a service started now offers it as {options.name}")
