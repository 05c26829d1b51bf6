"""Price of blocks: one engine per pipeline structure, fed by the tables of ``mcusim.cores``."""

from __future__ import annotations

from mcusim.cores.core import Core
from mcusim.errors import UnsupportedError
from mcusim.pricing import dual_issue, paired, single_bus, three_stage
from mcusim.pricing.passage import Pipeline
from mcusim.pricing.walk import Engine

_ENGINES = {
    "dual_issue": (dual_issue.DualIssueWalk, dual_issue.START),
    "paired": (paired.PairedWalk, paired.START),
    "single_bus": (single_bus.SingleBusWalk, single_bus.START),
    "three_stage": (three_stage.ThreeStageWalk, three_stage.START),
}

__all__ = ["pipeline"]


def pipeline(core: Core) -> Pipeline:
    """Timing model of ``core``; stateless, safe to share."""
    if core.pipeline not in _ENGINES:
        available = ", ".join(sorted(_ENGINES))
        raise UnsupportedError(f"core {core.name}: no engine {core.pipeline!r}; available: {available}")
    walk, start = _ENGINES[core.pipeline]
    return Engine(core, walk, start)
