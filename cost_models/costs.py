"""Costs: what networks took on a board, layer by layer, as numbers to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NETWORK = np.dtype(
    [(name, np.int64) for name in ("arena_bytes", "stack_bytes", "static_bytes", "code_bytes", "weight_bytes")]
)
"""Of a whole network, as ``mcusim.bench`` tells: ``weight_bytes`` are all constants, ``code_bytes`` is all else in flash."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What each layer and each network of a ``Layers`` took on one board, in its order.

    ``cycles`` and ``joules`` of one inference, one for each row of the table; joules are NaN on a board without energy table.
    ``clock_hertz``: the core clock that the firmware sets. ``networks``: array of NETWORK. ``dsp``: whether the kernels use
    the DSP extension.
    """

    board: str
    clock_hertz: int
    cycles: np.ndarray
    joules: np.ndarray
    networks: np.ndarray
    dsp: bool = True

    @property
    def has_energy(self) -> bool:
        """Whether energies are known."""
        return bool(np.isfinite(self.joules).all())

    @property
    def ram_bytes(self) -> np.ndarray:
        """Arena and static data of each network, without the stack."""
        return np.asarray(self.networks["arena_bytes"] + self.networks["static_bytes"])

    @property
    def flash_bytes(self) -> np.ndarray:
        """Code and constants of each network."""
        return np.asarray(self.networks["code_bytes"] + self.networks["weight_bytes"])

    def selected(self, networks: Sequence[int], starts: np.ndarray) -> Costs:
        """Those of some networks. ``starts``: the first row of each of all networks."""
        ends = np.append(starts[1:], len(self.cycles))
        rows = np.concatenate([np.zeros(0, np.int64), *(np.arange(starts[i], ends[i]) for i in networks)])
        sizes = self.networks[list(networks)]
        return Costs(self.board, self.clock_hertz, self.cycles[rows], self.joules[rows], sizes, self.dsp)
