"""An endless supply of invented handwriting: characters of made-up alphabets, drawn by many hands; needs no data.

It follows the idea of Lake et al. 2015 that a character is a programme of strokes and their joints, but uses none
of their data.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from models.images.preprocessing import Preprocessing
from training.datasets.class_images import ClassImages, DataError
from training.datasets.splits import SPLITS, Split
from training.datasets.stroke_hands import Drawn, draw
from training.datasets.stroke_programmes import CLASSES_PER_ALPHABET, Programme, programme
from training.datasets.stroke_rendering import render
from training.hashed_noise import Floats

CLASSES_PER_SPLIT = 10**9
_LEAST_EXTENT = 0.15  # of the sheet: the smallest extent that is framed, so that a dot stays a dot
_AT_ONCE = 128  # images; more would not fit into the processor's cache


def load(
    split: Split, preprocessing: Preprocessing, *, seed: int = 0, classes: int = 1000, examples: int = 20
) -> ClassImages:
    """Draw the first classes of a split; each split has a thousand million classes, none of them in another.

    Args:
        split: the split whose classes are drawn.
        preprocessing: for drawings; the images have the side and the frame that it would give them.
        seed: of all characters and hands.
        classes: number of classes, 2 to ``CLASSES_PER_SPLIT``.
        examples: images of each class, at least 2.

    Raises:
        DataError: if the preprocessing is for photos, or ``classes`` or ``examples`` is out of range.
    """
    if preprocessing.kind != "drawing":
        raise DataError(
            "strokes are drawings, not photos: they go with an initialization of drawings, or, in a recipe, with "
            "preprocessing kind: drawing, channels: 1"
        )
    if not (2 <= classes <= CLASSES_PER_SPLIT and examples >= 2):
        raise DataError(f"strokes need at least 2 classes and 2 examples, not {classes} and {examples}")
    first = SPLITS.index(split) * CLASSES_PER_SPLIT
    drawing = Strokes(seed, preprocessing.side, preprocessing.margin)
    return drawing.class_images(range(first, first + classes), examples)


class Strokes:
    """Draws any example of any character on demand: an image depends on seed, class and example alone."""

    def __init__(self, seed: int, side: int, margin: float | None = None) -> None:
        """Choose the characters and the form of the images.

        Args:
            seed: of all characters and hands.
            side: of the images, in pixels.
            margin: as in ``Preprocessing``: border of the frame around the ink; None for the whole sheet.
        """
        self._seed, self._side, self._margin = seed, side, margin
        self._programme = lru_cache(maxsize=4096)(self._invent)

    def images(self, classes: Sequence[int], examples: Sequence[int]) -> Tensor:
        """Draw example ``examples[b]`` of class ``classes[b]``.

        Returns:
            float32 ``[B, 1, side, side]``, ink 1 on background 0, in steps of 1 / 255.
        """
        parts = [
            self._drawn(classes[first : first + _AT_ONCE], examples[first : first + _AT_ONCE])
            for first in range(0, len(classes), _AT_ONCE)
        ]
        return torch.cat(parts)

    def class_images(self, classes: range, examples: int) -> ClassImages:
        """Draw the first ``examples`` examples of each of these classes; other ranges give other classes."""
        levels = self.images(
            [index for index in classes for _ in range(examples)], list(range(examples)) * len(classes)
        )
        places = [divmod(index, CLASSES_PER_ALPHABET) for index in classes]
        return ClassImages(
            images=(levels * 255).round_().to(torch.uint8),
            offsets=torch.arange(len(classes) + 1) * examples,
            classes=tuple(f"alphabet{alphabet:04}/character{place + 1:02}" for alphabet, place in places),
            groups=tuple(f"alphabet{alphabet:04}" for alphabet, _ in places),
        )

    def _invent(self, index: int) -> Programme:
        return programme(self._seed, index)

    def _drawn(self, classes: Sequence[int], examples: Sequence[int]) -> Tensor:
        drawn = draw(
            [self._programme(index) for index in classes],
            self._seed,
            np.array(classes, dtype=np.int64),
            np.array(examples, dtype=np.int64),
        )
        strokes, radius = self._in_pixels(drawn)
        ink = render(
            torch.from_numpy(strokes),
            torch.from_numpy(drawn.image),
            torch.from_numpy(radius[drawn.image]),
            len(classes),
            self._side,
        )
        return (ink * torch.from_numpy(drawn.ink).float()[:, None, None, None] * 255).round_() / 255

    def _in_pixels(self, drawn: Drawn) -> tuple[Floats, Floats]:
        """Strokes ``[S, POINTS, 2]`` and radii of pens ``[B]`` in pixels, framed as by ``Preprocessing``."""
        if self._margin is None:
            return drawn.strokes * self._side, drawn.radius * self._side
        starts = np.searchsorted(drawn.image, np.arange(len(drawn.radius)))
        low = np.minimum.reduceat(drawn.strokes.min(1), starts)  # [B, 2]
        high = np.maximum.reduceat(drawn.strokes.max(1), starts)
        longer = (high - low).max(1) + 2 * drawn.radius
        scale = self._side / (np.maximum(longer, _LEAST_EXTENT) * (1 + 2 * self._margin))
        centred = drawn.strokes - ((low + high) / 2)[drawn.image][:, None]
        return centred * scale[drawn.image][:, None, None] + self._side / 2, drawn.radius * scale
