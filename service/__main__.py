"""``python -m service``: serve, classify, teach and score."""

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status: 130 after Ctrl-C, even while modules are still being imported."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever began this process, as a shell does for ``>&-``
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    try:
        from service.commands.command_line import run

        return run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
