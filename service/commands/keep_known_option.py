"""The option ``--keep-known`` of commands that ask classifiers."""

import argparse


def add_keep_known(parser: argparse.ArgumentParser) -> None:
    """Declare it, None where it is not given; ``service.uploads.keep_known`` reads it, here or at the server."""
    parser.add_argument(
        "--keep-known",
        type=float,
        metavar="SHARE",
        help="of images of known classes to be told known, 0.5 to 0.999 (default: 0.95)",
    )
