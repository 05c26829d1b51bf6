"""Room: the flash and the RAM that a board has for a network, and whether an estimate fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from cost_models.estimates import Estimate, Estimates
from cost_models.layers import Layers
from mcusim import boards

FITS, MAY_FIT, TOO_LARGE = "yes", "maybe", "no"


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the memories that ``mcusim deploy`` puts code and data into; of RAM without the stack's reserve.

    ``bank_bytes``: the largest memory beside the main RAM that an arena is put into as a whole where that is too small, 0 for
    none. ``whole_bytes``: all that an arena can be spread over.
    """

    flash_bytes: int
    ram_bytes: int
    bank_bytes: int
    whole_bytes: int

    @property
    def one_memory_bytes(self) -> int:
        """The larger of both. Static data, which stay in the main RAM, are counted in all the same: some kilobytes."""
        return max(self.ram_bytes, self.bank_bytes)


def room_of(board: str, memories: Collection[str] = ()) -> Room:
    """Of a board, by name; with ``memories`` beside its main RAM that something is put into. BoardError for one that nothing
    is built for, or that has no such memory.
    """
    from kernels_c.layout import MAIN
    from mcusim.deploy.build import BuildOptions, support_for
    from mcusim.deploy.layout import arena_memories

    place = boards.load(board)
    layout = support_for(place, BuildOptions(memories=tuple(memories))).layout
    stack = layout.stack_bytes if layout.stack in (MAIN, *memories) else 0
    ram_bytes = sum(layout.bank(name).bytes for name in {MAIN, *memories}) - stack
    first, *banks = (memory.size_bytes or 0 for memory in arena_memories(place, layout, alone=memories))
    return Room(layout.room_bytes, ram_bytes, 0 if memories else max(banks, default=0), first + sum(banks))


def fits(estimates: Estimates, layers: Layers, room: Room, share: float) -> tuple[str, ...]:
    """Of each network: FITS or TOO_LARGE where the intervals of flash and RAM say so, else MAY_FIT.

    FITS in RAM is what one memory holds as it is. What none holds MAY_FIT, since ``mcusim deploy`` spreads arenas over several
    memories and rewrites networks; but for inputs larger than all memories, which no rewriting makes smaller.
    """
    flash = _judged(estimates.flash_bytes, room.flash_bytes, share)
    as_it_is = _judged(estimates.ram_bytes, room.one_memory_bytes, share)
    beyond = input_bytes(layers) > room.whole_bytes
    ram = [TOO_LARGE if never else min(fit, MAY_FIT, key=_rank) for fit, never in zip(as_it_is, beyond, strict=True)]
    return tuple(max(pair, key=_rank) for pair in zip(flash, ram, strict=True))


def _rank(fit: str) -> int:
    return (FITS, MAY_FIT, TOO_LARGE).index(fit)


def input_bytes(layers: Layers) -> np.ndarray:
    """What each network has in its arena before its first layer; 0 where there are no ``arenas`` to tell."""
    if layers.arenas is None:
        return np.zeros(len(layers), np.int64)
    tensors, starts = layers.arenas.tensors, layers.arenas.starts
    places = np.arange(len(tensors)) - np.repeat(starts, np.diff(starts, append=len(tensors)))
    there = (tensors["first"] < 0) & (tensors["body"] == places)  # views lie in what they are views of
    return np.asarray(np.add.reduceat(np.where(there, tensors["bytes"], 0), starts))


def _judged(estimate: Estimate, limit: int, share: float) -> list[str]:
    low, high = estimate.interval(share)
    return [FITS if top <= limit else TOO_LARGE if bottom > limit else MAY_FIT for bottom, top in zip(low, high, strict=True)]
