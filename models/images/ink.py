"""Finds the ink of a drawing, whatever the paper, the pen, the light and the polarity."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FAINTEST_INK = 0.04  # of full scale: less contrast than this is an empty sheet
_PLANE_ROUNDS = 6


def ink_map(gray: Floats) -> Floats:
    """Turn grey levels ``[H, W]`` in 0..1 into ink ``[H, W]``: 1 on strokes, 0 on the background.

    The background is the plane (paper under uneven light) that most pixels lie on; ink is what departs from
    it to the side where the strokes lie, so dark on light and light on dark give the same map. Contrast
    is stretched to the strength of the strongest strokes, and what is fainter than a quarter of them
    (shadows, the grain of the paper) is dropped.
    """
    residual = gray - background(gray)
    if abs(residual.min()) > residual.max():
        residual = -residual
    count = min(max(5, residual.size // 2000), residual.size)
    strongest = np.partition(residual, residual.size - count, axis=None)[residual.size - count :]
    full = float(np.median(strongest))
    if full < _FAINTEST_INK:
        return np.zeros_like(gray)
    floor = 0.25 * full
    result: Floats = np.clip((residual - floor) / (0.9 * full - floor), 0.0, 1.0)
    return result


def background(gray: Floats) -> Floats:
    """Fit the paper's brightness: a constant where most pixels agree, else a robust plane."""
    median = float(np.median(gray))
    if np.mean(np.abs(gray - median) < 0.5 / 255) > 0.5:
        return np.full_like(gray, median)
    height, width = gray.shape
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    design = np.stack([np.ones(gray.size), rows.ravel(), columns.ravel()], axis=1)
    values = gray.ravel()
    background = np.full(gray.size, median)
    for _ in range(_PLANE_ROUNDS):
        # Reweighting by the inverse distance makes the fit one of least absolute deviations, which
        # strokes on less than half of the sheet do not bend.
        weights = 1.0 / np.maximum(np.abs(values - background), 0.01)
        weighted = design * weights[:, None]
        coefficients = np.linalg.solve(design.T @ weighted, weighted.T @ values)
        background = design @ coefficients
    return background.reshape(gray.shape)
