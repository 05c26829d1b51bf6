"""Models as files: JSON of numbers, which nothing is run from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cost_models.accuracy import Accuracy, Errors, Points
from cost_models.errors import CostModelError
from cost_models.model import QUANTITIES, LearningModel, Spread, State
from cost_models.sizes import sizes_on

SCHEMA = "cost_models.model/2"


@dataclass(frozen=True, slots=True)
class Training:
    """What a model has learnt from, and how well. ``digest``: of all of it; ``families``: networks of each.

    ``accuracy``: on networks that models fitted in the same way had not seen.
    """

    dsp: bool
    digest: str
    networks: int
    layers: int
    accuracy: Accuracy = field(default_factory=Accuracy)
    families: Mapping[str, int] = field(default_factory=dict)


def write(path: Path, model: LearningModel, training: Training) -> None:
    """Keep a model: whole, or not at all."""
    from mcusim.report.files import write_atomically

    state = model.learnt
    plain = {
        "schema": SCHEMA, "model": model.name, "board": state.board, "clock_hertz": state.clock_hertz, "dsp": training.dsp,
        "quantities": list(state.quantities), "layers": _rounded(state.layers.plain(state.quantities)),
        "spreads": [_rounded({name: dict(each) for name, each in asdict(spread).items()}) for spread in state.spreads],
        "training": _rounded(asdict(training)),
    }  # fmt: skip
    write_atomically(path, json.dumps(plain, indent=1, allow_nan=False) + "\n")


def _rounded(plain: Any) -> Any:
    """Numbers to six digits, which is more than they are known to."""
    if isinstance(plain, Mapping):
        return {name: _rounded(each) for name, each in plain.items()}
    if isinstance(plain, tuple):
        return [_rounded(each) for each in plain]
    return float(f"{plain:.6g}") if isinstance(plain, float) else plain


def read(path: Path, kind: type[LearningModel]) -> LearningModel:
    """The model in a file. CostModelError for a file that holds none of this kind."""
    try:
        plain = json.loads(path.read_bytes())
        if (plain["schema"], plain["model"]) != (SCHEMA, kind.name):
            raise CostModelError(f"{path}: {plain['schema']}, {plain['model']}; allowed: {SCHEMA}, {kind.name}")
        model, quantities = kind(), tuple(plain["quantities"])
        if quantities not in (QUANTITIES, QUANTITIES[:1]):
            raise CostModelError(f"{path}: quantities {quantities}; allowed: {QUANTITIES}")
        model.state_ = State(
            plain["board"], plain["clock_hertz"], quantities, kind.read_layers(plain["layers"], quantities, plain["dsp"]),
            tuple(_spread(each) for each in plain["spreads"]), sizes_on(plain["board"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CostModelError(f"{path}: no cost model: {type(error).__name__}: {error}") from None
    return model


def read_training(path: Path) -> Training:
    """What the model in a file has learnt from. CostModelError for a file that holds none."""
    try:
        plain = json.loads(path.read_bytes())
        if plain["schema"] != SCHEMA:
            raise CostModelError(f"{path}: {plain['schema']}; allowed: {SCHEMA}")
        return Training(**plain["training"] | {"accuracy": _accuracy(plain["training"]["accuracy"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CostModelError(f"{path}: no cost model: {type(error).__name__}: {error}") from None


def _accuracy(plain: Mapping[str, Any]) -> Accuracy:
    points = {name: tuple(each) for name, each in plain["points"].items()}
    return Accuracy(
        _errors(plain["held_out"]), _families(plain["by_family"]), _families(plain["without_family"]), Points(**points)
    )


def _families(plain: Mapping[str, Any]) -> Mapping[str, Mapping[str, Errors]]:
    return {family: _errors(each) for family, each in plain.items()}


def _errors(plain: Mapping[str, Any]) -> Mapping[str, Errors]:
    shares = {quantity: {float(share): held for share, held in each["coverage"].items()} for quantity, each in plain.items()}
    return {quantity: Errors(**{**each, "coverage": shares[quantity]}) for quantity, each in plain.items()}


def _spread(plain: Mapping[str, Mapping[str, float]]) -> Spread:
    return Spread(**{name: {float(share): float(reach) for share, reach in each.items()} for name, each in plain.items()})
