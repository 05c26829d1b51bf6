"""Shipped models: those of boards, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from cost_models.errors import CostModelError
from cost_models.estimates import Estimates
from cost_models.model import REFUSE, CostModel, LearningModel, Networks, layers_of
from mcusim import boards

DATA = Path(__file__).parent / "data"

LEARNING = {"analytic": "Analytic", "linear": "Linear", "lookup": "Lookup", "neural": "Neural", "trees": "Trees"}
"""Models that are kept in files, and their classes; each is in a module of its name."""

SIMULATE = "simulate"

MODELS = (*LEARNING, SIMULATE)


def load(board: str, model: str = "linear") -> CostModel:
    """What answers for ``board``: a model of LEARNING by name, shipped for some boards, or ``"simulate"``, for all.

    CostModelError for a model that there is not, or not of this board.
    """
    if model == SIMULATE:
        from cost_models.simulate import Simulate

        return Simulate(board)
    if model not in LEARNING:
        raise CostModelError(f"no model {model!r}; there are: {', '.join(MODELS)}")
    path = file_of(board, model)
    if not path.is_file():
        known = ", ".join(with_model(model)) or "none"
        raise CostModelError(f"no {model} model of board {board!r} is shipped; there are those of: {known}")
    from cost_models.files import read

    return read(path, class_of(model))


def boards_like(board: str, model: str = "linear") -> tuple[str, ...]:
    """Boards with the core of ``board`` that a model is shipped for, itself among them where there is one."""
    core = boards.load(board).core
    return tuple(name for name in with_model(model) if boards.load(name).core == core)


def with_model(model: str) -> tuple[str, ...]:
    """Boards that a model is shipped for."""
    return tuple(sorted(path.stem.removesuffix(f".{model}") for path in DATA.glob(f"*.{model}.json")))


def models_there() -> tuple[str, ...]:
    """Models that answer for some board: those that are shipped, and the simulator."""
    return tuple(model for model in MODELS if model == SIMULATE or with_model(model))


def predict(
    networks: Networks, on: Sequence[str], model: str = "linear", outside: str = REFUSE
) -> Mapping[str, Estimates]:
    """What ``networks`` take on each of the boards ``on``; they are made tables of once. See ``CostModel.predict``."""
    asked: Networks = networks
    if model != SIMULATE:
        asked = layers_of(networks)
    return {board: load(board, model).predict(asked, outside=outside) for board in on}


def file_of(board: str, model: str) -> Path:
    """Where the shipped model of a board is."""
    return DATA / f"{board}.{model}.json"


def class_of(model: str) -> type[LearningModel]:
    """The class of a model that learns."""
    found: type[LearningModel] = getattr(import_module(f"cost_models.{model}"), LEARNING[model])
    return found
