"""decisions: whether networks meet constraints, from a model where its intervals settle that, from a simulation elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cost_models.constraints import Constraint, Constraints, parsed
from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, Estimates
from cost_models.exact import exact_sizes
from cost_models.layers import Layers
from cost_models.model import WIDEN, CostModel, Networks, imported
from cost_models.shipped import load
from cost_models.simulate import Simulate
from mcusim.network import Network

MODEL, SIMULATION = "model", "simulation"

SIZES = ("ram_bytes", "flash_bytes")

NOWHERE = -np.inf
"""Margin of a network that does not fit on the board, whatever the limits."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a network meets all constraints. ``settled``: by "model" or by "simulation".

    ``margin``: room below the limit that is nearest or most broken, of those that were looked at, relative to it; negative
    where it is broken.
    """

    network: str
    meets: bool
    settled: str
    margin: float


@dataclass(frozen=True, slots=True)
class Decisions(Sequence[Decision]):
    """Of each network, in their order; how many were simulated, and of how many firmware was built for its sizes alone."""

    decisions: tuple[Decision, ...]
    simulations: int
    builds: int

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.decisions)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        """That of a network, by its place."""
        return self.decisions[place]


def decide(
    networks: Networks, constraints: Constraints, model: CostModel | str, *, share: float = 0.99,
    simulator: CostModel | None = None,
) -> Decisions:  # fmt: skip
    """Whether each network meets all constraints on the board of ``model``.

    ``constraints``: as ``latency_seconds<=0.1, ram_bytes<=256Ki``. ``model``: or the board that the linear one is loaded of.
    ``share``: how much an interval holds that settles a question by itself. ``simulator``: None for ``cost_models.Simulate``,
    at the board's own clock.

    Cheap questions come first, and no other is asked once one is answered by no: intervals of latency and energy, and sizes
    that the model is sure of; a build, for sizes that it is not sure of; a simulation. Networks outside of the model's domain
    are simulated. Tables of layers can be answered by the model only: CostModelError, before anything runs, with the names of
    those that it does not settle.
    """
    limits, asked = parsed(constraints), load(model) if isinstance(model, str) else model
    cases = _told(list(_cases(networks, limits)), asked, limits, share)
    tables = [case.name for case in cases if case.open and not isinstance(case.source, Network)]
    if tables:
        raise CostModelError(f"tables of layers, which cannot be simulated, are not settled by the model: {', '.join(tables)}")
    runner = simulator or Simulate(asked.board)
    cases = [_simulated(_built(case, asked.board), runner) for case in cases]
    return Decisions(
        tuple(case.decision for case in cases), sum(case.simulated for case in cases), sum(case.built for case in cases)
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A network, the constraints that are still ``open``, and the margins of those that were looked at."""

    name: str
    source: Network | Layers
    open: tuple[Constraint, ...]
    margins: tuple[float, ...] = ()
    built: bool = False
    simulated: bool = False

    @property
    def decision(self) -> Decision:
        """What is known in the end."""
        margin = min(self.margins)
        return Decision(self.name, margin >= 0, SIMULATION if self.simulated else MODEL, margin)

    def with_margins(self, found: Mapping[Constraint, float], **changes: Any) -> Case:
        """These are known; a broken one leaves no other open."""
        margins = (*self.margins, *found.values())
        still = () if min(margins, default=0) < 0 else tuple(limit for limit in self.open if limit not in found)
        return replace(self, margins=margins, open=still, **changes)


def _cases(networks: Networks, limits: tuple[Constraint, ...]) -> Iterator[Case]:
    """One for each network; tables of several are taken apart."""
    for each in map(imported, [networks] if isinstance(networks, Network | Layers) else networks):
        if isinstance(each, Network):
            yield Case(each.name, each, limits)
        else:
            yield from (Case(name, each.selected([place]), limits) for place, name in enumerate(each.names))


def _told(cases: Sequence[Case], model: CostModel, limits: Sequence[Constraint], share: float) -> list[Case]:
    """What intervals settle; one by one where the model knows nothing like some of them, of which all is left open."""
    try:
        found = model.predict([case.source for case in cases], outside=WIDEN)
    except CostModelError:
        if len(cases) > 1:
            return [told for case in cases for told in _told([case], model, limits, share)]
        if isinstance(cases[0].source, Layers):
            raise
        return list(cases)
    margins: list[dict[Constraint, float]] = [{} for _ in cases]
    for limit in limits:
        estimate = limit.of(found)
        low, high = estimate.interval(share)
        settled = _sure(limit, estimate, found) & ((high <= limit.limit) | (low > limit.limit))
        for place in np.flatnonzero(settled).tolist():
            margins[place][limit] = limit.margin(estimate.values[place])
    return [case.with_margins(each) for case, each in zip(cases, margins, strict=True)]


def _sure(limit: Constraint, estimate: Estimate, found: Estimates) -> np.ndarray:
    """Of which networks an interval says anything: a size only where it is a point, all else inside the domain."""
    return np.asarray((estimate.deviations == 0) | (found.in_domain & (limit.quantity not in SIZES)))


def _built(case: Case, board: str) -> Case:
    """Sizes that are open, from a build."""
    sizes = [limit for limit in case.open if limit.quantity in SIZES]
    if not sizes or not isinstance(case.source, Network):
        return case
    found = exact_sizes(case.source, board)
    margins = {limit: limit.margin(getattr(found, limit.quantity)) if found.fits else NOWHERE for limit in sizes}
    return case.with_margins(margins, built=True)


def _simulated(case: Case, simulator: CostModel) -> Case:
    """What is still open, from a simulation."""
    if not case.open or not isinstance(case.source, Network):
        return case
    try:
        found = simulator.predict(case.source)
    except CostModelError:
        if exact_sizes(case.source, simulator.board).fits:
            raise
        return case.with_margins(dict.fromkeys(case.open, NOWHERE), simulated=True)
    return case.with_margins({limit: limit.margin(float(limit.of(found).values[0])) for limit in case.open}, simulated=True)
