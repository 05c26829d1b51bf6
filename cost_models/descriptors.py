"""Board descriptors: a board as a row of numbers, for models of several boards. No shipped model reads them yet."""

from __future__ import annotations

import numpy as np

from mcusim import boards
from mcusim.boards import Board

CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")
"""The code of a core is its place. Only ever appended to."""

DSP = frozenset({"m4", "m7", "m33"})
"""Cores whose kernels use the DSP extension (``NN_DSP`` of kernels_c/include/nn_dsp.h)."""

def uses_dsp(board: str) -> bool:
    """Whether the kernels that a board is given use the DSP extension."""
    return boards.load(board).core in DSP


BOARD = np.dtype(
    [("core", np.uint8), ("dsp", np.bool_), ("fpu", np.bool_), ("energy_table", np.bool_), ("ideal", np.bool_)]
    + [(name, np.int64) for name in ("rated_hertz", "flash_bytes", "ram_bytes", "tcm_bytes",
                                     "instruction_cache_bytes", "data_cache_bytes")]
)  # fmt: skip
"""Sizes are sums over memories of a kind that are no view of another. Caches are the core's; 0 for none. Not in the row: wait
states, prefetch buffers, caches of flash, buses."""


def descriptor(board: Board) -> np.ndarray:
    """The row of a board, an array of BOARD with no axis."""
    sizes = {
        kind: sum(memory.size for memory in board.memories if memory.kind == kind and not memory.alias_of)
        for kind in ("flash", "ram", "tcm")
    }
    caches = [int(board.parameters.get(f"{which}_cache", {}).get("size_bytes", 0)) for which in ("instruction", "data")]
    row = (
        CORES.index(board.core), board.core in DSP, bool(board.fpu), board.energy is not None, board.ideal,
        board.rated_hertz, *sizes.values(), *caches,
    )  # fmt: skip
    return np.array(row, BOARD)
