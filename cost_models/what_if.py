"""what_if: a board's model at another clock, and so with other wait states of its flash.

Wait states change how long memories are waited for and nothing else: what is cached or prefetched, and which accesses are made,
stay. What a layer takes beyond an ideal core is so waiting that grows with the wait states of the flash, about: waiting for
other memories, which does not, is taken to be part of it. On boards whose core has a data cache most of the waiting is for
RAM, and cycles are left as they are. Held against ``mcusim retime`` on three networks and four boards, cycles are within 1 %
of those simulated, on NUCLEO-F746ZG within 1.5 %. Exact, for firmware that runs: ``mcusim retime``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cost_models.errors import CostModelError
from cost_models.linear import Linear, LinearFit
from cost_models.shipped import load
from mcusim import boards
from mcusim.boards.wait_states import needed


def at_clock(board: str, clock_hertz: int, wait_states: int | None = None) -> Linear:
    """The linear model of a board at another core clock.

    ``wait_states`` of the flash: None for the fewest that the board's table allows at this clock. Intervals are those of the
    board's own clock. Energy is left out, since no model here says what it does with the clock. CostModelError for a clock
    above the board's rating, or for a board whose wait states nobody knows, where they would change.
    """
    place, model = boards.load(board), load(board)
    assert isinstance(model, Linear)
    state = model.learnt
    if clock_hertz <= 0 or (place.rated_hertz and clock_hertz > place.rated_hertz):
        raise CostModelError(f"a clock of {clock_hertz} Hz; allowed on {board}: above 0 and up to {place.rated_hertz} Hz")
    before = needed(place, state.clock_hertz)
    after = needed(place, clock_hertz) if wait_states is None else wait_states
    if before is None or after is None:
        if wait_states is not None:
            raise CostModelError(f"{board}: no table of wait states; give no wait_states, which then stay as they are")
        before = after = 1
    fit = state.layers
    assert isinstance(fit, LinearFit)
    if after != before and "data_cache" not in place.parameters:
        fit = _waiting(fit, load(place.core), after / before if before else float(after))
    made = Linear()
    made.state_ = replace(
        state, clock_hertz=clock_hertz, quantities=state.quantities[:1], spreads=state.spreads[:1],
        layers=replace(fit, coefficients=fit.coefficients[:1], relative=fit.relative[:1]),
    )  # fmt: skip
    return made


def _waiting(fit: LinearFit, ideal: object, times: float) -> LinearFit:
    """What goes beyond the ideal core's coefficients, so many times; no coefficient below 0."""
    assert isinstance(ideal, Linear)
    known = ideal.learnt.layers
    assert isinstance(known, LinearFit)
    core = known.coefficients[0]
    changed = fit.coefficients.copy()
    changed[0] = np.maximum(core + times * (changed[0] - core), 0)
    return replace(fit, coefficients=changed)
