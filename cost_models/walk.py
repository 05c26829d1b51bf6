"""walk: rows go down trees, compiled by numba; ``cost_models.trees.Forest.walked`` is the same in plain sight."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np

from mcusim.numba_cache import cache_directory, cached

CACHE_DIRECTORY = cache_directory("cost-models-walk", [Path(__file__)])
BLOCK = 256
"""Rows that go down a tree before the next tree: as many as stay in a cache."""

ONE = np.uint32(1)


@cached(numba.njit(cache=True, parallel=True), CACHE_DIRECTORY)
def add(seen: np.ndarray, roots: np.ndarray, nodes: np.ndarray, made: np.ndarray) -> None:
    """Leaves that rows of ``seen`` come to, added to ``made`` [quantities, rows]; the rest is as in ``Forest``."""
    for block in numba.prange((len(seen) + BLOCK - 1) // BLOCK):
        for quantity in range(len(roots)):
            for root in roots[quantity]:
                for row in range(block * BLOCK, min((block + 1) * BLOCK, len(seen))):
                    node = np.uint32(root)
                    while nodes[node].feature >= 0:
                        left = seen[row, nodes[node].feature] <= nodes[node].value
                        node = node + ONE if left else np.uint32(nodes[node].right)
                    made[quantity, row] += nodes[node].value
