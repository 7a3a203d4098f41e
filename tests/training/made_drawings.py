"""Makes small trees of drawings for tests."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def drawing(seed, size=(24, 24)):
    """A few dark strokes on white, other ones for each seed."""
    image = Image.new("L", size, 255)
    points = np.random.default_rng(seed).integers(2, min(size) - 2, (4, 2))
    ImageDraw.Draw(image).line([tuple(map(int, point)) for point in points], fill=0, width=2)
    return image


def write_class(folder: Path, count, first_seed=0, suffix=".png"):
    """Save drawings into one class folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        drawing(first_seed + index).save(folder / f"{index:02}{suffix}")
