"""The command line: reads it, runs the command, and tells users of their errors."""

import argparse
import io
import os
import sys

from safetensors import SafetensorError

from training.commands import (
    auto,
    calibrate,
    compare,
    curves,
    ensemble,
    evaluate,
    list_algorithms,
    listing,
    looks,
    mislabelled,
    mistakes,
    publish,
    race,
    search,
    train,
    tune,
)


def run(arguments: list[str] | None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; None for those of this process.

    Returns:
        The exit status: 2 after a user's error, told on stderr; 141 if its output's reader is gone.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Make initializations, and measure, compare and publish them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = (train, search, tune, ensemble, publish, listing, list_algorithms)
    for command in (*made, evaluate, calibrate, auto, curves, looks, mistakes, mislabelled, compare, race):
        command.add(commands)
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # class names need not be valid UTF-8
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as a closed one is
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for the last flush, at exit
        return 141
    # RecipeError, DataError, CheckpointError and all others that tell the user what to do are ValueErrors.
    except (ValueError, OSError, SafetensorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
