"""Answers as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from cost_models.answers import Answer, Answers, Figure
from cost_models.explain import Contribution
from mcusim.report.quantity import si, size
from mcusim.report.table import make_table

COLUMNS = ("network", "board", "fits", "known", "latency", "energy", "RAM", "flash")
LEGEND = (
    "in brackets: {share:.0%} intervals; known: no where a layer is larger than all that the model has learnt from;\n"
    "fits: maybe where an interval ends beyond, or where no RAM of the board holds the arena as it is, which 'mcusim bench'\n"
    "spreads over several or rewrites; RAM and all else are those of dense kernels ('--sparse never'), of the network as it is"
)

LAYERS, TERMS = 12, 3
"""As many are shown: layers of a network, terms of a layer."""


def parts(answers: Answers) -> list[Any]:
    """What is printed: a row for each answer, and how each comes about where that was asked for."""
    if not answers.answers:
        return []
    table = make_table("", COLUMNS, map(_cells, answers.answers), right=4)
    explained = [_explanation(each) for each in answers.answers if each.explained]
    return [table, LEGEND.format(share=answers.question.share), *explained]


def _cells(answer: Answer) -> tuple[str, ...]:
    return (
        answer.network, answer.board, answer.fits, "yes" if answer.in_domain else "no",
        _told(answer.latency_seconds, _seconds), _told(answer.energy_joules, _joules),
        _told(answer.ram_bytes, _bytes), _told(answer.flash_bytes, _bytes),
    )  # fmt: skip


def _told(figure: Figure | None, text: Callable[[float], str]) -> str:
    """The value, and its interval unless that is as good as a point; the unit of the ends once where both have it."""
    if figure is None:
        return "–"
    low, high = text(figure.low), text(figure.high)
    if low == high:
        return text(figure.value)
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0]
    return f"{text(figure.value)} ({low} to {high})"


def _seconds(value: float) -> str:
    return si(value, "s", 3)


def _joules(value: float) -> str:
    return si(value, "J", 3)


def _bytes(value: float) -> str:
    return size(round(value))


def _explanation(answer: Answer) -> Any:
    """The layers that take longest, each with its largest terms."""
    layers = [list(terms) for _, terms in groupby(answer.explained, lambda term: term.layer)]
    layers.sort(key=_cycles, reverse=True)
    whole = _cycles(answer.explained)
    rows = [row for layer in layers[:LAYERS] for row in _layer(layer, whole)]
    if layers[LAYERS:]:
        rows.append((f"{len(layers) - LAYERS} others", "", "", "", *_part(sum(map(_cycles, layers[LAYERS:])), whole)))
    title = f"{answer.network} on {answer.board}: {whole:,.0f} cycles"
    return make_table(title, ("layer", "term", "count", "each", "cycles", "share"), rows, right=4)


def _layer(terms: Sequence[Contribution], whole: float) -> Iterator[tuple[str, ...]]:
    yield f"{terms[0].name} ({terms[0].kind})", "", "", "", *_part(_cycles(terms), whole)
    for term in terms[:TERMS]:
        yield "", term.term, f"{term.count:,.0f}", f"{term.cycles_each:.4g}", *_part(term.cycles, whole)
    if terms[TERMS:]:
        yield "", f"{len(terms) - TERMS} others", "", "", *_part(_cycles(terms[TERMS:]), whole)


def _part(cycles: float, whole: float) -> tuple[str, str]:
    return f"{cycles:,.0f}", f"{cycles / whole:.1%}"


def _cycles(terms: Sequence[Contribution]) -> float:
    return sum(term.cycles for term in terms)
