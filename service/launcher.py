"""Ends a working process whose launcher is gone, so that a killed server leaves no orphan on its port."""

import os
import threading
import time

LAUNCHER = "SERVICE_LAUNCHER_PID"
_LOOK_S = 0.3


def end_with_launcher() -> None:
    """Watch the launcher that the environment names, if this process is its child.

    Once the launcher is gone, the process exits at once, without clean-up: store and jobs can stand that.
    """
    launcher = os.environ.get(LAUNCHER)
    if launcher is not None and os.getppid() == int(launcher):
        threading.Thread(target=_watch, args=(int(launcher),), name="launcher", daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_LOOK_S)
    os._exit(1)
