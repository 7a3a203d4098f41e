"""Shared by all tests."""

import os
import signal

# Or else tests could work on the store that somebody uses, or by other limits than they expect.
for name in list(os.environ):
    if name in ("PORT", "DATA_DIR") or (name.startswith("METASHOT_") and name != "METASHOT_DATA"):
        del os.environ[name]

# A shell starts what runs in its background deaf to Ctrl-C, which tests send to themselves and to their commands.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where several processes run tests, threads of all of them would wait for each other's turn on the same cores.
if processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))

from models.torchvision_operators import declare_missing  # noqa: E402 - after the environment is as tests need it

declare_missing()  # before any test imports torchvision, or learn2learn, which imports it
