"""Where the cycles of a mark went and which events it saw (``kernels_c/include/marks.h``).

A mark begins and ends where the firmware reads its counter, which Python serves. Each reading keeps the cycles by cause
and the events so far; which mark it belonged to is told afterwards by the structures of the marks themselves, which hold the
reading.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mcusim.machine.cause_totals import COLUMNS, CauseTotals, named
from mcusim.machine.event_counts import Event, EventCounts
from mcusim.machine.pass_counts import PassCounts

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

PREFIX = "mark_"
LAYOUT = struct.Struct("<IIQII")
"""Name, next, cycles, count and begin of ``struct mark``; a flag and padding follow."""
STRUCT_BYTES = 32
READINGS = 64
"""Readings that may wait to be claimed: interrupts can put their own between a mark's reading and its store."""
IDLE_READINGS = 16
"""An instruction whose readings were never claimed so often in a row reads the counter for other ends."""
NAME_BYTES = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """The counter was read at ``cycle`` by the instruction at ``place``; ``totals`` are the cycles by cause and
    ``events`` the events so far."""

    cycle: int
    place: int
    totals: np.ndarray
    events: Counter[Event]


@dataclass(slots=True)
class Stretch:
    """One ``struct mark``: what it held when last looked at, and what is known of its cycles."""

    address: int
    cycles: int = 0
    count: int = 0
    begin: int = 0
    begun: Reading | None = None
    totals: np.ndarray = field(default_factory=lambda: np.zeros(len(COLUMNS), dtype=np.int64))
    events: Counter[Event] = field(default_factory=Counter)


class MarkWatch:
    """Follows the marks of a program that has their structures among its symbols; costs nothing in others."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        objects = (symbol for symbol in machine.program.symbols if symbol.kind == "object")
        found = {each.address for each in objects if each.name.startswith(PREFIX) and each.size == STRUCT_BYTES}
        self.stretches = [] if machine.options.bare else [Stretch(address) for address in sorted(found)]
        passes = PassCounts(machine.recorder)
        self.totals, self.counts = CauseTotals(machine, passes), EventCounts(machine, passes)
        self.readings: OrderedDict[int, Reading] = OrderedDict()
        self.idle: dict[int, int] = {}
        self.bits = 32 if machine.traits.cycle_counter else 24
        self.causes: dict[str, dict[str, int]] = {}
        self.events: dict[str, Counter[Event]] = {}

    def note_reading(self, value: int, bits: int) -> None:
        """The firmware reads a counter of ``bits`` bits, which counts up and stands at ``value``."""
        if not self.stretches or bits != self.bits:
            return
        self._claim()
        node, number = self.machine.accesses.accessing()
        place = node.record.block.instructions[number].address if node is not None else -1
        if self.idle.get(place, 0) >= IDLE_READINGS:
            return
        self.idle[place] = self.idle.get(place, 0) + 1
        self.readings[value] = Reading(self.machine.now(), place, self.totals.now(), self.counts.now())
        self.readings.move_to_end(value)
        if len(self.readings) > READINGS:
            self.readings.popitem(last=False)

    def note_line(self, name: str) -> None:
        """The firmware has printed the line of the mark ``name``: keep what is known of it now."""
        self._claim()
        stretches = [stretch for stretch in self.stretches if stretch.count and self._name(stretch) == name]
        self.causes[name] = named(sum((stretch.totals for stretch in stretches), np.zeros(len(COLUMNS), np.int64)))
        self.events[name] = sum((stretch.events for stretch in stretches), Counter())

    def _claim(self) -> None:
        for stretch in self.stretches:
            _, _, cycles, count, begin = LAYOUT.unpack(self.machine.engine.read(stretch.address, LAYOUT.size))
            if count != stretch.count:  # written last: an interrupt can come between the two
                self._end(stretch, cycles - stretch.cycles)
                stretch.cycles, stretch.count = cycles, count
            if begin != stretch.begin:
                stretch.begun, stretch.begin = self._reading(begin), begin

    def _end(self, stretch: Stretch, cycles: int) -> None:
        """The mark has ended, ``cycles`` behind its begin. What does not add up is left out, and so shows in the sum."""
        ended = self._reading(stretch.begin + cycles)
        if ended is not None and stretch.begun is not None and ended.cycle - stretch.begun.cycle == cycles:
            stretch.totals += ended.totals - stretch.begun.totals
            stretch.events.update(ended.events)
            stretch.events.subtract(stretch.begun.events)

    def _reading(self, value: int) -> Reading | None:
        reading = self.readings.get(value & (1 << self.bits) - 1)
        if reading is not None:
            self.idle[reading.place] = 0
        return reading

    def _name(self, stretch: Stretch) -> str:
        """The mark's name, in the program's memory."""
        address = int.from_bytes(self.machine.engine.read(stretch.address, 4), "little")
        size = min(NAME_BYTES, self.machine.engine.room(address))
        return self.machine.engine.read(address, size).split(b"\0", 1)[0].decode("utf-8", "replace")
