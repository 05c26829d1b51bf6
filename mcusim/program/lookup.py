"""Address spans made disjoint, so that a lookup is one bisection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class Span(NamedTuple, Generic[Value]):
    """Addresses ``start`` to ``end`` (exclusive) and what lies there."""

    start: int
    end: int
    value: Value


def flatten(spans: Iterable[Span[Value]]) -> list[Span[Value]]:
    """Disjoint spans in order of address; where the given ones nest or overlap, the one that starts last wins."""
    result: list[Span[Value]] = []
    open_spans: list[Span[Value]] = []
    position = 0

    def emit_until(limit: int) -> None:
        nonlocal position
        while open_spans and position < limit:
            top = open_spans[-1]
            if top.end <= position:
                open_spans.pop()
                continue
            end = min(top.end, limit)
            result.append(Span(position, end, top.value))
            position = end
        position = max(position, limit)

    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        emit_until(span.start)
        open_spans.append(span)
    emit_until(max((span.end for span in open_spans), default=position))
    return result
