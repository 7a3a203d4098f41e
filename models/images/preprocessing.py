"""From a decoded image to the learner's input tensor; the settings are recorded in each initialization."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.images.framing import frame
from models.images.ink import Ink, find_ink
from models.kernels.native.drawing import MOST, draw

_MOST_MARGIN = 5  # in sides of the ink; inside a wider margin, a drawing would be too small to recognise
_REDUCING_GAP = 4.0  # times its output an image may be large: of larger ones, whole blocks are averaged first
_WORKING_SIDE = MOST  # pixels: enough to find thin strokes in a photograph of a sheet, yet cheap


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes a tensor.

    Attributes:
        kind: ``drawing`` finds the ink (1 on 0, whatever the polarity, see ``models.images.ink``) and, with
            ``margin``, frames it; ``photo`` keeps the colours and takes the central square.
        side: of the square output, in pixels.
        channels: 1 for drawings, 3 for photos.
        margin: for drawings only: empty border around the ink, as a fraction of its longer side, or None to
            keep the drawing where it lies on the sheet.
        mean: one number a channel, subtracted from values in 0..1.
        std: one number a channel, by which the difference is divided.
    """

    kind: Literal["drawing", "photo"]
    side: int
    channels: int
    margin: float | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for settings that do not fit together."""
        if self.kind not in ("drawing", "photo"):
            raise ValueError(f"preprocessing kind must be drawing or photo, not {self.kind!r}")
        if self.channels != (1 if self.kind == "drawing" else 3):
            raise ValueError(f"{self.kind} preprocessing cannot give {self.channels} channels")
        if not 8 <= self.side <= 512:
            raise ValueError(f"side must be 8 to 512 pixels, not {self.side}")
        if self.margin is not None and not 0 <= self.margin <= _MOST_MARGIN:
            raise ValueError(f"margin must be 0 to {_MOST_MARGIN}, or null, not {self.margin}")
        numbers = all(isinstance(one, int | float) for one in (*self.mean, *self.std))
        if not numbers or {len(self.mean), len(self.std)} != {self.channels} or min(self.std) <= 0:
            raise ValueError("mean and std need one number a channel, and std must be positive")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from what ``as_dict`` returned (JSON turns tuples into lists)."""
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**fields)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    def __call__(self, image: Image.Image) -> Tensor:
        """Turn one image into a float32 tensor ``[channels, side, side]``."""
        return self.normalise(self.levels(image))

    def many(self, images: Iterable[Image.Image]) -> Tensor:
        """Turn images into ``[B, channels, side, side]``, each as if alone; one at a time is in full size."""
        if self.kind == "photo":
            return self.normalise(torch.stack([_photo(image, self.side) for image in images]))
        return self.normalise(_drawings([_gray(image, self.margin) for image in images], self.side, self.margin))

    def levels(self, image: Image.Image) -> Tensor:
        """Turn one image into 8-bit levels ``[channels, side, side]``, as data sets keep it in memory."""
        if self.kind == "photo":
            return _photo(image, self.side)
        return _drawings([_gray(image, self.margin)], self.side, self.margin)[0]

    def normalise(self, levels: Tensor) -> Tensor:
        """Turn 8-bit levels, or floats in 0..1, ``[..., channels, side, side]`` into the learner's input."""
        values = levels.float() / 255 if levels.dtype == torch.uint8 else levels
        mean, std = (constant.to(values) for constant in self._mean_and_std)
        return (values - mean) / std

    @cached_property
    def _mean_and_std(self) -> tuple[Tensor, Tensor]:
        mean, std = (torch.tensor(one, dtype=torch.float64)[:, None, None] for one in (self.mean, self.std))
        return mean, std


def _gray(image: Image.Image, margin: float | None) -> Image.Image:
    gray = image if image.mode == "L" else image.convert("L")
    if margin is not None and max(gray.size) > _WORKING_SIDE:
        gray = _near_ink(gray)
    return _reduced(gray)


def _drawings(grays: Sequence[Image.Image], side: int, margin: float | None) -> Tensor:
    """Levels ``[B, 1, side, side]``."""
    drawn = draw([np.asarray(gray) for gray in grays], side, margin)
    each = [
        _any_drawing(gray, side, margin) if levels is None else levels
        for gray, levels in zip(grays, drawn, strict=True)
    ]
    return torch.from_numpy(np.stack(each))[:, None]


def _any_drawing(gray: Image.Image, side: int, margin: float | None) -> NDArray[np.uint8]:
    """Levels ``[side, side]`` of a drawing that the C function leaves, which takes only those on even paper."""
    ink = find_ink(gray)
    height, width = ink.levels.shape
    centre, extent = (height / 2, width / 2), float(max(height, width))
    if margin is not None and ink.levels.any():
        top, bottom, left, right = _bounds(ink)
        centre = ((top + bottom) / 2, (left + right) / 2)
        # A dot must not be blown up to the size of a letter.
        longer = max(float(bottom - top), float(right - left), 0.15 * min(height, width))
        extent = longer * (1 + 2 * margin)
    framed = Image.fromarray(frame(ink.levels, centre, extent, _WORKING_SIDE))
    return np.array(framed.resize((side, side), Image.Resampling.BOX))


def _reduced(gray: Image.Image) -> Image.Image:
    if max(gray.size) > _WORKING_SIDE:
        gray = gray.copy()
        gray.thumbnail((_WORKING_SIDE, _WORKING_SIDE), Image.Resampling.BOX)
    return gray


def _bounds(ink: Ink) -> tuple[int, int, int, int]:
    """Top, bottom, left and right edge of the strokes, in pixels; the second of each pair is exclusive."""
    rows, columns = (ink.strokes.any(axis=axis).nonzero()[0] for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _near_ink(gray: Image.Image) -> Image.Image:
    """Cut a large image down to the neighbourhood of its ink, so that a small drawing keeps its detail."""
    ink = find_ink(_reduced(gray))
    if not ink.levels.any():
        return gray
    scale = max(gray.size) / max(ink.levels.shape)
    top, bottom, left, right = (scale * edge for edge in _bounds(ink))
    # Room to estimate the background: most of the crop must still be paper.
    room = 0.5 * max(bottom - top, right - left, 0.15 * min(gray.size))
    box = (int(left - room), int(top - room), int(right + room) + 1, int(bottom + room) + 1)
    width, height = gray.size
    return gray.crop((max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)))


def _photo(image: Image.Image, side: int) -> Tensor:
    colour = image.convert("RGB")
    width, height = colour.size
    shorter = min(width, height)
    left, top = (width - shorter) / 2, (height - shorter) / 2
    box = (left, top, left + shorter, top + shorter)
    pixels = np.array(colour.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=_REDUCING_GAP))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
