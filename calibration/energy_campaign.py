"""A board's energy table from the power of its energy loops, behind a campaign or on its own.

What the loops do is counted on the board as it was found, from the same loops run for a shorter time. A simulated board has a
table of its own that is hidden, and an instrument that is as good as one; its readings go into the log of the session, one by
one, so that an interruption loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.instruments.formats import read_trace
from calibration.microbenchmarks.energy_model import FittedEnergy, Loop, fit_energy, loops_of, table_at
from calibration.microbenchmarks.firmware import microbenchmarks_of
from calibration.power_readings import Reading, hidden_table, readings_of, simulated_reading, supply_of
from calibration.session import Drawn, Session
from kernels_c.toolchain import Compiler
from mcusim.boards import Board
from mcusim.boards.core_timing import CoreNumber
from mcusim.boards.energy_table import EnergyTable
from mcusim.cores import Core
from mcusim.cores.numbers import numbers_of

LOOP_CYCLES = 30_000
"""Of a loop whose events are counted: enough turns that call and set-up are what they are in a second."""
SUPPLY_VOLTS = 3.0
"""Of a simulated board whose file says nothing."""
SAME_SUPPLY = 0.02
"""Relative difference of supplies up to which a table holds."""
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class EnergyFound:
    """The fit, and the table that it began with; ``known``: it is that of the board's file."""

    fitted: FittedEnergy
    base: EnergyTable
    known: bool


def base_of(board: Board, supply_volts: float) -> EnergyTable:
    """The board's own table, if it holds at this supply; else one that knows no figures."""
    own = board.energy
    if own is None:
        return table_at(supply_volts)
    if abs(supply_volts / own.supply_volts - 1) < SAME_SUPPLY:
        return own
    return replace(own, supply_volts=supply_volts, joules={}, static_watts={})


def as_found(board: Board, core: Core) -> Board:
    """The board with a core's numbers in place of its table's."""
    timing = {name: CoreNumber(number.value, "fitted") for name, number in numbers_of(core).items()}
    return replace(board, timing=timing)


def counted(board: Board, folder: Path, compiler: Compiler, clocks: Sequence[int]) -> tuple[Loop, ...]:
    """The energy loops of a board at each clock."""
    own = board.rated_hertz or board.clock_hertz
    elf = microbenchmarks_of(board, rounds=1, energy_seconds=LOOP_CYCLES / own).build(folder, compiler)
    at_own = loops_of(board, elf)
    # memories that answer at once do so at any clock
    others = (at_own if hertz == own else tuple(replace(loop, hertz=hertz) for loop in at_own) if board.ideal
              else loops_of(board, elf, hertz) for hertz in clocks)  # fmt: skip
    return tuple(loop for loops in others for loop in loops)


def fitted(board: Board, loops: Sequence[Loop], readings: Sequence[Reading], base: EnergyTable, how: str) -> EnergyFound:
    """The table that explains readings, in the order of measuring. FitError for loops that the firmware does not have."""
    clocks = " and ".join(f"{hertz:,} Hz" for hertz in sorted({each.hertz for each in readings}, reverse=True))
    conditions = f"energy loops at {base.supply_volts:g} V and {clocks}, {how}"
    powers = [power for each in readings for power in each.powers]
    return EnergyFound(fit_energy(loops, powers, base, conditions=conditions), base, base is board.energy)


def simulated_energy(
    board: Board, hidden: Board, session: Session, seed: int, folder: Path, compiler: Compiler, tell: Tell
) -> EnergyFound:
    """Energy of a simulated board: ``board`` as it was found, ``hidden`` as it is. Readings are those of the log, then new."""
    own = board.rated_hertz or board.clock_hertz
    clocks, base = (own, own // 2), base_of(board, board.energy.supply_volts if board.energy else SUPPLY_VOLTS)
    done = [event for event in session.events if isinstance(event, Drawn)]
    loops = counted(board, folder, compiler, clocks)
    there = counted(hidden, folder, compiler, clocks) if len(done) < len(loops) else ()
    table = hidden_table(base, there, seed) if there else base
    tell(f"power of {len(loops)} energy loops, at {own:,} Hz and half of it; {len(done)} are there")
    for number, loop in list(enumerate(there))[len(done) :]:
        reading = simulated_reading(loop, number, table, seed)
        session.append(Drawn(reading.loop, reading.hertz, reading.watts))
    drawn = [event for event in session.events if isinstance(event, Drawn)]
    readings = [Reading(each.loop, each.hertz, each.watts) for each in drawn]
    return fitted(board, loops, readings, base, "of a simulated board")


def recorded_energy(
    board: Board, files: Sequence[tuple[Path, Path]], supply_volts: float | None, folder: Path, compiler: Compiler
) -> EnergyFound:
    """Energy from traces and logs: one of each for every clock."""
    own = board.rated_hertz or board.clock_hertz
    traces = [read_trace(trace) for trace, _ in files]
    readings = [reading for trace, (_, log) in zip(traces, files, strict=True)
                for reading in readings_of(trace, log, own, supply_volts)]  # fmt: skip
    clocks = list(dict.fromkeys(reading.hertz for reading in readings))
    how = f"traces {', '.join(trace.name for trace, _ in files)}"
    base = base_of(board, float(np.mean([supply_of(trace, supply_volts) for trace in traces])))
    return fitted(board, counted(board, folder, compiler, clocks), readings, base, how)
