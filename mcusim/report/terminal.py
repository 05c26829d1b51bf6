"""The report as a table for people."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from mcusim.report.fault import fault_text
from mcusim.report.quantity import grouped, percent, printable, share, si, size
from mcusim.report.report import Report
from mcusim.report.schedule_text import schedule_rows
from mcusim.report.table import make_table, print_parts

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

TOP_ROWS = 15
"""Rows shown of a long list; all of them stand in the JSON."""
TOP_CAUSES, BUSY_FUNCTIONS = 4, 8
"""Causes named in one row, and functions of which they are, unless all are asked for."""


def write_report(report: Report, stream: TextIO, top: int = TOP_ROWS, causes: bool = False) -> None:
    """Print ``report`` to ``stream``: with colour on a terminal, else plain and each row on one line.

    ``causes``: every cause of every function and mark, not only the largest of the busiest.
    """
    print_parts(stream, _parts(report, top, causes))


def report_text(report: Report, top: int = TOP_ROWS) -> str:
    """What ``write_report`` prints where there is no terminal."""
    stream = io.StringIO()
    write_report(report, stream, top)
    return stream.getvalue()


def _parts(report: Report, top: int, causes: bool) -> Iterator[RenderableType]:
    if report.fault is not None:
        yield fault_text(report.fault).rstrip("\n")
    yield _headline(report)
    breakdown = (_every_cause,) if causes else (_main_causes,)
    memories = (_energy_kinds, _energy_functions, _sections, _traffic, _caches, _paths, _stacks)
    for part in (_marks, _functions, _causes, *breakdown, *memories, _exceptions, _unmodelled):
        table = part(report, top)
        if table.row_count:
            yield table
    if report.warnings:
        yield "\n".join(f"warning: {printable(warning)}" for warning in report.warnings)


def _headline(report: Report) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, text in _headline_rows(report):
        grid.add_row(name, Text(text))
    return grid


def _headline_rows(report: Report) -> Iterator[tuple[str, str]]:
    memory, host = report.memory, report.host
    ended = f"{report.exit.reason}, code {report.exit.code}"
    heap = "unknown" if memory.heap_peak_bytes is None else size(memory.heap_peak_bytes)
    per_instruction = f", {report.cycles / report.instructions:.3f} cycles each" if report.instructions else ""
    yield "program", f"{printable(report.program.path)} on {report.board} (core {report.core})"
    yield "ended", ended + (f": {printable(report.exit.detail)}" if report.exit.detail else "")
    yield "time", f"{si(report.latency_seconds, 's')} simulated, clock {si(report.clock_hertz, 'Hz')} at the end"
    yield "cycles", grouped(report.cycles)
    yield "instructions", f"{grouped(report.instructions)}{per_instruction}"
    yield "flash", size(memory.flash_bytes)
    yield "RAM", f"{size(memory.ram_static_bytes)} static, stack peak {size(memory.stack_peak_bytes)}, heap peak {heap}"
    yield from _energy_rows(report)
    yield "host", f"{si(host.wall_seconds, 's', 3)}, {host.instructions_per_second / 1e6:.3g} million instructions/s"


def _energy_rows(report: Report) -> Iterator[tuple[str, str]]:
    energy = report.energy
    if energy is None or report.energy_joules is None:
        return
    mean = f"{si(energy.mean_watts, 'W')} on average at {energy.supply_volts:g} V"
    yield "energy", f"{si(report.energy_joules, 'J')}, {mean} ({printable(energy.grade)})"
    yield from schedule_rows(energy.schedule, "a run")


def _energy_kinds(report: Report, top: int) -> Table:
    kinds = sorted(report.energy.by_kind.items(), key=lambda item: -item[1]) if report.energy else ()
    rows = ((kind, si(joules, "J"), percent(joules, report.energy_joules)) for kind, joules in kinds)
    return make_table("energy by kind of event", ("kind", "energy", "share"), rows, right=2)


def _energy_functions(report: Report, top: int) -> Table:
    marks = [(f"mark {row.name}", row.energy_joules, row.cycles) for row in report.marks]
    functions = [(row.name, row.energy_joules, row.self_cycles) for row in report.functions]
    known = [row for row in (*marks, *sorted(functions, key=lambda row: -(row[1] or 0))[:top]) if row[1]]
    rows = (
        (name, si(joules or 0, "J"), percent(joules, report.energy_joules), si((joules or 0) / cycles, "J") if cycles else "–")
        for name, joules, cycles in known
    )
    return make_table("energy by mark and function", ("in", "energy", "share", "each cycle"), rows, right=3)


def _title(name: str, top: int, total: int) -> str:
    return f"{name} ({top} of {total})" if top < total else name


def _functions(report: Report, top: int) -> Table:
    functions = sorted(report.functions, key=lambda row: (-row.self_cycles, row.name))
    rows = (
        (
            row.name,
            grouped(row.calls),
            grouped(row.self_cycles),
            share(row.self_cycles, report.cycles),
            grouped(row.inclusive_cycles),
            share(row.inclusive_cycles, report.cycles),
        )
        for row in functions[:top]
    )
    columns = ("function", "calls", "self cycles", "self", "inclusive cycles", "inclusive")
    return make_table(_title("functions", top, len(functions)), columns, rows, right=5)


def _marks(report: Report, top: int) -> Table:
    rows = (
        (
            row.name,
            grouped(row.count),
            grouped(row.cycles),
            share(row.cycles, report.cycles),
            f"{row.cycles / row.count:,.1f}" if row.count else "–",
        )
        for row in report.marks
    )
    return make_table("marks", ("mark", "count", "cycles", "share", "cycles each"), rows, right=4)


def _sections(report: Report, top: int) -> Table:
    sections = sorted(report.sections, key=lambda row: row.address)
    rows = ((row.name, row.kind, row.region or "–", f"{row.address:#010x}", size(row.size)) for row in sections[:top])
    columns = ("section", "kind", "region", "address", "size")
    return make_table(_title("sections", top, len(sections)), columns, rows, right=2)


def _traffic(report: Report, top: int) -> Table:
    used = ((name, row) for name, row in report.memory.regions.items() if row.read_bytes or row.written_bytes)
    rows = ((name, size(row.read_bytes), size(row.written_bytes)) for name, row in used)
    return make_table("memory traffic", ("region", "read", "written"), rows, right=2)


def _stacks(report: Report, top: int) -> Table:
    rows = (
        (
            row.name,
            " > ".join(row.path),
            size(row.peak_bytes),
            "–" if row.limit_bytes is None else size(row.limit_bytes),
        )
        for row in report.stacks
    )
    return make_table("stacks", ("stack", "deepest call path", "peak", "limit"), rows, right=2)


def _exceptions(report: Report, top: int) -> Table:
    rows = (
        (row.name, str(row.number), grouped(row.count), grouped(row.cycles), share(row.cycles, report.cycles))
        for row in report.exceptions
    )
    return make_table("exceptions", ("exception", "number", "count", "cycles", "share"), rows, right=4)


def _causes(report: Report, top: int) -> Table:
    causes = sorted(report.causes.items(), key=lambda item: -item[1])
    rows = ((name, grouped(cycles), share(cycles, report.cycles)) for name, cycles in causes if cycles)
    return make_table("where the cycles went", ("cause", "cycles", "share"), rows, right=2)


def _stretches(report: Report) -> Iterator[tuple[str, int, Mapping[str, int]]]:
    """Marks and then functions that are broken down: name, cycles, causes."""
    yield from ((f"mark {mark.name}", mark.cycles, mark.causes) for mark in report.marks if mark.causes)
    functions = sorted(report.functions, key=lambda row: (-row.self_cycles, row.name))
    yield from ((row.name, row.self_cycles, row.causes) for row in functions if row.causes)


def _main_causes(report: Report, top: int) -> Table:
    marks = sum(bool(mark.causes) for mark in report.marks)
    shown = list(islice(_stretches(report), marks + BUSY_FUNCTIONS))
    rows = ((name, grouped(cycles), _shares(causes, cycles)) for name, cycles, causes in shown)
    return make_table("where they went, by mark and function", ("in", "cycles", "most of them"), rows, right=0)


def _shares(causes: Mapping[str, int], cycles: int) -> str:
    most = sorted(causes.items(), key=lambda item: -item[1])[:TOP_CAUSES]
    return ", ".join(f"{name} {share(part, cycles)}" for name, part in most)


def _every_cause(report: Report, top: int) -> Table:
    rows = (
        (name, cause, grouped(part), share(part, cycles))
        for name, cycles, causes in _stretches(report)
        for cause, part in sorted(causes.items(), key=lambda item: -item[1])
    )
    return make_table("where they went, by mark and function", ("in", "cause", "cycles", "share"), rows, right=2)


def _caches(report: Report, top: int) -> Table:
    rows = (
        (row.name, grouped(row.hits), grouped(row.misses), grouped(row.writebacks), f"{100 * row.hit_rate:.2f} %")
        for row in report.caches
    )
    return make_table("caches", ("cache", "hits", "misses", "written back", "hit rate"), rows, right=4)


def _paths(report: Report, top: int) -> Table:
    rows = (
        (row.region, row.kind, grouped(row.units), grouped(row.stall_cycles), share(row.stall_cycles, report.cycles))
        for row in sorted(report.memory_paths, key=lambda row: -row.stall_cycles)
    )
    return make_table("waiting for memories", ("region", "for", "units", "cycles", "share"), rows, right=3)


def _unmodelled(report: Report, top: int) -> Table:
    registers = sorted(report.unmodelled, key=lambda row: -row.accesses)
    rows = ((row.peripheral, f"{row.offset:#x}", grouped(row.accesses)) for row in registers[:top])
    title = _title("registers that are not modelled", top, len(registers))
    return make_table(title, ("peripheral", "offset", "accesses"), rows, right=2)
