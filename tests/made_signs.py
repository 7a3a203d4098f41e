"""Signs that someone drew with a pen on a sheet of paper, made for the tests."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

HIGH, WIDE = 300, 400


def sign(seed: int) -> NDArray[np.float64]:
    """A sign of two lines of pen, 1 on ink, well inside the sheet."""
    sheet = Image.new("L", (WIDE, HIGH))
    made = np.random.default_rng(seed)
    for _ in range(2):
        places = made.uniform((110, 70), (250, 230), (3, 2))
        ImageDraw.Draw(sheet).line([tuple(place) for place in places], fill=255, width=10, joint="curve")
    return np.asarray(sheet.filter(ImageFilter.GaussianBlur(1.5)), dtype=float) / 255
