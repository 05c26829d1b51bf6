"""cost_models: what networks take on boards, answered without simulating, with standard deviations.

``load(board) -> CostModel``, whose ``predict(networks) -> Estimates``. Neither the simulator nor PyTorch is imported for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cost_models.adapt import adapted
    from cost_models.analytic import Analytic
    from cost_models.arena import STEP, TENSOR, Arenas
    from cost_models.arenas import chained
    from cost_models.check import check_cost_model
    from cost_models.constraints import Constraint
    from cost_models.costs import Costs
    from cost_models.decisions import decide
    from cost_models.errors import CostModelError
    from cost_models.estimates import Estimate, Estimates
    from cost_models.exact import exact_sizes
    from cost_models.layers import LAYER, Layers, from_network, joined
    from cost_models.linear import Linear
    from cost_models.lookup import Lookup
    from cost_models.model import CostModel
    from cost_models.modules import from_module
    from cost_models.neural import Neural
    from cost_models.shipped import predict
    from cost_models.simulate import Simulate
    from cost_models.trees import Trees
    from cost_models.what_if import at_clock, placed

__all__ = [
    "LAYER", "STEP", "TENSOR", "Analytic", "Arenas", "Constraint", "CostModel", "CostModelError", "Costs", "Estimate",
    "Estimates", "Layers", "Linear", "Lookup", "Neural", "Simulate", "Trees", "adapted", "at_clock", "chained",
    "check_cost_model", "decide", "exact_sizes", "from_module", "from_network", "joined", "load", "placed", "predict",
]  # fmt: skip

_PUBLIC = {
    "LAYER": "layers", "STEP": "arena", "TENSOR": "arena", "Analytic": "analytic", "Arenas": "arena",
    "Constraint": "constraints", "CostModel": "model", "CostModelError": "errors", "Costs": "costs", "Estimate": "estimates",
    "Estimates": "estimates", "Layers": "layers", "Linear": "linear", "Lookup": "lookup", "Neural": "neural",
    "Simulate": "simulate", "Trees": "trees", "adapted": "adapt", "at_clock": "what_if", "chained": "arenas",
    "check_cost_model": "check", "decide": "decisions", "exact_sizes": "exact", "from_module": "modules",
    "from_network": "layers", "joined": "layers", "placed": "what_if", "predict": "shipped",
}  # fmt: skip
"""Public name to the module that defines it, imported at first use."""


def load(board: str, model: str = "linear") -> CostModel:
    """What answers for ``board``: see ``cost_models.shipped.load``."""
    from cost_models import shipped

    return shipped.load(board, model)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"cost_models.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
