"""The classes most often mistaken for each other, side by side, as an SVG that shows their images."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from training.charts.style import svg, text
from training.datasets.class_images import ClassImages
from training.measures.mistakes import MistakenPair
from training.printable import printable

_IMAGES = 6  # of each class
_SIDE, _GAP, _CAPTION, _MARGIN = 48, 6, 48, 20
_STRIP = _IMAGES * (_SIDE + _GAP)
_WIDTH, _ROW = 2 * _MARGIN + 2 * _STRIP + 30, _CAPTION + _SIDE + 10
_CHARACTERS = 48  # of a name that are shown above its images


def chart(title: str, pairs: Sequence[MistakenPair], classes: ClassImages, *, drawings: bool) -> str:
    """Show the first images of both classes of each pair; ``drawings``, stored as ink, appear dark on light."""
    height = 44 + len(pairs) * _ROW + _MARGIN
    parts = [text(_MARGIN, 26, title, kind="head")]
    for number, pair in enumerate(pairs):
        top = 44 + number * _ROW
        share = f"{100 * pair.share:.0f} % of {pair.asked} mistaken"
        parts.append(text(_MARGIN, top + 20, share, kind="soft"))
        for place, name in enumerate((pair.first, pair.second)):
            left = _MARGIN + place * (_STRIP + 30)
            parts.append(text(left, top + 38, _short(printable(name)), tip=name))
            images = classes.of_class(classes.classes.index(name))[:_IMAGES]
            for index, image in enumerate(images):
                parts.append(
                    f'<image x="{left + index * (_SIDE + _GAP)}" y="{top + _CAPTION}" width="{_SIDE}" '
                    f'height="{_SIDE}" href="{_embedded(image, drawings=drawings)}"/>'
                )
    return svg(_WIDTH, height, title, parts)


def _short(name: str) -> str:
    """Shorten a name so that two fit side by side: the end of a long name identifies it better than its start."""
    return name if len(name) <= _CHARACTERS else f"…{name[1 - _CHARACTERS :]}"


def _embedded(image: Tensor, *, drawings: bool) -> str:
    """Encode levels ``[C, side, side]`` as a PNG within a data URL."""
    levels = image.permute(1, 2, 0).numpy()
    levels = np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels
    png = io.BytesIO()
    Image.fromarray(255 - levels if drawings else levels).save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
