"""Text: fronts as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from experiments.pareto.front import Answer, Front
from experiments.pareto.results import Results, shown
from mcusim.report.table import make_table

SCHEMA = "mcusim.pareto/1"

MOST_COLUMNS = 8
"""Beside x and y."""
MOST_CHOICES = 16
"""Distinct numbers of many digits that are chosen and not measured, as sparsities are."""


def columns_of(answer: Answer, wished: Sequence[str] = ()) -> tuple[str, ...]:
    """x, y, and what tells rows of the fronts apart: columns that are ``wished``, else text that differs, and conditions.

    ResultsError for a wished column that there is not.
    """
    question, results = answer.question, answer.results
    first = (question.x.column, question.y.column)
    for name in wished:
        results.check(name)
    rows = [results.rows[row] for front in answer.fronts for row in front.rows]
    limited = [condition.column for condition in question.conditions if condition.relation not in ("=", "!=")]
    differing = [name for name in results.columns if len({row[name] for row in rows}) > 1 and not _is_measured(results, name)]
    told = wished or [name for name in (*differing, *limited) if name != question.by]
    others = [name for name in dict.fromkeys(told) if name not in first]
    return (*first, *(others if wished else others[:MOST_COLUMNS]))


def _is_measured(results: Results, name: str) -> bool:
    """Whether a column holds numbers of many digits that seldom come again, as measurements are; or keys, which tell nobody."""
    cells = [cell for cell in results.values(name) if cell]
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return name.endswith("_key")
    return len(cells) > min(MOST_CHOICES, len(results.rows) / 2) and any(len(f"{value:g}") > 5 for value in numbers)


def table_of(answer: Answer, front: Front, columns: Sequence[str]) -> list[list[str]]:
    """Cells of a front, for people; behind them how many rows are as good."""
    rows = [answer.results.rows[row] for row in front.rows]
    return [
        [*(shown(name, row[name]) for name in columns), str(alike)] for row, alike in zip(rows, front.alike, strict=True)
    ]


def parts(answer: Answer, wished: Sequence[str] = ()) -> Iterator[Any]:
    """A table of each front, and what is not in it."""
    columns = columns_of(answer, wished)
    for front in answer.fronts:
        title = f"{answer.question.by}: {front.value}" if answer.question.by else ""
        yield make_table(title, (*columns, "alike"), table_of(answer, front, columns), right=len(columns) + 1)
    beaten, broken = (sum(len(each) for each in some) for some in _apart(answer))
    yield f"{beaten} rows are beaten, {broken} break a condition, {answer.unknown} have no figures"


def _apart(answer: Answer) -> tuple[list[Sequence[int]], list[Sequence[int]]]:
    return [front.others for front in answer.fronts], [front.broken for front in answer.fronts]


def to_json(answer: Answer) -> str:
    """As JSON, with cells as they stand in the table."""
    question, results = answer.question, answer.results
    fronts = [
        {
            "value": front.value,
            "rows": [dict(results.rows[row]) for row in front.rows],
            "alike": list(front.alike),
            "beaten": len(front.others),
            "broken": len(front.broken),
        }
        for front in answer.fronts
    ]
    told = {
        "schema": SCHEMA,
        "x": {"column": question.x.column, "sense": question.x.sense},
        "y": {"column": question.y.column, "sense": question.y.sense},
        "conditions": list(map(str, question.conditions)),
        "by": question.by,
        "unknown": answer.unknown,
        "fronts": fronts,
    }
    return json.dumps(told, indent=2)
