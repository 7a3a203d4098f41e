"""Sources of randomness for the images of a batch: one stream for all, or one for each image."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.hashed_noise import uniform


class Draws(Protocol):
    """Independent random numbers for the images of a batch, or for groups of them."""

    def evenly(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` evenly from 0 to 1."""

    def normally(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` of mean 0 and standard deviation 1."""


class SharedDraws:
    """Draws for all images from one generator: an image's numbers depend on its position in the batch."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def evenly(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` evenly from 0 to 1."""
        return torch.rand(numbers, images, generator=self._generator).T

    def normally(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` of mean 0 and standard deviation 1."""
        return torch.randn(images, numbers, generator=self._generator)


class OwnDraws:
    """Draws for each image by its own key, whatever else is in the batch."""

    def __init__(self, told_by: NDArray[np.int64]) -> None:
        """Take each image's key ``[B, k]``: for example the seed, its place in the data set and the view."""
        seeds = (uniform(told_by, 1)[:, 0] * 2**53).astype(np.int64)
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds.tolist()]

    def evenly(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` evenly from 0 to 1."""
        return torch.stack([torch.rand(numbers, generator=one) for one in self._of(images)])

    def normally(self, images: int, numbers: int) -> Tensor:
        """Draw ``[images, numbers]`` of mean 0 and standard deviation 1."""
        return torch.stack([torch.randn(numbers, generator=one) for one in self._of(images)])

    def _of(self, images: int) -> list[torch.Generator]:
        if images != len(self._generators):
            raise ValueError(f"these draws are for {len(self._generators)} images, not {images}")
        return self._generators
