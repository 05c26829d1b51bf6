"""RAM and flash of networks from their tables.

RAM is that of the network as it is: the arena as the planner makes it, in one memory, and the program's own data; the stack
is not part of it. Where ``Layers.arenas`` is there it is exact: it is what ``exact_sizes`` gives for every network that the
main RAM of the board holds. One that it does not hold is built in several memories or rewritten (``mcusim.deploy.smaller``),
and takes less. Without ``arenas`` it is an estimate, as if layers followed each other.

Flash is an estimate. Not modelled there: code that kernels share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cost_models.arenas import arena_bytes, chained
from cost_models.costs import Costs
from cost_models.estimates import Estimate, exactly
from cost_models.layers import CODES, OPERATORS, Layers
from cost_models.regression import nonnegative

RIDGE = 1e-6
CHANNELED = np.array([CODES["Conv2D"], CODES["DepthwiseConv2D"], CODES["TransposeConv2D"], CODES["FullyConnected"]])
"""Operators with a multiplier and a shift for each output channel."""

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


def flash_features(layers: Layers) -> np.ndarray:
    """One, layers, constants, channels with a scale, and for each operator whether it occurs."""
    table = layers.table
    channels = np.where(np.isin(table["operator"], CHANNELED), table["output_channels"], 0)
    sums = [layers.per_network(np.asarray(each, np.float64)) for each in (table["weight_bytes"], channels)]
    there = [layers.largest((table["operator"] == code).astype(np.int64)) for code in range(len(OPERATORS))]
    return np.stack([np.ones(len(layers)), layers.counts, *sums, *there], axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class SizeFit:
    """``frame``: of the board. Coefficients of the features of flash, and the relative standard deviation of its errors."""

    frame: Frame
    flash: tuple[float, ...]
    flash_deviation: float

    def predict(self, layers: Layers) -> tuple[Estimate, Estimate]:
        """RAM and flash in bytes."""
        flash = (flash_features(layers) * np.array(self.flash)).sum(axis=1)
        return self.frame.ram_bytes(layers), Estimate(flash, flash * self.flash_deviation)


def fit_sizes(frame: Frame, layers: Layers, costs: Costs) -> SizeFit:
    """The fit of what was built."""
    features, sizes = flash_features(layers), costs.flash_bytes.astype(np.float64)
    found = nonnegative(features, sizes, RIDGE, sizes)
    errors = (features * found).sum(axis=1) / sizes - 1
    spare = max(len(sizes) - np.count_nonzero(found), 1)
    return SizeFit(frame, tuple(found.tolist()), float(np.sqrt((errors**2).sum() / spare)))
