"""``python -m service``: serve, classify without a server, score batches."""

import argparse
import importlib
import sys

COMMANDS = {
    "serve": "start the service on http://127.0.0.1:PORT (PORT=3000, DATA_DIR=var)",
    "classify": "classify a folder of images by a folder of examples, without a server",
    "score": "score many images with a kept classifier of a running service",
}


def main() -> None:
    """Run the command that is named, importing no other's needs."""
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    chosen = next((argument for argument in sys.argv[1:] if argument in COMMANDS), None)
    for name, purpose in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=purpose, description=purpose)
        if name == chosen:
            command = importlib.import_module(f"service.commands.{name}")
            command.add_arguments(subparser)
    arguments = parser.parse_args()
    from service.client import ClientError
    from service.commands.image_folders import NoImages
    from service.problems import Problem
    from service.settings import SettingsError

    try:
        command.run(arguments)
    except (ClientError, NoImages, Problem, SettingsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


main()
