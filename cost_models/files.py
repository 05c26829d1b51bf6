"""Models as files: JSON of numbers, which nothing is run from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cost_models.errors import CostModelError
from cost_models.model import LearningModel, QuantityFit, State
from cost_models.sizes import sizes_on

SCHEMA = "cost_models.model/2"


@dataclass(frozen=True, slots=True)
class Training:
    """What a model has learnt from, and how well: ``errors`` of networks that it had not seen, by name."""

    digest: str
    networks: int
    layers: int
    errors: Mapping[str, float]


def write(path: Path, model: LearningModel, training: Training) -> None:
    """Keep a model."""
    state = model.learnt
    plain = {
        "schema": SCHEMA, "model": model.name, "params": model.get_params(), "board": state.board,
        "clock_hertz": state.clock_hertz, "cycles": _plain(state.cycles), "joules": state.joules and _plain(state.joules),
        "training": asdict(training),
    }  # fmt: skip
    path.write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n")


def read(path: Path, kind: type[LearningModel]) -> LearningModel:
    """The model in a file. CostModelError for a file that holds none of this kind."""
    try:
        plain = json.loads(path.read_bytes())
        if (plain["schema"], plain["model"]) != (SCHEMA, kind.name):
            raise CostModelError(f"{path}: {plain['schema']}, {plain['model']}; allowed: {SCHEMA}, {kind.name}")
        model = kind().set_params(**plain["params"])
        joules = None if plain["joules"] is None else _read(kind, plain["joules"])
        board, cycles = plain["board"], _read(kind, plain["cycles"])
        model.state_ = State(board, plain["clock_hertz"], cycles, joules, sizes_on(board))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CostModelError(f"{path}: no cost model: {type(error).__name__}: {error}") from None
    return model


def _plain(fit: QuantityFit) -> dict[str, Any]:
    return {"layers": fit.layers.plain(), "network_factor": fit.network_factor}


def _read(kind: type[LearningModel], plain: Mapping[str, Any]) -> QuantityFit:
    return QuantityFit(kind.read_layers(plain["layers"]), float(plain["network_factor"]))
