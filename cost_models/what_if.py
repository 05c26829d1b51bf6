"""what_if: a board's model at another clock, and so with other wait states of its flash; or with weights or kernels in RAM.

**Clock.** Wait states change how long memories are waited for and nothing else: what is cached or prefetched, and which
accesses are made, stay. What a layer takes beyond an ideal core is so waiting that grows with the wait states of the flash,
about: waiting for other memories, which does not, is taken to be part of it. On boards whose core has a data cache most of the
waiting is for RAM, and cycles are left as they are. Held against ``mcusim retime`` on three networks and four boards, cycles
are within 1 % of those simulated, on NUCLEO-F746ZG within 1.5 %. Exact, for firmware that runs: ``mcusim retime``.

**Placement.** A few random networks are simulated with their weights or kernels where they are to be; the board's model is
fitted to them, and holds where they say little. Intervals are from networks of these that were left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from cost_models.costs import NETWORK, Costs
from cost_models.errors import CostModelError
from cost_models.layers import from_network, joined
from cost_models.linear import Linear, LinearFit
from cost_models.room import room_of
from cost_models.shipped import load
from cost_models.sizes import Copied
from mcusim import boards
from mcusim.boards.wait_states import needed

if TYPE_CHECKING:
    from mcusim.bench.bench_report import Result
    from mcusim.deploy.placement import Placement
    from mcusim.network import Network

PLACED_NETWORKS, PLACED_SEED = 30, 1701
"""Random networks that a placement is simulated with; a seed that no shipped model has learnt from."""

PLACED_HELD = 2.0
"""``Linear.held`` of these fits: of half to thirty times the usual, the best on four boards."""

ASKED = 4
"""Times as many are drawn at most, since some do not fit."""


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


def placed(
    board: str, weights: str = "flash", kernels: str = "flash", networks: int = PLACED_NETWORKS,
    told: Callable[[str], object] = lambda name: None,
) -> Linear:  # fmt: skip
    """The linear model of a board whose start-up code copies weights or kernels from flash to ``"ram"``, or to a memory of the
    board by name.

    ``networks`` are simulated for that, a second or so each; answers are kept in the user's cache folder, as those of
    ``mcusim bench``. ``told`` hears the name of each that fits. RAM is what is copied more, within some words. BoardError for
    memories that the board has not, CostModelError where no network fits.
    """
    from mcusim.deploy.placement import Placement

    placement = Placement(weights, kernels)
    if not placement.moves:
        raise CostModelError("weights and kernels in flash: the board's own model tells; allowed: a memory for one of them")
    room = room_of(board, placement.memories)
    found = list(islice(_simulated(board, placement, ASKED * networks, told), networks))
    if not found:
        raise CostModelError(f"{board}: no network fits with weights in {weights} and kernels in {kernels}")
    layers = joined(from_network(network) for network, _ in found)
    known = load(board)
    assert isinstance(known, Linear)
    fit = known.learnt.layers
    assert isinstance(fit, LinearFit)
    model = Linear(prior=known, held=PLACED_HELD).fit(layers, _costs(board, [result for _, result in found], fit.dsp))
    sizes = Copied.of(known.learnt.sizes, placement.in_ram, placement.kernels != "flash", room.ram_bytes)
    model.state_ = replace(model.learnt, sizes=sizes)
    return model


def _simulated(
    board: str, placement: Placement, most: int, told: Callable[[str], object]
) -> Iterator[tuple[Network, Result]]:
    """Random networks that fit as they are, and what they take."""
    from cost_models.sampling import sample
    from mcusim.bench import bench
    from mcusim.deploy.build import BuildOptions

    options = BuildOptions(sparse="never", placement=placement)
    for number in range(most):
        network = sample(PLACED_SEED, number)
        (result,) = bench(network, board, options=options).results
        if result.fits and not result.changes:
            told(network.name)
            yield network, result


def _costs(board: str, results: list[Result], dsp: bool) -> Costs:
    """In the order of the results' layers."""
    uses = [use for result in results for use in result.layers]
    joules = [np.nan if use.energy_joules is None else use.energy_joules for use in uses]
    cycles = np.array([use.cycles or 0 for use in uses], np.int64)
    sizes = np.zeros(len(results), NETWORK)  # nothing is learnt of them
    return Costs(board, int(results[0].clock_hertz or 0), cycles, np.array(joules), sizes, dsp)
