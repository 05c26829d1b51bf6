"""Bodies timed in the simulator, and read where the firmware keeps what it measured: serial lines take longer than bodies."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

from calibration.microbenchmarks.bodies import COPIES
from calibration.microbenchmarks.firmware import Microbenchmarks, mark_of
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.machine.machine import Machine, Options
from mcusim.machine.what_if import AS_IT_IS, WhatIf

TIMED = struct.Struct("<I4xQ16x12xI")
"""``struct timed`` of main.c: name and cycles of its mark, what else it has, and the result."""
LEFT_OUT = 41
"""Offset of its ``left_out``."""
NAME_BYTES = 64
READY, REHEARSE, DONE = b"#ready\n", b"rehearse\n", b"#done"
"""What commanded firmware says when it waits for commands; the command; what it says behind an answer."""

Cycles = Mapping[str, int]


class TimedTable:
    """``bodies`` of main.c in the memory of a machine whose firmware has begun to print."""

    def __init__(self, machine: Machine) -> None:
        (symbol,) = machine.program.symbols_named("bodies")
        self.engine, self.address, self.size = machine.engine, symbol.address, symbol.size

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """Names of the marks, in their order."""
        pointers = (entry[0] for entry in TIMED.iter_unpack(self.engine.read(self.address, self.size)))
        return tuple(self.engine.read(pointer, NAME_BYTES).split(b"\0", 1)[0].decode() for pointer in pointers)

    def measured(self) -> dict[str, tuple[int, int]]:
        """Cycles and result by mark."""
        entries = TIMED.iter_unpack(self.engine.read(self.address, self.size))
        return {mark: (cycles, result) for mark, (_, cycles, result) in zip(self.marks, entries, strict=True)}

    def choose(self, bodies: Collection[str]) -> None:
        """Leave out all other bodies from now on."""
        table = bytearray(self.engine.read(self.address, self.size))
        for place, mark in enumerate(self.marks):
            table[place * TIMED.size + LEFT_OUT] = mark.rpartition(":")[0] not in bodies
        self.engine.write(self.address, bytes(table))


def run_on(
    made: Microbenchmarks, elf: Path, board: Board, what_if: WhatIf = AS_IT_IS, core: Core | None = None,
    chosen: Collection[str] = (),
) -> Cycles:  # fmt: skip
    """Cycles that n more copies of each body take: the first time that it is timed, or as it answers its name if commanded.

    Commanded firmware times those that are ``chosen``, all where it is empty.
    """
    def begun(data: bytes) -> None:
        if chosen and not machine.serial.kept:
            TimedTable(machine).choose(chosen)

    send = ((READY, REHEARSE),) if made.commanded else ()
    options = Options(send, DONE if made.commanded else b"#mark", what_if=what_if, serial_output=begun)
    machine = Machine(programs.load(elf, None, None, None), board, core or made.core, options)
    machine.run()
    measured = TimedTable(machine).measured()
    names = (body.name for body in made.bodies if not chosen or body.name in chosen)
    return {name: _more(measured, name) for name in names}


def _more(measured: Mapping[str, tuple[int, int]], name: str) -> int:
    return measured[mark_of(name, 2 * COPIES)][0] - measured[mark_of(name, COPIES)][0]


def booted(made: Microbenchmarks, elf: Path) -> Machine:
    """The machine once the firmware has set up clock, flash and caches, and begins to print."""
    machine = Machine(programs.load(elf, None, None, None), made.board, made.core, Options(until=b"#"))
    machine.run()
    return machine
