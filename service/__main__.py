"""``python -m service``: serve, classify, teach and score."""

import argparse
import os
import sys

from service.client import ServiceError
from service.commands import classify, score, serve, teach
from service.commands.folders import FolderError
from service.problems import Problem
from service.settings import SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the user's is one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (serve, classify, teach, score):
        command.add(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except (FolderError, Problem, ServiceError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads the output, `head` for example, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush, at exit
        return 141
    except OSError as error:  # of a file that the user named
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
