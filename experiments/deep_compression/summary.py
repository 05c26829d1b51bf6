"""Summary: what the seeds of a network say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.pareto.results import Results

KEYS = ("network", "data", "heuristic", "strategy", "type", "sparsity", "board")
MEANS = (
    "accuracy", "difference", "difference_low", "difference_high", "size", "parameters", "nonzeros", "macs",
    "latency_seconds", "energy_joules", "ram_bytes", "flash_bytes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A network on a board, for all seeds: means of those that have a figure, NaN where none has.

    ``relative``: accuracy relative to the dense network's. ``difference``: to the dense float network of the same seed, and
    the ends of its 95 % intervals, all means. ``spread``: standard deviation of the accuracy over seeds. ``fits``: of all.
    """

    network: str
    data: str
    heuristic: str
    strategy: str
    type: str
    sparsity: float
    board: str
    accuracy: float
    difference: float
    difference_low: float
    difference_high: float
    size: float
    parameters: float
    nonzeros: float
    macs: float
    latency_seconds: float
    energy_joules: float
    ram_bytes: float
    flash_bytes: float
    relative: float
    spread: float
    fits: bool
    seeds: int


def summaries(results: Results) -> tuple[Summary, ...]:
    """Of a table of a sweep, in its order. ResultsError for a column that is missing or no number."""
    for name in (*KEYS, "fits"):
        results.check(name)
    numbers = {name: results.numbers(name) for name in (*MEANS, "dense_accuracy", "sparsity")}
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(results.rows):
        groups.setdefault(tuple(row[name] for name in KEYS), []).append(place)
    return tuple(_summary(results, key, rows, numbers) for key, rows in groups.items())


def _summary(results: Results, key: tuple[str, ...], rows: Sequence[int], numbers: dict[str, np.ndarray]) -> Summary:
    told = dict(zip(KEYS, key, strict=True))
    means = {name: _mean(numbers[name][rows]) for name in MEANS}
    accuracies = numbers["accuracy"][rows]
    named: dict[str, Any] = {**told, **means, "sparsity": float(numbers["sparsity"][rows[0]])}
    return Summary(
        **named,
        relative=_mean(accuracies / numbers["dense_accuracy"][rows]),
        spread=float(accuracies.std(ddof=1)) if len(rows) > 1 else 0.0,
        fits=all(results.rows[row]["fits"] == "true" for row in rows),
        seeds=len(rows),
    )


def _mean(values: np.ndarray) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some of the summaries."""

    all: Sequence[Summary]

    def where(self, **wanted: object) -> Chosen:
        """Those whose fields have these values; a tuple allows several."""
        return Chosen([each for each in self.all if all(_is(getattr(each, name), value) for name, value in wanted.items())])

    def once(self) -> Chosen:
        """Each network once, whichever board comes first: for what does not depend on boards."""
        first: dict[tuple[object, ...], Summary] = {}
        for each in self.all:
            first.setdefault((each.network, each.data, each.heuristic, each.type, each.sparsity), each)
        return Chosen(list(first.values()))

    def known(self, quantity: str) -> Chosen:
        """Those with a figure."""
        return Chosen([each for each in self.all if np.isfinite(getattr(each, quantity))])

    def at(self, sparsity: float) -> Summary | None:
        """That of a sparsity, if there is one."""
        return next((each for each in self.all if abs(each.sparsity - sparsity) < 1e-9), None)

    def __iter__(self) -> Iterator[Summary]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def values(self, name: str) -> tuple[str, ...]:
        """Distinct values of a field, in order."""
        return tuple(dict.fromkeys(getattr(each, name) for each in self.all))


def _is(value: object, wanted: object) -> bool:
    return value in wanted if isinstance(wanted, tuple) else value == wanted
