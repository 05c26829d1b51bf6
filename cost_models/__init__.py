"""cost_models: what networks take on boards, answered without simulating, with standard deviations.

``load(board) -> CostModel``, whose ``predict(networks) -> Estimates``. Neither the simulator nor PyTorch is imported for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cost_models.adapt import adapted
    from cost_models.analytic import Analytic
    from cost_models.check import check_cost_model
    from cost_models.costs import Costs
    from cost_models.errors import CostModelError
    from cost_models.estimates import Estimate, Estimates
    from cost_models.exact import exact_sizes
    from cost_models.layers import LAYER, Layers, from_network, joined
    from cost_models.linear import Linear
    from cost_models.lookup import Lookup
    from cost_models.model import CostModel
    from cost_models.neural import Neural
    from cost_models.shipped import predict
    from cost_models.simulate import Simulate
    from cost_models.trees import Trees
    from cost_models.what_if import at_clock

__all__ = [
    "LAYER", "Analytic", "CostModel", "CostModelError", "Costs", "Estimate", "Estimates", "Layers", "Linear", "Lookup",
    "Neural", "Simulate", "Trees", "adapted", "at_clock", "check_cost_model", "exact_sizes", "from_network", "joined", "load",
    "predict",
]  # fmt: skip

_PUBLIC = {
    "LAYER": "layers", "adapted": "adapt", "at_clock": "what_if", "predict": "shipped", "Analytic": "analytic",
    "CostModel": "model", "CostModelError": "errors", "Costs": "costs",
    "Estimate": "estimates", "Estimates": "estimates", "Layers": "layers", "Linear": "linear", "Lookup": "lookup",
    "Neural": "neural", "Simulate": "simulate", "Trees": "trees",
    "check_cost_model": "check", "exact_sizes": "exact", "from_network": "layers", "joined": "layers",
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
