"""Two reports beside each other: what each layer takes more or less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcusim.bench.bench_report import BenchReport, Result
from mcusim.errors import McusimError
from mcusim.report.quantity import grouped
from mcusim.report.table import make_table

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("layer", "operator", "before", "after", "difference", "ratio")


class ComparisonError(McusimError):
    """Two reports that have nothing in common."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure before and after; None where it is not there."""

    name: str
    operator: str
    before: int | None
    after: int | None

    @property
    def difference(self) -> int | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def ratio(self) -> float | None:
        return self.after / self.before if self.before and self.after is not None else None


def pairs(before: BenchReport, after: BenchReport) -> list[tuple[Result, Result]]:
    """Results of the same model on the same board; where each report has one result, these. ComparisonError for none."""
    if len(before.results) == len(after.results) == 1:
        return [(before.results[0], after.results[0])]
    others = {(each.model, each.board): each for each in after.results}
    found = [(each, others[each.model, each.board]) for each in before.results if (each.model, each.board) in others]
    if not found:
        raise ComparisonError("the two reports have no model on the same board in common")
    return found


def changes(before: Result, after: Result) -> list[Change]:
    """Cycles of the layers of both, in their order, layers of ``after`` only at the end."""
    old, new = ({layer.name: layer for layer in result.layers} for result in (before, after))
    names = list(dict.fromkeys([*old, *new]))
    return [
        Change(name, (new.get(name) or old[name]).operator, old[name].cycles if name in old else None,
               new[name].cycles if name in new else None)
        for name in names
    ]  # fmt: skip


def totals(before: Result, after: Result) -> list[Change]:
    """Cycles, RAM and flash of both."""
    return [
        Change("cycles", "", before.latency_cycles, after.latency_cycles),
        Change("RAM bytes", "", before.ram_bytes.total, after.ram_bytes.total),
        Change("flash bytes", "", before.flash_bytes.total, after.flash_bytes.total),
    ]


def comparison_tables(before: BenchReport, after: BenchReport) -> Iterator[Table]:
    """A table for each pair of results: layers, then totals."""
    for old, new in pairs(before, after):
        rows = [_row(change) for change in (*changes(old, new), *totals(old, new))]
        yield make_table(_title(old, new), COLUMNS, rows, right=4)


def _title(old: Result, new: Result) -> str:
    names = [f"{each.model} on {each.board}, {each.kernels}, {each.compiler}" for each in (old, new)]
    return names[0] if names[0] == names[1] else " -> ".join(names)


def _row(change: Change) -> tuple[str, ...]:
    ratio, difference = change.ratio, change.difference
    return (
        change.name, change.operator, _number(change.before), _number(change.after),
        "–" if difference is None else f"{difference:+,}", "–" if ratio is None else f"{ratio:.3f}",
    )  # fmt: skip


def _number(value: int | None) -> str:
    return "–" if value is None else grouped(value)
