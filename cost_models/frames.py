"""Frames: what the firmware of a board has beside its network, as numbers."""

from __future__ import annotations

from collections.abc import Mapping

from cost_models.descriptors import DSP
from cost_models.sizes import Frame
from kernels_c.layout import MAIN
from mcusim import boards
from mcusim.boards import Board
from mcusim.deploy.layout import support_of

WITHOUT_COUNTER = frozenset({"m0", "m0plus"})
"""Cores without a cycle counter: marks count what SysTick does not hold (kernels_c/src/marks.c)."""

OWN_BYTES: Mapping[str, int] = {"board/uart_nrf.c": 4}
"""Static data of a board's own sources, in words."""

ENTRIES_BYTES = 20
"""Of a memory in the tables of what start-up code copies and clears: three words and two (kernels_c/layout.py)."""


def frame_of(board: str | Board) -> Frame:
    """The frame of a board. BoardError for one that nobody knows how to build for."""
    place = board if isinstance(board, Board) else boards.load(board)
    support = support_of(place)
    layout = support.layout
    return Frame(
        dsp=place.core in DSP,
        tables_bytes=ENTRIES_BYTES * (1 + len(layout.banks)) if layout.tables else 0,
        own_bytes=(8 if place.core in WITHOUT_COUNTER else 4) + sum(OWN_BYTES.get(name, 0) for name in support.sources),
        room_bytes=layout.ram_bytes - (layout.stack_bytes if layout.stack == MAIN else 0),
    )
