"""Catalogue: the models that there are and what is known of them, as rows and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cost_models import shipped
from cost_models.accuracy import Errors
from cost_models.errors import CostModelError
from cost_models.evaluate import COLUMNS, rows_of
from cost_models.files import Training, read_training
from mcusim.report.quantity import size

SCHEMA = "mcusim.models/1"


@dataclass(frozen=True, slots=True)
class Entry:
    """A model in a file."""

    board: str
    model: str
    path: Path
    training: Training


def check_model(model: str) -> None:
    """CostModelError for a name that is no model's."""
    if model not in shipped.LEARNING:
        raise CostModelError(f"no model {model!r} is kept in a file; there are: {', '.join(shipped.LEARNING)}")


def entry_of(board: str, model: str) -> Entry:
    """What is known of a shipped model. CostModelError where there is none."""
    check_model(model)
    path = shipped.file_of(board, model)
    if not path.is_file():
        known = ", ".join(shipped.with_model(model)) or "none"
        raise CostModelError(f"no {model} model of board {board!r} is shipped; there are those of: {known}")
    return Entry(board, model, path, read_training(path))


def entries() -> tuple[Sequence[Entry], Sequence[CostModelError]]:
    """All of them, board by board, and why some cannot be read."""
    found, unread = [], []
    for board, model in sorted((name, kind) for kind in shipped.LEARNING for name in shipped.with_model(kind)):
        try:
            found.append(entry_of(board, model))
        except CostModelError as error:
            unread.append(error)
    return found, unread


LISTED = ("board", "model", "size", "networks", "layers", "latency", "within 10 %", "90 % hold", "tau", "energy")
"""Latency and energy: median errors of networks held out."""


def cells_of(entry: Entry) -> tuple[str, ...]:
    """A row under LISTED."""
    training, held = entry.training, entry.training.accuracy.held_out
    latency, energy = held.get("latency"), held.get("energy")
    told = ("–",) * 4
    if latency is not None:
        shares = f"{latency.within_10_percent:.1%}", f"{latency.coverage[0.9]:.1%}"
        told = f"{latency.median:.2%}", *shares, f"{latency.kendall_tau:.3f}"
    return (
        entry.board, entry.model, size(entry.path.stat().st_size), f"{training.networks:,}", f"{training.layers:,}", *told,
        "–" if energy is None else f"{energy.median:.2%}",
    )  # fmt: skip


def plain_of(entry: Entry) -> dict[str, Any]:
    """As JSON has it; without the points of plots."""
    training = asdict(entry.training)
    del training["accuracy"]["points"]
    named = {"board": entry.board, "model": entry.model, "file": str(entry.path), "bytes": entry.path.stat().st_size}
    return {"schema": SCHEMA, **named, "training": training}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of models, by (board, model); ``without_board``: errors of linear models adapted to a board by ten measurements."""

    trainings: Mapping[tuple[str, str], Training]
    without_board: Mapping[str, Mapping[str, Errors]]


def of_latency(errors: Mapping[str, Errors]) -> Mapping[str, Errors]:
    """That quantity only."""
    return {name: each for name, each in errors.items() if name == "latency"}


Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, headings, rows."""


def tables_of(found: Evaluation) -> Iterator[Table]:
    """For people; those that have rows."""
    rows = [row for names, each in found.trainings.items() for row in rows_of(names, each.accuracy.held_out)]
    yield "networks held out, each once", ("board", "model", *COLUMNS), rows
    for title, part in (("the same, by family", "by_family"), ("families left out of the training", "without_family")):
        rows = [
            row
            for names, each in found.trainings.items()
            for family, errors in getattr(each.accuracy, part).items()
            for row in rows_of((*names, family), of_latency(errors))
        ]
        if rows:
            yield title, ("board", "model", "family", *COLUMNS), rows
    rows = [row for board, errors in found.without_board.items() for row in rows_of((board,), errors)]
    if rows:
        yield "boards left out of the training, told by ten measurements", ("board", *COLUMNS), rows


def plain_evaluation(found: Evaluation) -> dict[str, Any]:
    """As JSON has it."""
    models = []
    for (board, model), training in found.trainings.items():
        told = asdict(training.accuracy)
        del told["points"]
        models.append({"board": board, "model": model, "networks": training.networks, "digest": training.digest, **told})
    without = {board: {name: asdict(each) for name, each in errors.items()} for board, errors in found.without_board.items()}
    return {"schema": "mcusim.models.evaluation/1", "models": models, "without_board": without}
