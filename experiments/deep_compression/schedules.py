"""Schedules: how sparsity goes from one value to another, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.deep_compression.errors import StudyError


def agp(initial: float, final: float, steps: int) -> Sequence[float]:
    """Sparsity after each of ``steps`` prunings: s_f + (s_i - s_f) (1 - t / n)^3 for t of 1 to n; the last one is ``final``.

    M. Zhu, S. Gupta, To prune, or not to prune: exploring the efficacy of pruning for model compression (2017), equation 1.
    """
    return [final + (initial - final) * (1 - t / steps) ** 3 for t in range(1, steps + 1)]


def one_shot(initial: float, final: float, steps: int) -> Sequence[float]:
    """All at the first step, and nothing to do at the others."""
    del initial
    return [final] * steps


SCHEDULES: Mapping[str, Callable[[float, float, int], Sequence[float]]] = {"agp": agp, "one_shot": one_shot}


def schedule(name: str, initial: float, final: float, steps: int) -> Sequence[float]:
    """Sparsities of a schedule by name. StudyError where there is none of it, or where sparsity would fall."""
    if name not in SCHEDULES:
        raise StudyError(f"no schedule {name!r}; allowed: {', '.join(SCHEDULES)}")
    if not (0 <= initial <= final < 1 and steps >= 1):
        raise StudyError(f"from {initial} to {final} in {steps} steps; allowed: 0 <= initial <= final < 1, one step at least")
    return SCHEDULES[name](initial, final, steps)
