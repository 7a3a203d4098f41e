"""Side-by-side measurements: each row and its baseline take turns in one process."""

from models.torchvision_operators import declare_missing

declare_missing()  # learn2learn imports torchvision
