"""Reports for people: a table of layers and totals for one result, a row for each of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from mcusim.bench.bench_report import BenchReport, LayerUse, Result, Room
from mcusim.errors import BoardError
from mcusim.report.quantity import grouped, printable, share, si, size
from mcusim.report.schedule_text import schedule_rows
from mcusim.report.table import make_table, print_parts

if TYPE_CHECKING:
    from rich.console import RenderableType

NONE = "–"
MAIN = "ram"
"""What the main RAM of a board is called."""
COLUMNS = ("layer", "operator", "output", "MACs", "cycles", "per MAC", "time", "share", "RAM live", "flash")
ENERGY = "energy"
"""Column behind the others where it is known."""
SUMMARY = ("model", "board", "MACs", "latency", "RAM", "flash", "fits", "bit exact")


def write_report(report: BenchReport, stream: TextIO) -> None:
    """One result in full; of several, a row each."""
    if len(report.results) == 1 and not report.failures:
        print_parts(stream, result_parts(report.results[0]))
    elif report.results:
        known = any(result.energy_joules is not None for result in report.results)
        rows = [summary_row(result) + _energy(result.energy_joules, known) for result in report.results]
        columns = (*SUMMARY, *([ENERGY] if known else []))
        print_parts(stream, [make_table("", columns, rows, right=len(columns) - 2)])


def result_parts(result: Result) -> Iterator[RenderableType]:
    """Heading, layers, totals."""
    clock = f" at {si(result.clock_hertz, 'Hz')}" if result.clock_hertz else ""
    yield f"{result.model} on {result.board} ({result.core}{clock}), {result.kernels}, {result.compiler}"
    known = result.energy_joules is not None
    rows = [layer_row(layer) + _energy(layer.energy_joules, known) for layer in result.layers]
    columns = (*COLUMNS, *([ENERGY] if known else []))
    rows.append(_total_row(result) + _energy(result.energy_joules, known))
    yield make_table("", columns, rows, right=len(columns) - 3)
    yield "\n".join(total_lines(result))


def layer_row(layer: LayerUse) -> tuple[str, ...]:
    """A layer, in the order of ``COLUMNS``."""
    return (
        layer.name,
        layer.operator,
        "x".join(map(str, layer.shape)) or "scalar",
        grouped(layer.macs) if layer.macs else NONE,
        grouped(layer.cycles) if layer.cycles is not None else NONE,
        f"{layer.cycles_per_mac:.2f}" if layer.cycles_per_mac is not None else NONE,
        si(layer.seconds, "s") if layer.seconds else NONE,
        f"{100 * layer.share:.1f} %" if layer.share is not None else NONE,
        grouped(layer.ram_live_bytes),
        grouped(layer.flash_bytes) if layer.flash_bytes else NONE,
    )


def _energy(joules: float | None, known: bool) -> tuple[str, ...]:
    """The last column, where some energy is known."""
    return (NONE if joules is None else si(joules, "J"),) if known else ()


def _total_row(result: Result) -> tuple[str, ...]:
    cycles = result.latency_cycles
    return (
        "total", "", "", grouped(result.macs), NONE if cycles is None else grouped(cycles),
        f"{cycles / result.macs:.2f}" if cycles is not None and result.macs else NONE, _seconds(result),
        share(1, 1) if cycles else NONE, grouped(result.ram_bytes.arena), grouped(result.flash_bytes.weights),
    )  # fmt: skip


def _seconds(result: Result) -> str:
    return NONE if result.latency_seconds is None else si(result.latency_seconds, "s")


def total_lines(result: Result) -> Iterator[str]:
    """Latency, RAM, flash, whether it fits, and what was compared: a line each."""
    ram, flash = result.ram_bytes, result.flash_bytes
    if result.latency_seconds is not None:
        yield f"latency  {_seconds(result)}, {grouped(result.latency_cycles or 0)} cycles"
    yield from _energy_lines(result)
    bound = result.arena_lower_bound_bytes
    proof = "the smallest there is" if result.arena_proven else f"lower bound {grouped(bound)}"
    yield (
        f"RAM      {size(ram.total)}: arena {grouped(ram.arena)} ({proof}),"
        f" stack {grouped(ram.stack)}{'' if result.fits else ' (reserve)'}, static {grouped(ram.static)} bytes"
    )
    yield f"flash    {size(flash.total)}: code {grouped(flash.code)}, constants {grouped(flash.weights)} bytes"
    yield f"fits     {fit_text(result.room, _further(result))}"
    yield from _elsewhere(result)
    yield from _changed(result)
    yield from (f"{'' if number else 'sparse':8} {printable(line)}" for number, line in enumerate(result.sparse))
    yield from _compared(result)


def _energy_lines(result: Result) -> Iterator[str]:
    if result.energy_joules is None or not result.latency_seconds:
        return
    power = si(result.energy_joules / result.latency_seconds, "W")
    yield f"energy   {si(result.energy_joules, 'J')} an inference, {power} at {result.supply_volts:g} V"
    yield from (f"{name:8} {text}" for name, text in schedule_rows(result.schedule, "an inference"))


def fit_text(room: Room, further: Mapping[str, int | None] = MappingProxyType({})) -> str:
    """Whether it fits, or by how much not; ``further``: memories used besides, with their bytes, None where not known."""
    rows = (("flash", room.flash_missing, room.flash), ("RAM", room.ram_missing, room.ram))
    missing = [f"{grouped(short)} bytes of {name} are missing ({size(all_)} there)" for name, short, all_ in rows if short]
    if missing:
        return f"no: {'; '.join(missing)}"
    *parts, last = (_memory_text(name, all_) for name, all_ in (("flash", room.flash), ("RAM", room.ram), *further.items()))
    return f"yes, in {', '.join(parts)} and {last}"


def _memory_text(name: str, all_bytes: int | None) -> str:
    return printable(name) if all_bytes is None else f"{size(all_bytes)} of {printable(name)}"


def _further(result: Result) -> Mapping[str, int | None]:
    """Memories besides the main RAM that hold some of the arena, and their bytes where the board is as it was."""
    names = [part.memory for part in result.arenas if part.memory != MAIN]
    sizes = _bank_bytes(result) if names else {}
    return {name: sizes.get(name) for name in names}


def _bank_bytes(result: Result) -> Mapping[str, int]:
    """Bytes of the board's memories besides the main RAM; none where the board is not known here, or is another now."""
    from mcusim import boards
    from mcusim.deploy.layout import joined_banks, layout_of

    try:
        board = boards.load(result.board)
        layout = layout_of(board)
    except BoardError:
        return {}
    if (layout.room_bytes, layout.ram_bytes) != (result.room.flash, result.room.ram):
        return {}
    return {bank.name: bank.bytes for bank in (*layout.banks, *joined_banks(board, layout))}


def _elsewhere(result: Result) -> Iterator[str]:
    """Where the arena lies, if not in the main RAM alone."""
    if any(part.memory != MAIN for part in result.arenas):
        parts = ", ".join(f"{grouped(part.bytes)} bytes in {part.memory}" for part in result.arenas)
        yield f"arena    {parts}"


def _changed(result: Result) -> Iterator[str]:
    """What was rewritten, and what that costs."""
    for number, change in enumerate(result.changes):
        yield f"{'' if number else 'changes':8} {printable(change)}"
    if result.changes:
        before = result.macs - result.added_macs
        yield f"         {grouped(result.added_macs)} MACs more ({share(result.added_macs, before)})"


def _compared(result: Result) -> Iterator[str]:
    check = result.check
    if check is not None:
        wrong = f"{check.differing} of {check.samples} outputs differ, by {check.largest_difference} at most"
        yield f"check    {wrong if check.differing else f'bit exact, {check.samples} outputs'} ({check.reference})"
        if check.micro_differing is not None:
            same = check.samples - check.micro_differing
            yield f"         {same} of {check.samples} are as the rules of TensorFlow Lite Micro have them"
    if result.accuracy is not None:
        right, samples = result.accuracy.right, result.accuracy.samples
        yield f"accuracy {share(right, samples)}: {grouped(right)} of {grouped(samples)}"


def summary_row(result: Result) -> tuple[str, ...]:
    """A result, in the order of ``SUMMARY``."""
    exact = {None: NONE, True: "yes", False: "no"}[result.bit_exact]
    return (
        result.model, result.board, grouped(result.macs), _seconds(result), size(result.ram_bytes.total),
        size(result.flash_bytes.total), "yes" if result.fits else f"no{_short(result.room)}", exact,
    )  # fmt: skip


def _short(room: Room) -> str:
    rows: Sequence[tuple[str, int]] = (("flash", room.flash_missing), ("RAM", room.ram_missing))
    return "".join(f", {size(short)} {name}" for name, short in rows if short)
