"""Summary: what the seeds of a network say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.pareto.results import Results

KEYS = ("network", "data", "heuristic", "strategy", "type", "sparsity", "board")
MEANS = (
    "accuracy", "difference", "size", "parameters", "nonzeros", "macs",
    "latency_seconds", "energy_joules", "ram_bytes", "flash_bytes",
)  # fmt: skip
OTHERS = ("dense_accuracy", "difference_low", "difference_high", "sparsity", "test_samples")


@dataclass(frozen=True, slots=True)
class Summary:
    """A network on a board, for all seeds: means of those that have a figure, NaN where none has.

    ``relative``: accuracy relative to the dense network's. ``difference``: to the dense float network of the same seed, mean,
    and the ends of its 95 % interval: Student's of the mean over seeds, of a single seed Tango's over samples; ``worst``: of
    the seeds. ``spread``: standard deviation of the accuracy over seeds. ``fits``: all that were measured do, and some were.
    ``test_samples``: of the seed with the fewest.
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
    size: float
    parameters: float
    nonzeros: float
    macs: float
    latency_seconds: float
    energy_joules: float
    ram_bytes: float
    flash_bytes: float
    difference_low: float
    difference_high: float
    worst: float
    relative: float
    spread: float
    fits: bool
    test_samples: int
    seeds: int


def summaries(results: Results) -> tuple[Summary, ...]:
    """Of a table of a sweep, in its order. ResultsError for a column that is missing or no number."""
    for name in (*KEYS, "fits"):
        results.check(name)
    numbers = {name: results.numbers(name) for name in (*MEANS, *OTHERS)}
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(results.rows):
        groups.setdefault(tuple(row[name] for name in KEYS), []).append(place)
    return tuple(_summary(results, key, rows, numbers) for key, rows in groups.items())


def _summary(results: Results, key: tuple[str, ...], rows: Sequence[int], numbers: dict[str, np.ndarray]) -> Summary:
    told = dict(zip(KEYS, key, strict=True))
    means = {name: _mean(numbers[name][rows]) for name in MEANS}
    accuracies, differences = numbers["accuracy"][rows], numbers["difference"][rows]
    low, high = interval(differences, numbers["difference_low"][rows[0]], numbers["difference_high"][rows[0]])
    measured = [cell for row in rows if (cell := results.rows[row]["fits"])]
    named: dict[str, Any] = {**told, **means, "sparsity": float(numbers["sparsity"][rows[0]])}
    return Summary(
        **named,
        difference_low=low,
        difference_high=high,
        worst=float(differences.min()),
        relative=_mean(accuracies / numbers["dense_accuracy"][rows]),
        spread=float(accuracies.std(ddof=1)) if len(rows) > 1 else 0.0,
        fits=bool(measured) and all(cell == "true" for cell in measured),
        test_samples=int(numbers["test_samples"][rows].min()),
        seeds=len(rows),
    )


def interval(differences: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Ends of the 95 % interval of a mean over seeds, by Student's t; of one seed ``low`` and ``high``, which are its own."""
    count = len(differences)
    if count < 2:
        return float(low), float(high)
    from scipy.special import stdtrit

    mean, reach = differences.mean(), stdtrit(count - 1, 0.975) * differences.std(ddof=1) / count**0.5
    return float(mean - reach), float(mean + reach)


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

    def of_data(self, network: str, data: str) -> Chosen:
        """Of this network only what was tested with ``data``, and all others."""
        return Chosen([each for each in self.all if each.network != network or each.data == data])

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
