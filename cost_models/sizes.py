"""RAM and flash of networks from their tables.

RAM is that of the network as it is: the arena as the planner makes it, in one memory, and the program's own data; the stack
is not part of it. Where ``Layers.arenas`` is there it is exact: it is what ``exact_sizes`` gives for every network that the
main RAM of the board holds. One that it does not hold is built in several memories or rewritten (``mcusim.deploy.smaller``),
and takes less. Without ``arenas`` it is an estimate, as if layers followed each other.

Flash is that of constants, names and kernels as they are, and an estimate of the code that calls them (``flash.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cost_models.arenas import arena_bytes, chained
from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, exactly
from cost_models.flash import Target, calls_of, constant_bytes, flash_bytes, tables, target_of
from cost_models.layers import CODES, Layers

MARK_BYTES, SWITCH_BYTES, LIST_BYTES = 32, 8, 4
"""Of a mark; of ``network_switch``; of the end of the list of marks, which is there if there are any."""

WITHOUT_ARENAS = 0.08
"""Relative standard deviation of RAM that was not planned, about what samples of ``cost_models.sampling`` show."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the firmware of a board has beside its network.

    ``dsp``: the core has the DSP extension. ``tables_bytes``: of start-up code. ``own_bytes``: of data that is cleared at
    start, beside the arena. ``room_bytes``: main RAM, less the reserve of the stack.
    """

    dsp: bool
    tables_bytes: int
    own_bytes: int
    room_bytes: int

    def data_bytes(self, layers: Layers) -> np.ndarray:
        """Initialised data of each network."""
        free = layers.table["operator"] == CODES["Reshape"] if layers.arenas is None else layers.arenas.steps["free"]
        marks = layers.per_network((~free).astype(np.int64))
        return _words(MARK_BYTES * marks + SWITCH_BYTES + LIST_BYTES * (marks > 0))

    def main_bytes(self, layers: Layers) -> np.ndarray:
        """What each network takes of the main RAM if all of it lies there, without the stack."""
        arenas = (about_arena_bytes if layers.arenas is None else arena_bytes)(layers, self.dsp)
        return self.data_bytes(layers) + _words(arenas + self.own_bytes)

    def ram_bytes(self, layers: Layers) -> Estimate:
        """Arena and static data of each network."""
        whole = self.main_bytes(layers) + self.tables_bytes
        return exactly(whole) if layers.arenas is not None else Estimate(whole.astype(np.float64), WITHOUT_ARENAS * whole)


def _words(sizes: np.ndarray) -> np.ndarray:
    """Sizes of sections, which end at multiples of 8."""
    return np.asarray(-(-sizes // 8) * 8)


def about_arena_bytes(layers: Layers, dsp: bool) -> np.ndarray:
    """About the arena of each network of which only layers are known: as if they were a chain, beside what else is alive."""
    table = layers.table
    besides = table["live_bytes"] - table["input_bytes"] - table["output_bytes"]
    return arena_bytes(chained(layers), dsp) + layers.largest(np.maximum(besides, 0))


@dataclass(frozen=True, slots=True)
class Sizes:
    """RAM and flash on one board. ``flash_bytes``: of what its firmware has beside its network."""

    frame: Frame
    target: Target
    flash_bytes: float

    def predict(self, layers: Layers) -> tuple[Estimate, Estimate]:
        """RAM and flash in bytes."""
        return self.frame.ram_bytes(layers), self.flash(layers)

    def flash(self, layers: Layers) -> Estimate:
        """Flash in bytes."""
        return flash_bytes(layers, self.target, self.flash_bytes)

    def as_it_is(self, ram: Estimate) -> np.ndarray:
        """Whether the main RAM holds what each network takes."""
        return np.asarray(ram.values - self.frame.tables_bytes <= self.frame.room_bytes)


COPIED_DEVIATION = 32.0
"""Bytes, of weights and of kernels that are copied: gaps between arrays and sections, as samples on four boards show."""


@dataclass(frozen=True, slots=True)
class Copied(Sizes):
    """With ``weights`` or ``kernels`` copied to RAM at start; room is that of all memories which take part."""

    weights: bool
    kernels: bool

    @classmethod
    def of(cls, sizes: Sizes, weights: bool, kernels: bool, room_bytes: int) -> Copied:
        """Of sizes without."""
        return cls(replace(sizes.frame, room_bytes=room_bytes), sizes.target, sizes.flash_bytes, weights, kernels)

    def predict(self, layers: Layers) -> tuple[Estimate, Estimate]:
        """RAM with what is copied, and flash, in bytes."""
        ram, flash = Sizes.predict(self, layers)
        added = constant_bytes(layers) * self.weights + self.target.kernel_bytes(calls_of(layers)) * self.kernels
        deviations = np.hypot(ram.deviations, COPIED_DEVIATION * np.hypot(self.weights, self.kernels))
        return Estimate(ram.values + added, deviations), flash


def sizes_on(board: str) -> Sizes:
    """Those of a board. CostModelError for one that is not in the tables (``python -m cost_models.size_table`` makes them)."""
    known = tables()["boards"]
    if board not in known:
        raise CostModelError(f"no sizes of board {board!r} are known; there are those of: {', '.join(known)}")
    plain = known[board]
    return Sizes(Frame(**plain["frame"]), target_of(plain["target"]), float(plain["flash_bytes"]))
