"""Shared by all tests."""

import models  # noqa: F401 - first, so that torchvision and learn2learn can be imported beside a CPU torch
