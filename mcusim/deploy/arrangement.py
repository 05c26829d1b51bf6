"""Arrangements: in which form a network is built, and where its tensors lie. The form it came in, where that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mcusim.deploy.buffers import Memory, Place, Plan, PlanError
from mcusim.deploy.call import Step
from mcusim.deploy.lifetimes import Lifetimes, buffers_of
from mcusim.deploy.lower import scratch_of
from mcusim.deploy.placement import RAM
from mcusim.deploy.planner import plan
from mcusim.deploy.smaller import Kernels, Rewriting, rewritings, smaller
from mcusim.deploy.walks import Promise
from mcusim.network import Network
from mcusim.network.macs import network_macs

SHRINK = 16
"""Where a rewriting within the budget has no arena that fits, the next budget is its need less this part of it."""


MARGIN_BYTES = 16
"""What a part of the arena may lose to its alignment."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A network in the form in which it is built. ``plan``: where its buffers lie. ``changes``: what was rewritten for that."""

    network: Network
    steps: tuple[Step, ...]
    lifetimes: Lifetimes
    plan: Plan
    changes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return network_macs(self.network)


Settle = Callable[[Arrangement], Arrangement | None]
"""An arrangement in the memories that there are; None where they are too small for it."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a network becomes calls of kernels, and what the kernels promise."""

    lower: Callable[[Network], tuple[Step, ...]]
    promises: Callable[[tuple[Step, ...]], Mapping[str, Promise]] = lambda steps: {}

    @property
    def kernels(self) -> Kernels:
        """What rewritings are judged by."""
        steps_of = remembered(self.lower)
        return Kernels(lambda network: scratch_of(steps_of(network)), lambda network: self.promises(steps_of(network)))

    def arrangement(self, network: Network, changes: tuple[str, ...] = ()) -> Arrangement:
        """The smallest arena of a network, in one memory without limit."""
        steps = self.lower(network)
        lifetimes = buffers_of(network, scratch_of(steps), self.promises(steps))
        return Arrangement(network, steps, lifetimes, planned(lifetimes, (Memory(RAM),)), changes)

    def rewritten(self, rewriting: Rewriting) -> Arrangement:
        """The same of a rewriting."""
        return self.arrangement(rewriting.network, rewriting.changes)


def remembered(lower: Callable[[Network], tuple[Step, ...]]) -> Callable[[Network], tuple[Step, ...]]:
    """``lower``, which gives its last answer again where it is asked for the same network again."""
    last: list[tuple[Network, tuple[Step, ...]]] = []

    def steps_of(network: Network) -> tuple[Step, ...]:
        if not last or last[0][0] is not network:
            last[:] = [(network, lower(network))]
        return last[0][1]

    return steps_of


def planned(lifetimes: Lifetimes, memories: Sequence[Memory]) -> Plan:
    """The plan of a network's buffers."""
    return plan(lifetimes.buffers, lifetimes.overlays, memories, lifetimes.views)


def fitting(network: Network, making: Making, settle: Settle, budget_bytes: int) -> Arrangement | None:
    """The first arrangement that can be settled: the network as it is, else the cheapest rewriting that does; None for none.

    Rewritings are asked for with ``budget_bytes``, then with less and less.
    """
    if settled := settle(making.arrangement(network)):
        return settled
    while True:
        rewriting = smaller(network, making.kernels, budget_bytes)
        if settled := settle(making.rewritten(rewriting)):
            return settled
        if rewriting.need_bytes > budget_bytes:
            return None
        budget_bytes = rewriting.need_bytes - rewriting.need_bytes // SHRINK - 1


def smallest(network: Network, making: Making) -> Arrangement:
    """The smallest arena that was found; of equal ones, that with the fewest changes."""
    found = map(making.rewritten, rewritings(network, making.kernels, 0))
    return min(found, key=lambda arrangement: arrangement.plan.total_bytes)


def settled(arrangement: Arrangement, memories: Sequence[Memory]) -> Arrangement | None:
    """``arrangement`` (planned in one memory) in the first memory that holds it; else spread over all, filled in their order.

    None where it does not fit.
    """
    for memory in memories:
        if memory.size_bytes is None or arrangement.plan.total_bytes <= memory.size_bytes:
            return replace(arrangement, plan=moved(arrangement.plan, memory.name))
    parts = [replace(memory, size_bytes=max((memory.size_bytes or 0) - MARGIN_BYTES, 0)) for memory in memories]
    if len(parts) < 2 or arrangement.plan.lower_bound_bytes > sum(part.size_bytes or 0 for part in parts):
        return None
    try:
        return replace(arrangement, plan=planned(arrangement.lifetimes, parts))
    except PlanError:
        return None


def moved(one: Plan, memory: str) -> Plan:
    """A plan in one memory, in another one."""
    place = partial(Place, memory)
    places = {name: place(offset) for name, (_, offset) in one.places.items()}
    return replace(one, places=places, peak_bytes={memory: one.total_bytes})
