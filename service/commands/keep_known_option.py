"""The option ``--keep-known`` of commands that query classifiers."""

import argparse


def add_keep_known(parser: argparse.ArgumentParser) -> None:
    """Declare it, None by default; ``service.uploads.keep_known`` checks it, here or on the server."""
    parser.add_argument(
        "--keep-known",
        type=float,
        metavar="SHARE",
        help="share of images of known classes to accept as known, 0.5 to 0.999 (default: 0.95)",
    )
