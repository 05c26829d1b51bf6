"""The arena of a result, to be explained and drawn."""

from __future__ import annotations

from mcusim.bench.bench_report import Result
from mcusim.deploy.buffers import Buffer, Place, Plan
from mcusim.deploy.explain import Explanation


def explanation_of(result: Result) -> Explanation:
    """The memory plan of a result."""
    plan = Plan(
        {each.name: Place(each.memory, each.offset) for each in result.tensors},
        {part.memory: part.bytes for part in result.arenas},
        result.arena_lower_bound_bytes,
        result.arena_proven,
        result.arena_reason,
    )
    buffers = [Buffer(each.name, each.bytes, each.first, each.last) for each in result.tensors]
    return Explanation(plan, buffers, [layer.name for layer in result.layers])
