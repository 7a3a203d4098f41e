"""Options that several commands take."""

import argparse
from pathlib import Path

from service.client import DEFAULT_SERVER


def add_support(parser: argparse.ArgumentParser) -> None:
    """Declare the folder of labelled images."""
    parser.add_argument(
        "--support", type=Path, required=True, help="folder of labelled images, with a subfolder for each class"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare the initialization, ``auto`` by default."""
    parser.add_argument(
        "--model", default="auto", help="name of an initialization, or auto to choose one (default: auto)"
    )


def add_server(parser: argparse.ArgumentParser) -> None:
    """Declare the address of the service."""
    parser.add_argument(
        "--server", default=DEFAULT_SERVER, help=f"address of the service (default: {DEFAULT_SERVER})"
    )


def add_keep_known(parser: argparse.ArgumentParser) -> None:
    """Declare it, None by default; ``service.uploads.keep_known`` checks it, here or on the server."""
    parser.add_argument(
        "--keep-known",
        type=float,
        metavar="SHARE",
        help="share of images of known classes to accept as known, 0.5 to 0.999 (default: 0.95)",
    )
