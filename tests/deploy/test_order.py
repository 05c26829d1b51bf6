"""Orders of layers: less alive at once, by trying every order."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations

import pytest

from mcusim.deploy.lifetimes import buffers_of
from mcusim.deploy.order import _beam, _best, _Graph, reorder
from mcusim.deploy.planner import plan
from mcusim.network import Network, NetworkError
from mcusim.network.operators import Arithmetic, Binary, Concatenation, FullyConnected, Softmax, Svdf
from tests.deploy.networks import Sketch


def bound(network: Network) -> int:
    found = buffers_of(network)
    return plan(found.buffers, found.overlays, views=found.views, effort=0).lower_bound_bytes


def two_branches() -> Network:
    """Two branches that grow before they shrink, their layers taken in turns."""
    sketch = Sketch(x=(1, 8))
    wide, narrow = sketch.constant("wide", (100, 8)), sketch.constant("narrow", (8, 100))
    for name in "ab":
        sketch.layer(FullyConnected(), ("x", wide), f"{name}1", (1, 100))
    for name in "ab":
        sketch.layer(FullyConnected(), (f"{name}1", narrow), f"{name}2", (1, 8))
    return sketch.network(sketch.layer(Binary(Arithmetic.ADD), ("a2", "b2"), "y", (1, 8)))


def random_network(seed: int, layers: int) -> Network:
    chance = random.Random(seed)
    sketch = Sketch(x=(1, 16))
    names = ["x"]
    for index in range(layers):
        inputs = tuple(chance.sample(names, min(len(names), chance.choice((1, 1, 2)))))
        names.append(sketch.layer(Concatenation(0), inputs, f"t{index}", (4 * chance.randint(1, 20), 2)))
    unread = [n for n in names if not any(n in layer.inputs for layer in sketch.layers)]
    return sketch.network(*unread)


def orders(network: Network):
    for layers in permutations(network.layers):
        try:
            yield replace(network, layers=layers)
        except NetworkError:
            continue


def test_a_branch_is_finished_before_the_next_one_begins() -> None:
    network = two_branches()
    better = reorder(network)
    assert [layer.outputs[0] for layer in better.layers] == ["a1", "a2", "b1", "b2", "y"]
    assert (bound(network), bound(better)) == (208, 116)


@pytest.mark.parametrize("seed", range(12))
def test_no_order_needs_less_than_the_one_found(seed: int) -> None:
    network = random_network(seed, 6)
    graph = _Graph(network, {}, frozenset())

    def peak(order: list[int]) -> int:
        done, worst = 0, 0
        for index in order:
            worst = max(worst, graph.during(done, index))
            done |= 1 << index
        return worst

    best = _best(graph, 1000)
    assert best is not None
    index = {layer.name: i for i, layer in enumerate(network.layers)}
    peaks = [peak([index[layer.name] for layer in variant.layers]) for variant in orders(network)]
    assert peak(best) == min(peaks) == peak(_beam(graph))


@pytest.mark.parametrize("seed", range(5))
def test_a_large_network_is_reordered_within_the_states_allowed(seed: int) -> None:
    network = random_network(seed, 40)
    assert bound(reorder(network, states=50)) <= bound(network)


def test_a_network_that_gains_nothing_stays_as_it_is() -> None:
    sketch = Sketch(x=(1, 8))
    network = sketch.network(sketch.layer(Softmax(), ("x",), "a", (1, 8)), sketch.layer(Softmax(), ("x",), "b", (1, 8)))
    assert reorder(network) is network


def test_layers_that_share_state_keep_their_order() -> None:
    sketch = Sketch(x=(1, 100))
    state = sketch.variable("state", (1, 16))
    weights = sketch.constant("f", (2, 100)), sketch.constant("t", (2, 8)), ""
    sketch.layer(Svdf(), ("x", *weights, state), "a", (1, 200))
    sketch.layer(Svdf(), ("x", *weights, state), "b", (1, 2))
    network = sketch.network("a", "b")
    assert _Graph(network, {}, frozenset()).before == [0, 1]
    assert reorder(network) is network
