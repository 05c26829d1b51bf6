"""Order: layers in an order in which less is alive at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush, nsmallest

from mcusim.deploy.bodies import align, bodies_of, need_of_steps, overlays_by_pair
from mcusim.deploy.lifetimes import NO_BYTES, NO_WALKS, buffers_of, used
from mcusim.deploy.walks import Promise
from mcusim.network import Network
from mcusim.network.operators import Reshape

STATES = 20_000
"""Sets of layers done that are looked at until the search turns to the most promising ones only."""

BEAM = 32
"""Sets of layers done, of each size, that are kept then."""


def reorder(
    network: Network,
    scratch: Mapping[str, int] = NO_BYTES,
    walks: Mapping[str, Promise] = NO_WALKS,
    kept: Collection[str] = (),
    states: int = STATES,
) -> Network:
    """``network`` with its layers in an order that needs less memory at its worst step; itself where none was found.

    All orders are considered, up to ``states`` sets of layers done; beyond that, the ``BEAM`` best of each size. Orders are
    compared without what overlays and concatenations save, except for the last word between the order found and the old one.
    """
    graph = _Graph(network, scratch, frozenset(kept))
    order = _best(graph, states) or _beam(graph)
    candidate = replace(network, layers=tuple(network.layers[index] for index in order))
    needs = [_need(variant, scratch, walks, kept) for variant in (network, candidate)]
    return candidate if needs[1] < needs[0] else network


def _need(network: Network, scratch: Mapping[str, int], walks: Mapping[str, Promise], kept: Collection[str]) -> int:
    found = buffers_of(network, scratch, walks, kept=kept)
    needs = need_of_steps(bodies_of(found.buffers, found.views), overlays_by_pair(found.buffers, found.overlays))
    return max(needs.values(), default=0)


@dataclass(frozen=True)
class _Graph:
    """Layers by index, and sets of them as the bits of an integer."""

    network: Network
    scratch: Mapping[str, int]
    kept: frozenset[str]
    _alive: dict[int, int] = field(default_factory=dict)

    @cached_property
    def before(self) -> list[int]:
        """For each layer, those that have to run before it: writers of its inputs, and earlier users of the same state."""
        last: dict[str, int] = {}
        sets = []
        for index, layer in enumerate(self.network.layers):
            earlier = 0
            for name in filter(None, layer.inputs):
                if name in last:
                    earlier |= 1 << last[name]
                if self.network.tensors[name].variable:
                    last[name] = index
            last |= dict.fromkeys(layer.outputs, index)
            sets.append(earlier)
        return sets

    @cached_property
    def storages(self) -> list[tuple[int, int, int]]:
        """For each storage that reshapes may share: its bytes, the layers that write it, and those that still need it."""
        root: dict[str, str] = {}
        writers: dict[str, int] = {}
        readers: dict[str, int] = {}
        for name in used(self.network):
            root.setdefault(name, name)
        for layer in self.network.layers:
            if isinstance(layer.operator, Reshape) and layer.inputs[0] in root:
                root[layer.outputs[0]] = root[layer.inputs[0]]
        forever = 1 << len(self.network.layers)
        for name in root:
            stays = name in self.network.outputs or name in self.kept or self.network.tensors[name].variable
            readers[root[name]] = readers.get(root[name], 0) | (forever if stays else 0)
        for index, layer in enumerate(self.network.layers):
            for name in layer.inputs:
                if name in root:
                    readers[root[name]] |= 1 << index
            for name in layer.outputs:
                if root[name] == name:
                    writers[name] = 1 << index
        return [(align(self.network.tensors[name].size_bytes, 4), writers.get(name, 0), readers[name]) for name in readers]

    def after(self, done: int) -> int:
        """Bytes alive when the layers of ``done`` have run."""
        if done not in self._alive:
            self._alive[done] = sum(
                size for size, writers, readers in self.storages if writers & done == writers and readers & ~done
            )  # fmt: skip
        return self._alive[done]

    def during(self, done: int, index: int) -> int:
        """Bytes that a layer needs while it runs after those of ``done``: all that was alive, its outputs, its scratch."""
        written = sum(size for size, writers, _ in self.storages if writers == 1 << index)
        return self.after(done) + written + self.scratch.get(self.network.layers[index].name, 0)

    def next(self, done: int) -> Iterator[int]:
        """Layers that can run after those of ``done``."""
        return (i for i, earlier in enumerate(self.before) if not done >> i & 1 and earlier & done == earlier)

    @property
    def all(self) -> int:
        return (1 << len(self.network.layers)) - 1


def _best(graph: _Graph, states: int) -> list[int] | None:
    """The order with the smallest peak, the old order where it is one of them; None where ``states`` do not suffice."""
    queue: list[tuple[int, int, tuple[int, ...], int]] = [(0, 0, (), 0)]
    seen: set[int] = set()
    while queue:
        peak, _, order, done = heappop(queue)
        if done == graph.all:
            return list(order)
        if done in seen:
            continue
        seen.add(done)
        if len(seen) > states:
            return None
        for index in graph.next(done):
            worst = max(peak, graph.during(done, index))
            heappush(queue, (worst, -len(order) - 1, (*order, index), done | 1 << index))
    raise AssertionError("a network's layers are in an order in which they can run")


def _beam(graph: _Graph) -> list[int]:
    """Layer by layer, the ``BEAM`` sets with the smallest peaks, and of these those that leave the least alive."""
    front: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for _ in graph.network.layers:
        grown: dict[int, tuple[int, tuple[int, ...]]] = {}
        for done, (peak, order) in front.items():
            for index in graph.next(done):
                entry = (max(peak, graph.during(done, index)), (*order, index))
                after = done | 1 << index
                grown[after] = min(grown.get(after, entry), entry)
        front = {d: grown[d] for d in nsmallest(BEAM, grown, key=lambda d: (grown[d][0], graph.after(d), grown[d][1]))}
    ((_, order),) = front.values()
    return list(order)
