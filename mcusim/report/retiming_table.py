"""Answers of ``mcusim retime`` as a table for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from mcusim.report.quantity import grouped, printable, share, si
from mcusim.report.retiming import Answer, Retiming
from mcusim.report.table import make_table, print_parts

if TYPE_CHECKING:
    from rich.console import RenderableType

AS_RUN = "as run"
FUNCTION_ROWS, CAUSE_COLUMNS = 10, 4
SWITCH = {True: "on", False: "off", None: AS_RUN}
ENERGY = ("energy", "power")
ASSUMED = ("clock", "wait states", "caches", "prefetch", "placement")


def write_retiming(retiming: Retiming, stream: TextIO) -> None:
    """Print all answers: one row each, causes side by side, then what is to be noted."""
    print_parts(stream, _parts(retiming))


def _parts(retiming: Retiming) -> Iterator[RenderableType]:
    recorded = f"{grouped(retiming.cycles)} cycles, {si(retiming.seconds, 's')}"
    yield f"{printable(retiming.program.path)} on {retiming.board} ({retiming.core}); saved run: {recorded}"
    shown = _shown(retiming.answers)
    energies = any(answer.energy_joules is not None for answer in retiming.answers)
    rows = [_row(answer, shown, retiming.cycles) + (_energy(answer) if energies else ()) for answer in retiming.answers]
    columns = ("cycles", "of saved", "time", *(ENERGY if energies else ()))
    yield make_table("", (*shown, "answer", *columns), rows, right=len(columns))
    causes = _causes(retiming.answers)
    if causes and len(retiming.answers) <= CAUSE_COLUMNS:
        table = [(cause, *(grouped(answer.causes.get(cause, 0)) for answer in retiming.answers)) for cause in causes]
        names = [_name(answer) for answer in retiming.answers]
        yield make_table("cycles by cause", ("cause", *names), table, len(names))
    if len(retiming.answers) == 1 and retiming.answers[0].functions:
        yield _functions(retiming.answers[0])
    notes = list(_notes(retiming.answers))
    if notes:
        yield "\n".join(notes)


def _values(answer: Answer) -> dict[str, str]:
    """What is assumed, by column."""
    return {
        "clock": AS_RUN if answer.clock_hertz is None else si(answer.clock_hertz, "Hz"),
        "wait states": AS_RUN if answer.wait_states is None else str(answer.wait_states),
        "caches": SWITCH[answer.caches],
        "prefetch": SWITCH[answer.prefetch],
        "placement": ", ".join(f"{memory} as {like}" for memory, like in answer.placement.items()) or AS_RUN,
    }


def _shown(answers: tuple[Answer, ...]) -> list[str]:
    """Columns in which some answer assumes something."""
    return [name for name in ASSUMED if any(_values(answer)[name] != AS_RUN for answer in answers)]


def _row(answer: Answer, shown: list[str], cycles: int) -> tuple[str, ...]:
    values = _values(answer)
    ratio = share(answer.cycles, cycles)
    return (*(values[name] for name in shown), answer.how, grouped(answer.cycles), ratio, si(answer.seconds, "s"))


def _energy(answer: Answer) -> tuple[str, ...]:
    """Energy and mean power, in the order of ``ENERGY``."""
    if answer.energy_joules is None or not answer.seconds:
        return "–", "–"
    return si(answer.energy_joules, "J"), si(answer.energy_joules / answer.seconds, "W")


def _name(answer: Answer) -> str:
    values = [value for name, value in _values(answer).items() if value != AS_RUN and name != "wait states"]
    if answer.wait_states is not None:
        values.append(f"{answer.wait_states} WS")
    return " ".join(values) or AS_RUN


def _causes(answers: tuple[Answer, ...]) -> list[str]:
    """Causes, the largest over all answers first."""
    names = dict.fromkeys(cause for answer in answers for cause in answer.causes)
    return sorted(names, key=lambda cause: -sum(answer.causes.get(cause, 0) for answer in answers))


def _functions(answer: Answer) -> RenderableType:
    ranked = sorted(answer.functions.items(), key=lambda item: -item[1])[:FUNCTION_ROWS]
    rows = [(name, grouped(cycles), share(cycles, answer.cycles)) for name, cycles in ranked]
    return make_table("functions", ("function", "self", "share"), rows, right=2)


def _notes(answers: tuple[Answer, ...]) -> Iterator[str]:
    for how, why in dict.fromkeys((answer.how, answer.why) for answer in answers if answer.why):
        count = sum((answer.how, answer.why) == (how, why) for answer in answers)
        yield f"{how}{f' ({count} answers)' if count > 1 else ''}: {printable(why)}"
    for note in dict.fromkeys(note for answer in answers for note in answer.notes):
        yield f"note: {printable(note)}"
