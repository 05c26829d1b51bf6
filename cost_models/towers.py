"""Towers: networks of many layers, on which the code that calls kernels is measured. They are built, never simulated."""

from __future__ import annotations

import numpy as np

from cost_models.sampling import Drawing, inverted, residual, separable
from mcusim.network import Network

CELLS = (separable, inverted, residual)

LEAST_CELLS, MOST_CELLS, MOST_CHANNELS = 6, 20, 128


def tower(seed: int, number: int) -> Network:
    """Tower ``number`` of a seed: an int8 network of about 17 to 70 layers. Towers take turns between the cells of families."""
    draw = Drawing(f"tower_{seed}_{number}", np.random.default_rng([seed, number, 1]))
    cell, x = CELLS[number % len(CELLS)], draw.conv(draw.image(32, 32, draw.one_of(1, 3)), 8, (3, 3))
    for _ in range(draw.between(LEAST_CELLS, MOST_CELLS)):
        y = cell(draw, x)
        small = min(y.shape[2:]) < 2 or y.shape[1] > MOST_CHANNELS
        x = draw.conv(x, draw.one_of(8, 16, 24), (1, 1)) if small else y
    return draw.network(draw.classes(x, 10), any_ends=True)
