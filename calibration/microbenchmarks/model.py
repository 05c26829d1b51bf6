"""What a core's table says to each body, and the rows of a fit: how much each parameter adds to each body.

A body is priced as the machine prices it, by the core's pipeline, from the code in the ELF; its branches go where the body
says. The price depends on the parameters linearly only in part (what overlaps is hidden until it is longest), so that counts
hold near the core that they are taken of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.microbenchmarks.bodies import COPIES, Body
from calibration.microbenchmarks.firmware import Microbenchmarks, symbol_of
from calibration.microbenchmarks.parameters import Parameter, parameters_of
from calibration.microbenchmarks.prices import Course, Prices, Step, Timed, cycles_of
from calibration.regression import Array, FitError
from mcusim import program as programs
from mcusim.cores import Core
from mcusim.isa.decode import decode, open_slots
from mcusim.isa.instruction import ALWAYS, Block, Instruction
from mcusim.program import Program

__all__ = [
    "Course", "Prices", "Row", "Timed", "counts_of", "cycles_of", "felt_of", "of_lines", "rows_of", "timed_of", "values_of",
]  # fmt: skip
Flags = npt.NDArray[np.bool_]

LEAST_SD = 0.5
"""Standard deviation in cycles below which no measurement of a counter is trusted."""


def timed_of(made: Microbenchmarks, elf: Path, lines: bool = False) -> tuple[Timed, ...]:
    """Bodies of an ELF as the core executes them; with ``lines`` those too whose price is the memories' (``of_lines``)."""
    loaded = programs.load(elf, None, None, None)
    bodies = (body for body in made.bodies if lines or not of_lines(body))
    return tuple(_timed(loaded, body) for body in bodies)


def _timed(loaded: Program, body: Body) -> Timed:
    once, twice = (_course(loaded, body, copies) for copies in (COPIES, 2 * COPIES))
    return Timed(body, once, twice, twice.copies, twice.kinds)


def of_lines(body: Body) -> bool:
    """Whether a body meets one line of flash or cache at a time: ``lines`` and ``jumps``, cold and again."""
    return body.cold or body.in_memory == "constants" or body.name.startswith("jumps")


def counts_of(
    core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], prices: Prices | None = None
) -> tuple[Array, Array]:
    """Cycles of each body, (bodies,), and how much one more of each parameter adds to them, (bodies, parameters)."""
    prices = prices or Prices()
    cycles = np.array([prices.cycles(core, timed) for timed in bodies], dtype=float)
    counts = np.zeros((len(bodies), len(parameters)))
    now = {parameter.name: parameter for parameter in parameters_of(core)}
    felt = felt_of(core, parameters, bodies, prices)
    for column, parameter in enumerate(parameters):
        more = parameter.change(core, _value(now, parameter) + 1)
        for row in np.flatnonzero(felt[:, column]).tolist():
            counts[row, column] = prices.cycles(more, bodies[row]) - cycles[row]
    return cycles, counts


def felt_of(core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], prices: Prices) -> Flags:
    """Whether each body's price on this core looks at each parameter at all, (bodies, parameters)."""
    read = [prices.read(core, timed) for timed in bodies]
    return np.array(
        [
            [bool(each.kinds & timed.kinds) if each.kinds else each.name in names for each in parameters]
            for timed, names in zip(bodies, read, strict=True)
        ],
        dtype=bool,
    ).reshape(len(bodies), len(parameters))


def _value(now: Mapping[str, Parameter], parameter: Parameter) -> int:
    """The parameter's value in another core than the one it was read from; a field that became 0 is no longer listed."""
    return now[parameter.name].value if parameter.name in now else 0


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement: cycles that n more copies of a body took; ``sd`` its standard deviation."""

    name: str
    body: str
    cycles: float
    sd: float


def rows_of(rounds: Iterable[Mapping[str, float]], noise: float) -> tuple[Row, ...]:
    """Rows in the order of measuring; ``noise`` is the relative standard deviation of a measurement."""
    return tuple(
        Row(f"{name}/{number}", name, cycles, max(noise * abs(cycles), LEAST_SD))
        for number, cycles_by_body in enumerate(rounds, 1)
        for name, cycles in cycles_by_body.items()
    )


def values_of(core: Core, parameters: Sequence[Parameter]) -> dict[str, int]:
    """Parameters by name as they are in a core's table."""
    now = {parameter.name: parameter for parameter in parameters_of(core)}
    return {parameter.name: _value(now, parameter) for parameter in parameters}


# --- walking ------------------------------------------------------------------------------------------------------------
def _course(loaded: Program, body: Body, copies: int) -> Course:
    """From the function's first instruction, which fetch may run ahead from, to the last copy."""
    symbol = symbol_of(body, copies)
    address, begin, end = (loaded.symbols_named(f"{symbol}{name}")[0].address for name in ("", "_begin", "_end"))
    blocks: list[Step] = []
    run: list[Instruction] = []
    slots: tuple[int, ...] = ()
    turn = 1
    size = (end - begin) // copies
    cuts = set(range(begin, end, size))
    while address < end:
        one = decode(_code(loaded, address), address, slots)
        slots = open_slots(one, slots)
        run.append(one)
        if one.branch is None and one.end < end and (one.end not in cuts or slots):
            address = one.end
            continue
        back = 0 <= (one.branch.target if one.branch is not None else -1) <= one.address
        taken = one.branch is not None and (turn < body.turns if back else body.taken or not _conditional(one))
        turn = turn + 1 if back and taken else turn if one.branch is None else 1
        blocks.append(Step(Block(run[0].address, tuple(run)), taken, back and not taken))
        address, run = (_target(one, body) if taken else one.end), []
    return Course(body, tuple(blocks), begin, size)


def _code(loaded: Program, address: int) -> bytes:
    """Bytes of code where the program expects them when it runs."""
    for segment in loaded.segments:
        offset = address - segment.virtual_address
        if 0 <= offset < len(segment.data):
            return segment.data[offset : offset + 4]
    raise FitError(f"no code at {address:#010x}")


def _conditional(one: Instruction) -> bool:
    return one.branch is not None and (one.condition != ALWAYS or one.branch.kind == "compare")


def _target(one: Instruction, body: Body) -> int:
    assert one.branch is not None
    if one.branch.target >= 0:
        return one.branch.target
    return one.end + body.landing if body.landing >= 0 else (one.end + 3) & ~3
