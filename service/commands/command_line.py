"""The command line: reads it, runs the command, and reports errors in one line.

Commands import what takes long to import, above all torch, only when they run.
"""

import argparse
import contextlib
import io
import os
import sys

from service.client import ServiceError
from service.commands import classify, score, serve, teach
from service.commands.folders import NO_TEXT, FolderError
from service.commands.outputs import NO_ROOM
from service.commands.stopping import stopped_in_order
from service.computing.memory_errors import ImageMemoryError, memory_errors
from service.problems import Problem
from service.settings import SettingsError
from service.uploads.labels import one_line


def run(arguments: list[str] | None) -> int:
    """Run one command.

    Returns:
        The exit status: 2 after a user's error, told in one line on stderr; 141 if its output's reader is gone.

    Raises:
        KeyboardInterrupt: after Ctrl-C, and for commands other than ``serve`` also after SIGTERM or SIGHUP.
    """
    parser = argparse.ArgumentParser(
        prog="python -m service", description="Few-shot image classification: serve, classify, teach and score."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (serve, classify, teach, score):
        command.add(commands)
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if (empty := _empty(given)) is not None:
        parser.error(f"argument {empty}: is empty; is a variable of the shell not set?")
    for name, value in vars(options).items():
        if isinstance(value, str) and NO_TEXT.search(value):
            parser.error(f"argument --{name.replace('_', '-')}: {value!a} is no valid UTF-8; type it again")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal can show every name
    try:
        # The server handles signals by itself.
        with contextlib.nullcontext() if options.run is serve.run else stopped_in_order(), memory_errors():
            options.run(options)
        sys.stdout.flush()
    except (FolderError, Problem, ServiceError, SettingsError) as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as a closed one is
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # for the last flush, at exit
        return 141
    except OSError as error:  # from a file that the user named
        print(f"error: {_told_of_file(error)}", file=sys.stderr)
        return 2
    except ImageMemoryError as error:
        remedy = "free some, or make that image smaller, then give the same command again"
        print(f"error: memory has run out at {one_line(error.filename)}; {remedy}", file=sys.stderr)
        return 2
    except MemoryError:
        print("error: memory has run out; free some, then give the same command again", file=sys.stderr)
        return 2
    return 0


def _empty(arguments: list[str]) -> str | None:
    """Name the first option without a value: as a path, it would mean the current folder."""
    for before, one in zip(("", *arguments), arguments, strict=False):
        if one == "":
            return before
        option, is_given, value = one.partition("=")
        if one.startswith("--") and is_given and not value:
            return option
    return None


def _told_of_file(error: OSError) -> str:
    if error.errno not in NO_ROOM:
        return one_line(str(error))
    full = f"the disk of {one_line(os.fsdecode(error.filename))}" if error.filename else "the disk of the output"
    return f"{full} is full; make room, then give the same command again"


def _told(error: Exception) -> str:
    """Word an error in one line, with the file at fault if the sentence lacks it."""
    told, file = one_line(str(error)), one_line(error.file or "" if isinstance(error, Problem) else "")
    return told if file in told else f"{told} (file {file})"
