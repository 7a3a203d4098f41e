"""Measures which initialization ``auto`` chooses for tasks of a data set, whose images may be shown changed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor

from models.choice import choose
from models.images.preprocessing import Preprocessing
from models.initialization import Initialization
from training.datasets.class_images import ClassImages
from training.measures.evaluation import sampler_of
from training.measures.measured import Protocol

Look = Literal["as-is", "grey", "coloured", "framed"]
LOOKS: tuple[Look, ...] = ("as-is", "grey", "coloured", "framed")


def whole_images(side: int) -> Preprocessing:
    """Keep images as they are, in colour, ``side`` pixels square."""
    return Preprocessing("photo", side, 3, mean=(0.0,) * 3, std=(1.0,) * 3)


def measure_choices(
    candidates: Mapping[str, Initialization], classes: ClassImages, protocol: Protocol, look: Look
) -> dict[str, float]:
    """Choose for each task's support set, and count the choices.

    Args:
        candidates: the initializations to choose among, by unique names (see ``called``).
        classes: images as ``whole_images`` keeps them.
        protocol: of the tasks; their queries are ignored.
        look: how the images are shown: ``as-is``; ``grey``, without colours; ``coloured``, drawn in one colour on
            paper of another; or ``framed``, as an oval on a white sheet, as shops show their goods.

    Returns:
        The share of the tasks for which each candidate was chosen, by name.

    Raises:
        DataError: if classes or images do not suffice for the tasks.
    """
    sampler = sampler_of(classes, replace(protocol, queries=1))
    chosen: Counter[int] = Counter()
    for number in range(protocol.episodes):
        support = sampler.episodes([number]).support
        generator = np.random.default_rng((protocol.seed, number))
        images = [_CHANGES[look](_image(levels), generator) for levels in support.images[0]]
        labels = [str(label) for label in support.labels[0].tolist()]
        chosen[id(choose(list(candidates.values()), labels, images.__getitem__))] += 1
    return {name: chosen[id(one)] / protocol.episodes for name, one in candidates.items()}


def called(candidates: Sequence[Initialization]) -> dict[str, Initialization]:
    """Give candidates unique names: each its own, followed by its version if several share the name.

    Raises:
        ValueError: if one is given twice.
    """
    names = Counter(one.name for one in candidates)
    found = {one.name if names[one.name] == 1 else f"{one.name} {one.version}": one for one in candidates}
    if len(found) < len(candidates):
        twice = next(one for one in candidates if names[one.name] > 1)
        raise ValueError(f"{twice.name} {twice.version} is given twice: its tasks cannot be told apart")
    return found


def _image(levels: Tensor) -> Image.Image:
    return Image.fromarray((levels * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def _as_is(image: Image.Image, _: Generator) -> Image.Image:
    return image


def _grey(image: Image.Image, _: Generator) -> Image.Image:
    return image.convert("L")


def _coloured(image: Image.Image, generator: Generator) -> Image.Image:
    """Redraw a black on white image in a random dark colour on randomly coloured light paper."""
    ink, paper = generator.uniform(0, 0.6, 3), generator.uniform(0.75, 1, 3)
    white = np.asarray(image.convert("L"), dtype=np.float64)[..., None] / 255
    return Image.fromarray(np.round(255 * (paper * white + ink * (1 - white))).astype(np.uint8))


def _framed(image: Image.Image, generator: Generator) -> Image.Image:
    side = image.width
    inner = int(generator.integers(round(0.4 * side), round(0.7 * side)))
    rows, columns = np.mgrid[-1 : 1 : inner * 1j, -1 : 1 : inner * 1j]
    oval = Image.fromarray((255 * (rows**2 + columns**2 < 1)).astype(np.uint8))
    sheet = Image.new("RGB", (side, side), (255, 255, 255))
    sheet.paste(image.convert("RGB").resize((inner, inner)), ((side - inner) // 2,) * 2, oval)
    return sheet


_CHANGES: dict[Look, Callable[[Image.Image, Generator], Image.Image]] = {
    "as-is": _as_is,
    "grey": _grey,
    "coloured": _coloured,
    "framed": _framed,
}
