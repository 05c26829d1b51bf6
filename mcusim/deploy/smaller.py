"""Smaller: rewritings of a network that need less memory, the cheapest that keeps within a budget first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from mcusim.deploy.bands import band_bytes, banded, chains
from mcusim.deploy.bodies import bodies_of, need_of_steps, overlays_by_pair
from mcusim.deploy.lifetimes import buffers_of
from mcusim.deploy.order import reorder
from mcusim.deploy.padding import fuse_padding
from mcusim.deploy.walks import Promise
from mcusim.network import Network, NetworkError
from mcusim.network.macs import network_macs

LONGEST, BANDS = 16, (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Layers of a chain, and numbers of bands, that are tried."""
LOOKED_AT, ROUNDS = 12, 6
"""Rewritings into bands that are worked out in each round, of all that were estimated; and rounds."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """What the kernels need and promise: scratch bytes and walks by layer, of any network that they compute."""

    scratch: Callable[[Network], Mapping[str, int]]
    walks: Callable[[Network], Mapping[str, Promise]] = lambda network: {}


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A network that computes the same, the largest need of one of its steps, and its multiply-accumulates."""

    network: Network
    need_bytes: int
    macs: int
    changes: tuple[str, ...] = ()


def smaller(network: Network, kernels: Kernels, budget_bytes: int) -> Rewriting:
    """The first rewriting whose largest need is within the budget, else the smallest found.

    Tried in this order: the network as it is, padding inside convolutions, another order, chains of layers in bands. The first
    three cost no time; of bands, the fewest multiply-accumulates that suffice. An arena may need more than the largest need
    of a step: plan it, and ask again with less where it does.
    """
    best = None
    for best in rewritings(network, kernels, budget_bytes):
        if best.need_bytes <= budget_bytes:
            break
    assert best is not None
    return best


def rewritings(network: Network, kernels: Kernels, budget_bytes: int) -> Iterator[Rewriting]:
    """The network as it is, then rewritings on the way to the budget, none with a larger need than the one before.

    One that costs nothing is kept where it saves nothing: chains of layers are longer without the layers that only add padding.
    """
    best = _rewriting(network, kernels)
    yield best
    for what, change in (
        ("padding is part of the convolutions", fuse_padding),
        ("layers run in another order", lambda n: reorder(n, kernels.scratch(n), kernels.walks(n))),
    ):
        changed = change(best.network)
        if changed is not best.network:
            better = _rewriting(changed, kernels, (*best.changes, what))
            if better.need_bytes <= best.need_bytes:
                yield (best := better)
    for _ in range(ROUNDS):
        if (found := _in_bands(best, kernels, budget_bytes)) is None:
            return
        yield (best := found)


def _rewriting(network: Network, kernels: Kernels, changes: tuple[str, ...] = ()) -> Rewriting:
    needs = _needs(network, kernels)
    return Rewriting(network, max(needs.values(), default=0), network_macs(network), changes)


def _needs(network: Network, kernels: Kernels) -> Mapping[int, int]:
    found = buffers_of(network, kernels.scratch(network), kernels.walks(network))
    return need_of_steps(bodies_of(found.buffers, found.views), overlays_by_pair(found.buffers, found.overlays))


def _in_bands(base: Rewriting, kernels: Kernels, budget_bytes: int) -> Rewriting | None:
    """A chain around the worst step, in bands; None where none needs less."""
    needs = _needs(base.network, kernels)
    worst = max(needs, key=lambda step: needs[step])
    estimates = sorted(_estimates(base.network, worst), key=lambda e: _rank(e, budget_bytes))
    found = []
    for _, chain, bands in estimates[:LOOKED_AT]:
        names = f"{base.network.layers[chain[0]].name} to {base.network.layers[chain[-1]].name}"
        changes = (*base.changes, f"{names} run in {bands} bands of rows")
        with suppress(NetworkError):
            found.append(_rewriting(banded(base.network, chain, bands), kernels, changes))
    smaller_ones = [rewriting for rewriting in found if rewriting.need_bytes < base.need_bytes]
    fitting = [rewriting for rewriting in smaller_ones if rewriting.need_bytes <= budget_bytes]
    if fitting:
        return min(fitting, key=lambda rewriting: (rewriting.macs, rewriting.need_bytes))
    return min(smaller_ones, key=lambda rewriting: (rewriting.need_bytes, rewriting.macs), default=None)


def _rank(estimate: tuple[int, range, int], budget_bytes: int) -> tuple[int, int, int]:
    """Smaller is better: few layers in few bands among those within the budget, few bytes among the others."""
    need_bytes, chain, bands = estimate
    repeated = len(chain) * bands
    return (0, repeated, need_bytes) if need_bytes <= budget_bytes else (1, need_bytes, repeated)


def _estimates(network: Network, step: int) -> Iterator[tuple[int, range, int]]:
    """Bytes at the worst moment, chain, and number of bands."""
    for whole in chains(network):
        if step not in whole:
            continue
        for first in range(max(whole.start, step - LONGEST), step + 1):
            for end in range(max(step + 1, first + 2), min(whole.stop, first + LONGEST) + 1):
                height = network.tensors[network.layers[end - 1].outputs[0]].shape[1]
                for bands in (count for count in BANDS if count <= height):
                    chain = range(first, end)
                    yield band_bytes(network, chain, bands), chain, bands
