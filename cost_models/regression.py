"""Least squares of relative errors, with coefficients that are not negative."""

from __future__ import annotations

import numpy as np

SETTLED = 1e-10
"""A coefficient of 0 stays 0 where more of it gains less than this, with features of mean square 1 and targets of 1."""


def nonnegative(
    features: np.ndarray, targets: np.ndarray, ridge: float, sizes: np.ndarray, prior: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Coefficients c >= 0 that make the mean of ((features @ c - targets) / sizes)^2 least, plus ``ridge`` times |c -
    prior|^2 of features that are scaled to a mean square of 1.

    ``prior``: 0 where there is none. Features that are 0 everywhere keep theirs. ``near``: where to begin; it changes how long
    that takes, and not what is found.
    """
    before = np.zeros(features.shape[1]) if prior is None else prior
    rows = features / sizes[:, None]
    scale = np.sqrt((rows**2).mean(axis=0))
    used = scale > 0
    rows = rows[:, used] / scale[used]
    gram = rows.T @ rows / len(rows) + ridge * np.eye(rows.shape[1])
    wanted = rows.T @ (targets / sizes) / len(rows) + ridge * before[used] * scale[used]
    found = before.copy()
    found[used] = _active(gram, wanted, np.zeros(len(wanted)) if near is None else near[used] * scale[used]) / scale[used]
    return found


PASSES, FAR, NEAR = 8, 2.5, 0.01
"""Of ``robust``: fits; errors count less beyond FAR times the median of all, and NEAR more."""


def robust(
    features: np.ndarray, targets: np.ndarray, ridge: float, sizes: np.ndarray, prior: np.ndarray | None = None
) -> np.ndarray:
    """``nonnegative``, but errors far from those of most count in proportion instead of as their square (Huber, 1964)."""
    far, found = sizes, None
    for _ in range(PASSES):
        found = nonnegative(features, targets, ridge, far, prior, found)
        errors = np.abs(features @ found - targets) / sizes
        far = sizes * np.sqrt(np.maximum(errors / (FAR * np.median(errors) + NEAR), 1.0))
    assert found is not None
    return found


def _active(gram: np.ndarray, wanted: np.ndarray, near: np.ndarray) -> np.ndarray:
    """c >= 0 for which c @ gram @ c / 2 - wanted @ c is least: active sets, as Lawson and Hanson (1974), from ``near``."""
    found, free = near.copy(), near > 0
    if free.any():
        found = _inside(gram, wanted, found, free)
    for _ in range(10 * len(wanted)):
        gain = np.where(free, -np.inf, wanted - gram @ found)
        best = int(np.argmax(gain))
        if gain[best] <= SETTLED:
            break
        free[best] = True
        found = _inside(gram, wanted, found, free)
    return found


def _inside(gram: np.ndarray, wanted: np.ndarray, found: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The best coefficients among those that are ``free``; as one after the other meets 0, it is free no longer."""
    while free.any():
        best = np.zeros(len(found))
        best[free] = np.linalg.solve(gram[np.ix_(free, free)], wanted[free])
        below = free & (best <= 0)
        if not below.any():
            return best
        step = (found[below] / np.maximum(found[below] - best[below], np.finfo(np.float64).tiny)).min()
        found = np.maximum(found + step * (best - found), 0)
        free &= ~(below & (found <= SETTLED * found.max(initial=0)))
        found[~free] = 0
    return np.zeros(len(found))
