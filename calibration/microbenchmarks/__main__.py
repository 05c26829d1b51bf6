"""Microbenchmark firmware for a board, and the tables of a fit from what it prints.

    python -m calibration.microbenchmarks --board B -o DIR [--run | --log FILE]

Writes bodies.S, main.c and microbenchmarks.elf into DIR: each body unrolled 32 and 64 times, timed in rounds, printed as marks
over the board's serial port (boards without one: semihosting), ended by a checksum of what was computed; then energy loops.

With --run the ELF is run in mcusim and what it printed becomes DIR/serial.txt; with --log it is read from FILE, as the board
printed it. Either way DIR/rows.csv and DIR/priors.csv are written, which python -m calibration.fit reads.

Exit code: 0; 2 for wrong options or output that is not that of a sound run; 4 for a board that cannot be built for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from calibration import fit_files
from calibration.microbenchmarks.board_model import BoardModel
from calibration.microbenchmarks.firmware import ROUNDS, Microbenchmarks, microbenchmarks_of
from calibration.microbenchmarks.model import rows_of, timed_of
from calibration.microbenchmarks.results import ResultError, Results, read
from kernels_c.toolchain import find_compiler
from mcusim import boards
from mcusim.errors import McusimError
from mcusim.report.files import write_atomically
from mcusim.run import run

NOISE = 0.01


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or that of the error."""
    options = _options(arguments)
    try:
        made = microbenchmarks_of(boards.load(options.board), rounds=options.rounds, energy_seconds=options.energy_seconds)
        elf = made.build(options.output, find_compiler(options.compiler))
        print(f"{elf}: {len(made.bodies)} bodies for {made.board.name}, {made.rounds} rounds")
        if options.run or options.log:
            _tabulate(made, elf, _printed(made, elf, options), options)
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m calibration.microbenchmarks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--board", required=True, help="name or TOML file of a board: see mcusim boards")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for everything written")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each body is timed (default {ROUNDS})")
    parser.add_argument("--energy-seconds", type=float, default=None, metavar="S",
                        help="length of each energy loop (default 1, with --run 0: none)")  # fmt: skip
    parser.add_argument("--compiler", default="", help="gcc or zig; without it the first one found")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", action="store_true", help="run it in mcusim")
    source.add_argument("--log", type=Path, metavar="FILE", help="read what the board printed")
    parser.add_argument("--noise", type=float, default=NOISE, help=f"relative error of a measurement (default {NOISE})")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.noise < 0 or (options.energy_seconds or 0) < 0:
        parser.error("--rounds takes 1 or more; --noise and --energy-seconds take 0 or more")
    if options.energy_seconds is None:
        options.energy_seconds = 0.0 if options.run else 1.0
    return options


def _printed(made: Microbenchmarks, elf: Path, options: argparse.Namespace) -> Results:
    if options.log:
        try:
            text = options.log.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise ResultError(f"{options.log}: cannot be read: {error.strerror}") from None
    else:
        text = run(elf, board=made.board).serial
        write_atomically(options.output / "serial.txt", text)
    return read(text)


def _tabulate(made: Microbenchmarks, elf: Path, results: Results, options: argparse.Namespace) -> None:
    bodies = timed_of(made, elf)
    known = {timed.body.name for timed in bodies}
    rounds = [{name: float(cycles) for name, cycles in one.items() if name in known} for one in results.rounds]
    problem = BoardModel(made.core, bodies).problem(rows_of(rounds, options.noise))
    fit_files.write(problem, options.output / "rows.csv", options.output / "priors.csv")
    print(f"{options.output / 'rows.csv'}: {len(problem.rows)} rows, {len(problem.priors)} parameters, "
          f"checksum {results.checksum:08x}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
