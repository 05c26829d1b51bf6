"""Front: the points that no other point beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from experiments.pareto.conditions import Condition
from experiments.pareto.results import Results, ResultsError

SENSES: Mapping[str, float] = {"min": 1.0, "max": -1.0}
"""What is better, and the sign by which less is."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A column, and whether less of it is better (``min``) or more (``max``)."""

    column: str
    sense: str

    @classmethod
    def read(cls, text: str, usual: str) -> Axis:
        """``COLUMN`` or ``COLUMN:min``, ``COLUMN:max``. ResultsError for another sense."""
        column, colon, sense = text.partition(":")
        if colon and sense not in SENSES:
            raise ResultsError(f"{text!r}: {sense!r}; allowed: {' or '.join(SENSES)} after the colon")
        return cls(column, sense or usual)

    def losses(self, results: Results) -> np.ndarray:
        """Of each row; less is better."""
        return SENSES[self.sense] * results.numbers(self.column)

    def __str__(self) -> str:
        return f"{self.column} ({self.sense})"


@dataclass(frozen=True, slots=True)
class Question:
    """``by``: a column for each of whose values there is a front, "" for one front of all."""

    x: Axis
    y: Axis
    conditions: tuple[Condition, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Front:
    """The front of the rows that have ``value`` in the column asked for, by x. Rows are places in ``Answer.results``.

    ``others``: rows that meet the conditions and are beaten; ``broken``: rows that do not meet them. ``alike``: of each row
    of the front, how many rows are as good as it in both; the first of them stands for all.
    """

    value: str
    rows: tuple[int, ...]
    alike: tuple[int, ...]
    others: tuple[int, ...]
    broken: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``unknown``: rows left out since x or y is empty."""

    question: Question
    results: Results
    fronts: tuple[Front, ...]
    unknown: int


def undominated(losses: np.ndarray) -> np.ndarray:
    """Rows of ``losses``, [rows, 2], that no other row beats: is as good in both and better in one. Sorted by the first.

    Of rows that are alike, the first. A walk along the first loss, which keeps what betters the second.
    """
    order = np.lexsort((np.arange(len(losses)), losses[:, 1], losses[:, 0]))
    second = losses[order, 1]
    before = np.minimum.accumulate(np.concatenate([[np.inf], second]))[:-1]
    return np.asarray(order[second < before])


def undominated_plainly(losses: np.ndarray) -> list[int]:
    """The slow twin: each row against each other."""
    rows = range(len(losses))
    beaten = [any(_beats(losses[j], losses[i]) or (j < i and (losses[i] == losses[j]).all()) for j in rows) for i in rows]
    return sorted((i for i in rows if not beaten[i]), key=lambda i: float(losses[i, 0]))


def _beats(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one <= other).all() and (one < other).any())


def answered(question: Question, results: Results) -> Answer:
    """Fronts of a table. ResultsError for columns that are not there, or where no row is left to be told of."""
    losses = np.stack([question.x.losses(results), question.y.losses(results)], axis=1)
    known = np.isfinite(losses).all(axis=1)
    met = known.copy()
    for condition in question.conditions:
        met &= condition.holds(results)
    if not met.any():
        wanted = ", ".join(map(str, question.conditions)) or "no condition"
        raise ResultsError(
            f"{results.path}: of {len(results.rows)} rows, {int(known.sum())} have {question.x.column} and {question.y.column},"
            f" and none of them meets {wanted}"
        )
    fronts = tuple(front for front in _fronts(question, results, losses, known, met) if front.rows)
    return Answer(question, results, fronts, int((~known).sum()))


def _fronts(
    question: Question, results: Results, losses: np.ndarray, known: np.ndarray, met: np.ndarray
) -> Iterator[Front]:  # fmt: skip
    values = results.values(question.by) if question.by else ("",)
    for value in values:
        own = np.array([not question.by or row[question.by] == value for row in results.rows], bool)
        places = np.flatnonzero(own & met)
        best = places[undominated(losses[places])]
        alike = [int((losses[places] == losses[i]).all(axis=1).sum()) for i in best]
        others, broken = np.setdiff1d(places, best), np.flatnonzero(own & known & ~met)
        yield Front(value, *(tuple(map(int, each)) for each in (best, alike, others, broken)))
