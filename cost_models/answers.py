"""Answers: what ``mcusim predict`` is asked, and what it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from cost_models.errors import CostModelError
from cost_models.estimates import QUANTILES, Estimate
from cost_models.explain import Contribution, explain
from cost_models.layers import Layers, from_network
from cost_models.model import WIDEN, CostModel
from cost_models.progress import Progress
from cost_models.room import FITS, Room, fits, room_of
from cost_models.simulate import Simulate
from mcusim import network as networks
from mcusim.deploy.placement import IN_FLASH, Placement
from mcusim.errors import McusimError
from mcusim.network import Network

SCHEMA = "mcusim.predict/1"


class Figure(NamedTuple):
    """A figure and the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What one network takes on one board; ``fits``: yes, maybe or no. Energy is None on a board without energy table."""

    network: str
    board: str
    latency_seconds: Figure
    energy_joules: Figure | None
    ram_bytes: Figure
    flash_bytes: Figure
    room: Room
    fits: str
    in_domain: bool
    explained: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """``what`` was asked and has no answer, and why."""

    what: str
    error: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Question:
    """What ``files`` take on the boards of ``models``; how much intervals hold; whether terms are told; the core clock of
    the models, None for that of each board; and where they have weights and kernels.
    """

    files: Sequence[str]
    models: Sequence[CostModel]
    share: float
    explain: bool = False
    clock_hertz: int | None = None
    placement: Placement = IN_FLASH


@dataclass(frozen=True, slots=True)
class Answers:
    """To all of a question, network by network."""

    question: Question
    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...]

    def to_json(self) -> str:
        """One object; intervals as {value, low, high}."""
        names = sorted({type(model).__name__.lower() for model in self.question.models})
        asked = {"share": self.question.share, "clock_hertz": self.question.clock_hertz, **asdict(self.question.placement)}
        head = {"schema": SCHEMA, "model": ", ".join(names), **asked}
        rows = {"answers": [_plain(each) for each in self.answers], "failures": [asdict(each) for each in self.failures]}
        return json.dumps(head | rows, indent=2)


def _plain(answer: Answer) -> dict[str, Any]:
    figures = ("latency_seconds", "energy_joules", "ram_bytes", "flash_bytes")
    found = asdict(replace(answer, explained=()))
    for name in figures:
        figure: Figure | None = getattr(answer, name)
        found[name] = figure and figure._asdict()
    del found["explained"]
    if answer.explained:
        found["explained"] = [asdict(each) | {"cycles": each.cycles} for each in answer.explained]
    return found


def checked_share(share: float) -> float:
    """CostModelError for a share that there is no interval of."""
    if share not in QUANTILES:
        raise CostModelError(f"an interval of {share}; allowed: {', '.join(map(str, QUANTILES))}")
    return share


def answered(question: Question, quiet: bool = False) -> Answers:
    """Everything that has an answer, and why the rest has none."""
    progress = Progress(len(question.files), "networks", quiet)
    found: list[Answer | Failure] = []
    for file in question.files:
        progress.step(file)
        found += _of_file(file, question)
    progress.end()
    return Answers(
        question, tuple(each for each in found if isinstance(each, Answer)), tuple(e for e in found if isinstance(e, Failure))
    )


def _of_file(file: str, question: Question) -> Iterator[Answer | Failure]:
    try:
        network = networks.load(file)
        layers = from_network(network)
    except (McusimError, OSError) as error:
        yield _failure(file, error)
        return
    for model in question.models:
        try:
            yield _of_model(network, layers, model, question)
        except McusimError as error:
            yield _failure(f"{file} on {model.board}", error)


def _failure(what: str, error: Exception) -> Failure:
    code = error.exit_code if isinstance(error, McusimError) else McusimError.exit_code
    return Failure(what, _unnamed(str(error), what), code)


def _unnamed(text: str, what: str) -> str:
    """Without the name of ``what`` in front, or of the file in its folder: importers begin with one of them."""
    for name in (what, Path(what).name):
        if text.startswith((f"{name}: ", f"{name}, ")):
            return text[len(name) + 2 :]
    return text


def _of_model(network: Network, layers: Layers, model: CostModel, question: Question) -> Answer:
    share, room = question.share, room_of(model.board, question.placement.memories)
    simulates = isinstance(model, Simulate)
    found = model.predict(network if simulates else layers, outside=WIDEN)
    (fit,) = (FITS,) if simulates else fits(found, layers, room, share)  # what does not fit cannot be simulated
    return Answer(
        network.name, model.board, _figure(found.latency_seconds, share),
        None if found.energy_joules is None else _figure(found.energy_joules, share),
        _figure(found.ram_bytes, share), _figure(found.flash_bytes, share), room, fit,
        bool(found.in_domain[0]), tuple(explain(model, layers)) if question.explain else (),
    )  # fmt: skip


def _figure(estimate: Estimate, share: float) -> Figure:
    """Of the only network."""
    low, high = estimate.interval(share)
    return Figure(float(estimate.values[0]), float(low[0]), float(high[0]))
