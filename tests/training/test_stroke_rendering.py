"""The renderer's distance fields, against a naive one that looks at every pixel and every piece."""

import math
from itertools import pairwise

import torch

from training.datasets.stroke_rendering import render


def naive(strokes, image, radius, count, side):
    """Ink by the definition: a pixel's distance to the nearest piece of any stroke of its image."""
    canvas = torch.zeros(count, 1, side, side, dtype=torch.float64)
    for points, index, pen in zip(strokes.double().tolist(), image.tolist(), radius.tolist(), strict=True):
        for (x0, y0), (x1, y1) in pairwise(points):
            length = (x1 - x0) ** 2 + (y1 - y0) ** 2
            for row in range(side):
                for column in range(side):
                    x, y = column + 0.5 - x0, row + 0.5 - y0
                    part = min(max((x * (x1 - x0) + y * (y1 - y0)) / length, 0), 1) if length > 0 else 0
                    distance = math.hypot(x - part * (x1 - x0), y - part * (y1 - y0))
                    ink = min(max(pen + 0.5 - distance, 0), 1, 2 * pen)
                    canvas[index, 0, row, column] = max(canvas[index, 0, row, column], ink)
    return canvas


def test_equals_the_definition_also_over_the_border():
    generator = torch.Generator().manual_seed(0)
    strokes = torch.rand(5, 6, 2, generator=generator) * 16 - 2
    strokes[4] = 6.3  # a dot, all points in one place
    image, radius = torch.tensor([0, 0, 1, 2, 2]), torch.tensor([0.8, 0.3, 1.4, 0.5, 1.0])
    drawn = render(strokes, image, radius, 4, 12)
    assert drawn.shape == (4, 1, 12, 12)
    assert torch.allclose(drawn.double(), naive(strokes, image, radius, 4, 12), atol=1e-5)
    assert drawn[3].abs().sum() == 0


def test_a_level_line_covers_what_its_width_says():
    line = torch.stack([torch.linspace(4, 16, 7), torch.full((7,), 10.0)], 1)[None]
    drawn = render(line, torch.tensor([0]), torch.tensor([1.5]), 1, 20)[0, 0]
    assert torch.allclose(drawn[:, 10].sum(), torch.tensor(3.0), atol=1e-5)
    assert torch.allclose(drawn.sum(), torch.tensor(3 * 12 + math.pi * 1.5**2), rtol=0.03)
    assert torch.allclose(drawn, drawn.flip(0))
    assert torch.allclose(drawn, drawn.flip(1))


def test_no_pixel_near_a_stroke_is_missed():
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        # One piece alone: nothing longer or thicker beside it widens the part of the image that is looked at.
        start = 4 + 4 * torch.rand(2, generator=generator)
        strokes = torch.stack([start, start + 3 * torch.rand(1, generator=generator)])[None]
        one, radius = torch.tensor([0]), 0.3 + torch.rand(1, generator=generator)
        assert torch.allclose(
            render(strokes, one, radius, 1, 14).double(), naive(strokes, one, radius, 1, 14), atol=1e-5
        )
