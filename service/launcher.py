"""Ends a working process whose launcher is gone, so that a killed server leaves no orphan on its port."""

import os
import threading
import time

_LOOK_S = 0.3


def end_with_launcher() -> None:
    """Watch this process's parent, the launcher, which starts working processes and restarts those that end.

    Once it is gone, the process exits at once, without clean-up: store and jobs can stand that. Process 1 needs
    no watch, as its container ends with it.
    """
    launcher = os.getppid()
    if launcher != 1:
        threading.Thread(target=_watch, args=(launcher,), name="launcher", daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_LOOK_S)
    os._exit(1)
