"""Ends a working process whose launcher is gone, so that a killed server leaves no orphan on its port."""

import os
import threading
import time

LAUNCHER = "SERVICE_LAUNCHER_PID"  # no setting, or it would begin with METASHOT_
_LOOK_S = 0.3


def name_launcher() -> None:
    """Let the working processes that this one starts know that it is their launcher."""
    os.environ[LAUNCHER] = str(os.getpid())


def end_with_launcher() -> None:
    """Watch this process's parent, the launcher, which starts working processes and restarts those that end.

    Once it is gone, or if the one that the environment names is gone already, the process exits at once, without
    clean-up: store and jobs can stand that. Process 1 needs no watch, as its container ends with it.
    """
    parent, named = os.getppid(), os.environ.get(LAUNCHER)
    if named is not None and int(named) != parent and not _is_there(int(named)):
        os._exit(1)
    if parent != 1:
        threading.Thread(target=_watch, args=(parent,), name="launcher", daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_LOOK_S)
    os._exit(1)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        pass
    return True
