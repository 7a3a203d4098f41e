"""Side-by-side measurements: each row and its baseline take turns in one process."""

import models  # noqa: F401 - first, so that torchvision and learn2learn can be imported beside a CPU torch
