"""Student's t distribution, as far as intervals from few measurements need it."""

from __future__ import annotations

import numpy as np

POINTS = 20_001


def reach(share: float, freedom: int) -> float:
    """Within what distance of 0, in both directions, ``share`` of the distribution lies.

    With t = sqrt(freedom) tan(a) its density is that of cos(a)^(freedom - 1), which is summed here.
    """
    edges = np.linspace(0, np.pi / 2, POINTS)
    inside = np.append(0, np.cumsum(np.cos((edges[1:] + edges[:-1]) / 2) ** (freedom - 1)))
    return float(np.sqrt(freedom) * np.tan(np.interp(share, inside / inside[-1], edges)))
