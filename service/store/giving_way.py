"""Between one change and the next, room for those of others."""

import time


def give_way(since: float) -> None:
    """Wait as long as a change took that began at ``since`` (monotonic seconds).

    SQLite gives no turns: whoever waits for its lock only tries again, every 0.1 s.
    """
    time.sleep(time.monotonic() - since)
