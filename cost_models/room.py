"""Room: the flash and the RAM that a board has for a network, and whether an estimate fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cost_models.estimates import Estimate, Estimates
from mcusim import boards

FITS, MAY_FIT, TOO_LARGE = "yes", "maybe", "no"


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the memories that ``mcusim deploy`` puts code and data into; of RAM without the stack's reserve."""

    flash_bytes: int
    ram_bytes: int


def room_of(board: str, memories: Collection[str] = ()) -> Room:
    """Of a board, by name; with ``memories`` beside its main RAM that something is put into. BoardError for one that nothing
    is built for, or that has no such memory.
    """
    from kernels_c.layout import MAIN
    from mcusim.deploy.build import BuildOptions, support_for

    layout = support_for(boards.load(board), BuildOptions(memories=tuple(memories))).layout
    stack = layout.stack_bytes if layout.stack in (MAIN, *memories) else 0
    return Room(layout.room_bytes, sum(layout.bank(name).bytes for name in {MAIN, *memories}) - stack)


def fits(estimates: Estimates, room: Room, share: float) -> tuple[str, ...]:
    """Of each network: FITS or TOO_LARGE where the intervals of flash and RAM say so, else MAY_FIT.

    TOO_LARGE is what does not fit as it is; ``mcusim deploy`` also knows smaller forms and further memories.
    """
    flash, ram = (
        _judged(estimate, limit, share)
        for estimate, limit in ((estimates.flash_bytes, room.flash_bytes), (estimates.ram_bytes, room.ram_bytes))
    )
    return tuple(max(pair, key=(FITS, MAY_FIT, TOO_LARGE).index) for pair in zip(flash, ram, strict=True))


def _judged(estimate: Estimate, limit: int, share: float) -> list[str]:
    low, high = estimate.interval(share)
    return [FITS if top <= limit else TOO_LARGE if bottom > limit else MAY_FIT for bottom, top in zip(low, high, strict=True)]
