"""``python -m service``: serve, classify, teach and score."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; after Ctrl-C, which may come while its parts are imported, the exit status is 130."""
    try:
        from service.commands.command_line import run

        return run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
