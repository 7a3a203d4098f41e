"""``python -m service serve``: run the service on this machine until Ctrl-C."""

import argparse
import os
import runpy
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from service.settings import Settings, SettingsError

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
STOP_S = 6  # after which a stop no longer waits for open answers: a caller who reads no further would prevent it


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    parser = commands.add_parser("serve", help="start the service and its page")
    parser.add_argument(
        "--port", type=_port, help="port to listen on (default: PORT from the environment, or 3000)"
    )
    parser.add_argument(
        "--data-dir", type=Path, help="folder of its state (default: DATA_DIR from the environment, or var/)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Check the settings, then become ``bentoml serve``."""
    # These names take precedence over PORT and DATA_DIR.
    if options.port is not None:
        os.environ["METASHOT_PORT"] = str(options.port)
    if options.data_dir is not None:
        os.environ["METASHOT_DATA_DIR"] = str(options.data_dir)
    settings = Settings.from_environment()
    _check_port(settings.port)
    from service.store.database import Database  # here, as it takes long to import

    Database(settings.data_dir).close()  # fails here with a message; the worker would only show a traceback
    # For the worker process, which runs in the project's folder.
    os.environ["METASHOT_DATA_DIR"] = str(settings.data_dir.resolve())
    os.environ["BENTOML_DO_NOT_TRACK"] = "true"
    _check_home_of_bentoml()
    address = f"http://{HOST}:{settings.port}"
    threading.Thread(target=_announce, args=(address,), daemon=True).start()
    options_of_server = ["--host", HOST, "--port", str(settings.port), "--working-dir", str(ROOT)]
    options_of_server += ["--timeout-graceful-shutdown", str(STOP_S)]
    sys.argv = ["bentoml", "serve", "service.bento:Metashot", *options_of_server]
    runpy.run_module("bentoml", run_name="__main__", alter_sys=True)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not within 1 to 65535")
    return int(text)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            remedy = "choose another by --port, or for make by PORT="
            raise SettingsError(f"port {port} is not free ({error.strerror}); {remedy}") from None


def _check_home_of_bentoml() -> None:
    from bentoml._internal.configuration.containers import BentoMLContainer

    try:
        BentoMLContainer.bentoml_home.get()  # makes it if there is none
    except OSError as error:
        remedy = "name one that can be written to by BENTOML_HOME"
        raise SettingsError(f"BentoML cannot make its folder ({error}); {remedy}") from None


def _announce(address: str) -> None:
    warned = False
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with direct.open(f"{address}/readyz", timeout=2):
                print(f"\nMetashot is ready on {address}  (Ctrl-C stops it)\n", flush=True)
                return
        except urllib.error.HTTPError as error:
            if error.code == 503 and not warned:
                warned = True
                hint = "publish one, or put its folder under DATA_DIR/initializations, and start again"
                print(f"{address} answers, but offers no initialization: {hint}", file=sys.stderr, flush=True)
        except OSError:
            pass
        time.sleep(0.2)
