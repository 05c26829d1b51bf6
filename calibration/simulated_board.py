"""A board behind a pseudo-terminal whose core and memories are not as their tables say, for ``mcusim calibrate --via sim``.

    python -m calibration.simulated_board --board B --elf FILE --seed N

prints the name of a serial port, and serves it: the firmware of FILE runs in mcusim, on a core and memories whose parameters
were drawn with the seed. What it hears over the port it hears over its console, but for bodies: all are run once, in silence,
and read from the firmware's memory; all answers for it are that measurement with noise and, now and then, a gross error.
--faults makes the line bad: answers damaged, incomplete, cut off by a reset. --like makes memories that no file describes.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import sys
import tty
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from calibration.links.dialogue import FIRST_HASH, HASH_FACTOR, hash_of
from calibration.microbenchmarks import memory_model
from calibration.microbenchmarks.bodies import COPIES
from calibration.microbenchmarks.firmware import mark_of, microbenchmarks_of
from calibration.microbenchmarks.memory_model import Memories, memory_parameters
from calibration.microbenchmarks.parameters import changed, parameters_of
from calibration.microbenchmarks.rehearsal import REHEARSE, TimedTable
from mcusim import boards
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.errors import McusimError
from mcusim.machine.machine import Machine, Options
from mcusim.machine.serial import SerialConsole
from mcusim.machine.what_if import AS_IT_IS, WhatIf
from mcusim.run import core_of

NOISE, OUTLIERS, GROSS = 0.01, 0.01, 1.4
"""Relative standard deviation of a measurement; share of gross errors, and their factor."""
CHANGED = 0.5
"""Share of the parameters that are drawn anew, one cycle around the table's."""
WATCH_SECONDS = 0.5
COMMAND = re.compile(r"run (\S+) ([1-9]\d?)")


class Hangup(Exception):
    """Whom the board was started for has ended."""


def hidden_core(core: Core, seed: int) -> Core:
    """A core that is not as its table says."""
    generator = np.random.default_rng([seed, 0])
    drawn = {
        parameter.name: max(parameter.least, parameter.value + int(generator.integers(-1, 2)))
        for parameter in parameters_of(core)
        if generator.random() < CHANGED
    }
    return changed(core, parameters_of(core), drawn)


def hidden_memories(board: Board, elf: Path, seed: int) -> Board:
    """A board whose memories are not as its file says."""
    if board.ideal:
        return board
    parameters = memory_parameters(microbenchmarks_of(board, energy_seconds=0, commanded=True), elf)
    generator = np.random.default_rng([seed, 3])
    moves = [int(generator.integers(-1, 2)) * (generator.random() < CHANGED) for _ in parameters]
    drawn = [max(each.least, each.value + move) for each, move in zip(parameters, moves, strict=True)]
    return memory_model.changed(Memories(board), parameters, drawn).board


class Noise:
    """Factors of measurements, one after the other; ``answered`` of them were used up before."""

    def __init__(self, seed: int, noise: float, outliers: float, answered: int) -> None:
        self.noise, self.outliers = noise, outliers
        self.generator = np.random.default_rng([seed, 1])
        for _ in range(answered):
            self.factor()

    def factor(self) -> float:
        normal, gross = self.generator.normal(), self.generator.random() < self.outliers
        return float((1 + self.noise * normal) * (GROSS if gross else 1))


class Faults:
    """What happens to a share of the lines on their way."""

    def __init__(self, seed: int, share: float) -> None:
        self.share, self.generator = share, np.random.default_rng([seed, 2])

    def lines(self, lines: Sequence[str]) -> Iterator[str]:
        """The lines as they arrive: damaged, missing, or ended by a reset or by silence."""
        for line in lines:
            if self.generator.random() >= self.share:
                yield line
                continue
            kind = int(self.generator.integers(4))
            if kind == 0:
                place = int(self.generator.integers(len(line)))
                yield f"{line[:place]}~{line[place + 1 :]}"
            elif kind == 1:
                yield "#ready"
            if kind in (1, 2):
                return


class Port:
    """The side of the pseudo-terminal that the board is on."""

    def __init__(self, with_parent: bool) -> None:
        self.board, self.host = pty.openpty()  # the host's side stays open: hosts come and go
        tty.setraw(self.host)
        os.set_blocking(self.board, False)
        self.name = os.ttyname(self.host)
        self.parent = os.getppid() if with_parent else 0
        self.pending = b""

    def hear(self) -> str:
        """The next line of the host. Hangup once the parent has ended."""
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.board], [], [], WATCH_SECONDS)
            if ready:
                self.pending += os.read(self.board, 4096)
            if self.parent and os.getppid() != self.parent:
                raise Hangup
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode("ascii", "replace")

    def say(self, text: str) -> None:
        """What nobody takes in time is lost, as on a wire."""
        data = text.encode("ascii")
        while data:
            _, ready, _ = select.select([], [self.board], [], WATCH_SECONDS)
            if not ready:
                return
            data = data[os.write(self.board, data) :]


class Console(SerialConsole):
    """The firmware's console, at the port: what it prints goes to the host, and when it waits for a command it gets one."""

    def __init__(self, port: Port, noise: Noise, faults: Faults) -> None:
        super().__init__((), None, None)
        self.port, self.noise, self.faults = port, noise, faults
        self.machine: Machine
        self.known: dict[str, tuple[tuple[int, int], str]] = {}
        self.asked: re.Match[str] | None = None
        self.lines: list[str] = []

    def feed(self, channel: str, data: bytes) -> Iterator[bytes]:
        """Commands, where the firmware is done with the one before."""
        self.line += data
        while b"\n" in self.line:
            line, _, rest = bytes(self.line).partition(b"\n")
            self.line = bytearray(rest)
            self.lines.append(line.decode("ascii", "replace"))
            if self.lines[-1].startswith(("#ready", "#done")):
                self._answered()
                yield f"{self._command()}\n".encode()

    def _answered(self) -> None:
        """The firmware has done what it was asked."""
        lines, self.lines = self.lines, []
        if self.asked is None:
            self._say(lines)
            return
        measured = self.table.measured()
        for name in self.bodies:
            (first, result), (second, other) = (measured[mark_of(name, copies)] for copies in (COPIES, 2 * COPIES))
            checksum = ((FIRST_HASH ^ result) * HASH_FACTOR ^ other) * HASH_FACTOR & 0xFFFFFFFF
            self.known[name] = (first, second - first), f"#checksum {checksum:08x} 2 0"
        self._say_measured()

    @cached_property
    def table(self) -> TimedTable:
        """Of the firmware, which has begun to speak."""
        return TimedTable(self.machine)

    @property
    def bodies(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(dict.fromkeys(mark.rpartition(":")[0] for mark in self.table.marks))

    def _command(self) -> str:
        """The next command that the firmware has to run; the first body that is asked for makes it run all of them."""
        while True:
            line = self.port.hear()
            self.asked = COMMAND.fullmatch(line)
            if self.asked is None or self.asked[1] not in self.bodies:
                self.asked = None
                return line
            if not self.known:
                return REHEARSE.decode().strip()
            self._say_measured()

    def _say_measured(self) -> None:
        assert self.asked is not None
        name, rounds = self.asked[1], int(self.asked[2])
        (first, more), checksum = self.known[name]
        lines = []
        for _ in range(rounds):
            twice = first + round(more * self.noise.factor())
            lines += [f"#mark {name}:1n 1 {first}", f"#mark {name}:2n 1 {twice}"]
        lines.append(checksum)
        self._say([*lines, f"#done {hash_of(''.join(f'{line}{chr(10)}' for line in lines)):08x}"])

    def _say(self, lines: Sequence[str]) -> None:
        self.port.say("".join(f"{line}\n" for line in self.faults.lines(lines)))


def serve(board: Board, core: Core, elf: Path, console: Console, what_if: WhatIf = AS_IT_IS) -> None:
    """Runs the firmware on the core until Hangup."""
    machine = Machine(programs.load(elf, None, None, None), board, core, Options(what_if=what_if))
    machine.serial, console.machine = console, machine
    machine.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0; that of an error."""
    options = _options(arguments)
    try:
        board = boards.load(options.board)
        port = Port(options.with_parent)
        noise = Noise(options.seed, options.noise, options.outliers, options.answered)
        console = Console(port, noise, Faults(options.seed, options.faults))
        print(port.name, flush=True)
        memories = hidden_memories(board, options.elf, options.seed)
        serve(memories, hidden_core(core_of(board), options.seed), options.elf, console, WhatIf(placement=tuple(options.like)))
    except (Hangup, KeyboardInterrupt):
        return 0
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _pair(text: str) -> tuple[str, str]:
    memory, equals, other = text.partition("=")
    if not (memory and equals and other):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed is MEMORY=OTHER, names of the board's memories")
    return memory, other


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m calibration.simulated_board", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--board", required=True, help="name or TOML file of a board")
    parser.add_argument("--elf", type=Path, required=True, help="commanded microbenchmarks of that board")
    parser.add_argument("--seed", type=int, default=0, help="of the hidden parameters, and of the noise")
    parser.add_argument("--noise", type=float, default=NOISE, help=f"relative (default {NOISE})")
    parser.add_argument("--outliers", type=float, default=OUTLIERS, help=f"share of gross errors (default {OUTLIERS})")
    parser.add_argument("--faults", type=float, default=0.0, help="share of lines that something happens to")
    parser.add_argument("--like", type=_pair, action="append", default=[], metavar="MEMORY=OTHER",
                        help="a memory that answers as another one does; repeatable")  # fmt: skip
    parser.add_argument("--answered", type=int, default=0, help="measurements already made: the noise goes on behind them")
    parser.add_argument("--with-parent", action="store_true", help="end with the process that started this one")
    options = parser.parse_args(arguments)
    shares = options.outliers, options.faults
    if min(options.seed, options.noise, options.answered, *shares) < 0 or max(shares) >= 1:
        parser.error("--seed, --noise and --answered take numbers from 0 on, --outliers and --faults shares below 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
