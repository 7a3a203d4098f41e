"""The option ``--keep-known`` of commands that ask classifiers."""

import argparse

from models.confidence import KEEP_KNOWN


def add_keep_known(parser: argparse.ArgumentParser) -> None:
    """Declare it; ``service.uploads.keep_known`` checks what is given."""
    parser.add_argument(
        "--keep-known",
        type=float,
        default=KEEP_KNOWN,
        metavar="SHARE",
        help="of images of known classes to be told known (default: %(default)s)",
    )
