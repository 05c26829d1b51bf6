"""The table of memory regions, and what a register must hold for an access to keep its region and alignment."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mcusim.machine import layout as L
from mcusim.machine.facts import SimpleAccess


class RegionTable:
    """Regions in the order of a look-up: what lies inside another comes before it; the last stands for everything else."""

    def __init__(self, state: np.ndarray) -> None:
        self.state = state
        self.spans: list[tuple[int, int, int]] = []
        """Region index, start, end."""
        self.refusing: frozenset[int] = frozenset()
        self.programmed: frozenset[int] = frozenset()
        self.elsewhere = self.number = 0
        self.numbers: dict[tuple[tuple[int, int, int, int], ...], int] = {}

    def use(self, table: list[tuple[int, int, int, int]], refusing: Iterable[int], programmed: Iterable[int]) -> None:
        """Install ``table``, as ``Recorder.set_regions`` takes it; ``number`` tells tables apart."""
        self.refusing, self.programmed = frozenset(refusing), frozenset(programmed)
        self.rows = np.array(table, dtype=np.int64).reshape(-1, L.REGION_WORDS)
        self.state[L.REGIONS], self.state[L.REGION_COUNT] = self.rows.ctypes.data, len(table)
        self.spans = [(index, start, end) for start, end, _, index in table]
        self.elsewhere = self.spans[-1][0]
        self.number = self.numbers.setdefault(tuple(table), len(self.numbers))

    def at(self, address: int) -> int:
        """Index of the region that holds ``address``."""
        for index, start, end in self.spans:
            if start <= address < end:
                return index
        return self.elsewhere

    def checks(
        self, simple: tuple[SimpleAccess, ...], classes: tuple[int, ...], registers: np.ndarray
    ) -> list[tuple[int, int, int]] | None:
        """Comparisons of live ``registers`` equal to "all accesses keep region and alignment", None when there is no such."""
        limits: dict[int, list[int]] = {}
        for access, value in zip(simple, classes, strict=True):
            if access.register < 0:
                continue
            region, low = divmod(value - 1, 8)
            span = self._span(region, access, int(registers[access.register]))
            if span is None:
                return None
            _narrow(limits, access, span, low)
        return [_check(registers.ctypes.data + 4 * register, *limit) for register, limit in limits.items()]

    def _span(self, region: int, access: SimpleAccess, register: int) -> tuple[int, int] | None:
        """Lowest and highest value of the register, now ``register``, with which the access stays in ``region``."""
        address = register + access.offset  # one that wraps around lies in no span
        lowest, highest = 0, 1 << 32
        for index, start, end in self.spans:
            if start <= address < end:
                lowest, highest = max(lowest, start), min(highest, end)
                fits = index == region and address + access.length <= highest
                return (lowest - access.offset, highest - access.length - access.offset) if fits else None
            lowest = max(lowest, end) if end <= address else lowest
            highest = min(highest, start) if start > address else highest
        return None


def _narrow(limits: dict[int, list[int]], access: SimpleAccess, span: tuple[int, int], low: int) -> None:
    limit = limits.setdefault(access.register, [0, 0xFFFFFFFF, 0, 0])
    limit[0], limit[1] = max(limit[0], span[0]), min(limit[1], span[1])
    if access.mask > limit[2]:
        limit[2], limit[3] = access.mask, (low - access.offset) & access.mask


def _check(pointer: int, lowest: int, highest: int, mask: int, low: int) -> tuple[int, int, int]:
    lowest += (low - lowest) & mask
    bounds = lowest | (highest - lowest) << 32
    return pointer, bounds - (1 << 64) if bounds >> 63 else bounds, mask
