"""One board as text: its calibration, and every value with its source, by group."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mcusim.report.quantity import printable, si

if TYPE_CHECKING:
    from mcusim.boards import Board
    from mcusim.boards.calibrated import Timing
    from mcusim.boards.sources import Source, Stated

NOT_STATED = "not stated"
USES = {True: "with which the core's rules were chosen", False: "held out of any fit"}
TABLE = re.compile(r"(?:\w+\.){2}parameters\.(?:clocks\.\w+|reset)(?=\.)|\w+\.\w+(?=\.)|\w+(?=\.)")
"""The part of a key that stays together on one line: a clock of a tree, reset values, memories.ram, parameters."""
CORE_TABLE = "instructions and the rules between them: mcusim/cores/{}.py and docs/timing.md, each figure beside its source"
PLAIN_BELOW = 0x1000
"""Whole numbers from here on are addresses or contents of registers, unless a key says hertz, bytes or the like."""
COUNTED = ("hertz", "bytes", "cycles", "clocks", "lines", ".table")
"""What such keys end in."""

Test = Callable[[str, "Board"], bool]


def _begins(*beginnings: str) -> Test:
    return lambda key, board: any(key == each or key.startswith(each + ".") for each in beginnings)


def _is_clock(key: str, board: Board) -> bool:
    tree = f"peripherals.{board.clock_peripheral}.parameters.clocks"
    own = ("clock_hertz", "rated_hertz", "clock_peripheral", "systick_reference_hertz", "parameters.wait_states", tree)
    return _begins(*own)(key, board) or (key.startswith("peripherals.") and key.endswith(".parameters.hertz"))


def _is_cache(key: str, board: Board) -> bool:
    names = {name for region in board.memories for name in (region.controller, region.cache) if name}
    inner = [spec.parameters for spec in board.peripherals if spec.name in names]
    names |= {part for each in inner for part in (each.get("flash"), each.get("cache")) if isinstance(part, str)}
    own = ("parameters.instruction_cache", "parameters.data_cache", "parameters.buses")
    return _begins(*own, *(f"peripherals.{name}" for name in names))(key, board)


CORE = "core"
GROUPS: Mapping[str, Test] = {
    "caches and buffers": _is_cache,
    "clocks": _is_clock,
    "memories": _begins("memories"),
    "energy": _begins("energy"),
    "firmware of ours": _begins("firmware", "serial", "parameters.boot", "parameters.vector_tables"),
    "peripherals": _begins("peripherals"),
    CORE: lambda key, board: True,
}
"""Where a key belongs: the first group whose test holds."""
ORDER = (CORE, "clocks", "memories", "caches and buffers", "energy", "firmware of ours", "peripherals")


def short_timing(timing: Timing | None) -> str:
    """Median error and number of measurements, for a table."""
    if timing is None:
        return "–"
    return f"{'core ' if timing.of_core else ''}±{timing.median_error:.1%} ({len(timing.rows)})".replace("%", " %")


def short_energy(board: Board) -> str:
    """The first words of the energy table's grade, for a table."""
    return board.energy.grade.split(",")[0] if board.energy else "–"


def text_of(board: Board, values: Iterable[Stated], timing: Timing | None, width: int) -> Iterator[str]:
    """Lines about a board, none longer than ``width`` where words allow it."""
    yield f"{board.name}: {board.description or board.mcu or 'board'}"
    rated = f", rated {si(board.rated_hertz, 'Hz')}" if board.rated_hertz else ""
    yield f"core {board.core}, clock after reset {si(board.clock_hertz, 'Hz')}{rated}"
    yield from _calibration(board, timing, width)
    if board.documents:
        yield from _wrapped(f"documents: {'; '.join(board.documents)}", width, "", "  ")
    groups: dict[str, list[Stated]] = {name: [] for name in ORDER}
    for value in values:
        groups[next(name for name, test in GROUPS.items() if test(value.key, board))].append(value)
    for name, members in groups.items():
        if members:
            yield from ("", name, *_group(members, width))
        if name == CORE:
            yield from _wrapped(CORE_TABLE.format(board.core), width, "  ", "    ")


def _calibration(board: Board, timing: Timing | None, width: int) -> Iterator[str]:
    yield from ("", "calibration")
    for line in (*_timing(board, timing), f"energy: {_energy(board)}"):
        yield from _wrapped(line, width, "  ", "    ")


def _timing(board: Board, timing: Timing | None) -> Iterator[str]:
    from mcusim.boards.calibrated import SOURCE

    if timing is None:
        yield f"timing: no measurement of this board or of another {board.core} was held against it"
        return
    if timing.of_core:
        yield f"timing: of the core only ({timing.subject}); its memories were not held against measurements"
    for memory, part in timing.by_memory():
        errors = f"median error {part.median_error:.2%}, worst {part.worst_error:+.2%}".replace("%", " %")
        yield f"timing, {memory}: {counted(len(part.rows), 'measurement')}, {USES[bool(part.fitted_rows)]}: {errors}"
    yield f"timing, source: {SOURCE}"


def _energy(board: Board) -> str:
    table = board.energy
    return f"{table.grade}, at {table.supply_volts:g} V" if table else "no table"


def _group(members: Iterable[Stated], width: int) -> Iterator[str]:
    by_source: dict[Source | None, dict[str, list[str]]] = {}
    for value in members:
        table, name = _split(value.key)
        text = f"{name} = {shown(value.value, value.key)}"
        by_source.setdefault(value.source, {}).setdefault(table, []).append(text)
    for source, tables in by_source.items():
        yield from _wrapped(str(source) if source else NOT_STATED, width, "  ", "    ")
        for table, values in tables.items():
            yield from _wrapped(f"{table}{': ' if table else ''}{', '.join(values)}", width, "    ", "      ")


def _split(key: str) -> tuple[str, str]:
    """The table that a key is shown under, and the rest of the key."""
    table = TABLE.match(key)
    return (table[0], key[table.end() + 1 :]) if table else ("", key)


def shown(value: Any, key: str = "") -> str:
    """A value on one line; large whole numbers in hexadecimal, unless their key says that they count something."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {shown(each, name)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(each, key) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        counted = value < PLAIN_BELOW or key.lower().endswith(COUNTED)
        return str(value) if value < PLAIN_BELOW else f"{value:_}" if counted else f"{value:#010x}"
    return str(value) or '""'


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _wrapped(text: str, width: int, first: str, other: str) -> list[str]:
    return textwrap.wrap(printable(text), width, initial_indent=first, subsequent_indent=other, break_long_words=False)
