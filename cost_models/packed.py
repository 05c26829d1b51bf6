"""packed: arrays as one line of text in a JSON file, where a line for each number would be too long."""

from __future__ import annotations

import numpy as np


def packed(values: np.ndarray, digits: int = 6) -> str:
    """Numbers in order, the last axis first, with so many significant digits; whole ones below 10^``digits`` are exact."""
    return " ".join(f"{value:.{digits}g}" for value in values.ravel().tolist())


def unpacked(text: str, *shape: int) -> np.ndarray:
    """The array of ``shape``, of which one side may be -1. ValueError where it does not fit, or a number is not finite."""
    values = np.array(text.split(), np.float64).reshape(shape)
    if not np.isfinite(values).all():
        raise ValueError("a number that is not finite")
    return values


def as_kept(values: np.ndarray, digits: int = 6) -> np.ndarray:
    """Rounded as ``packed`` does it, so that a model answers alike before it is written and after it is read."""
    return unpacked(packed(values, digits), *values.shape)
