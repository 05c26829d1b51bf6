"""RAM from tables: twins of the planner and of the kernels held to the shipped ones, and to firmware as it is built."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from cost_models import Layers, exact_sizes, from_network, joined, packing
from cost_models.arenas import DRAWN, Row, Step, arena_bytes, chained
from cost_models.descriptors import DSP
from cost_models.frames import frame_of
from cost_models.kernels import BUFFERED, NO_WALK, PLANES, UNBUFFERED, distance_bytes, scratch_bytes, walk
from cost_models.packing import NONE, Boxes, Overlays, peak_bytes
from cost_models.sampling import sample
from mcusim import boards
from mcusim.deploy import packing as planner
from mcusim.deploy.arrangement import Making
from mcusim.deploy.bodies import align, bodies_of, overlays_by_pair
from mcusim.deploy.buffers import Buffer, Overlay, PlanError, View
from mcusim.deploy.build import BuildOptions, making_for
from mcusim.deploy.lower import scratch_of
from mcusim.deploy.packing import Packing, pack
from mcusim.deploy.walks import Planes, Promise, Walk
from mcusim.deploy.walks import distance_bytes as distance_of
from mcusim.network import Network
from mcusim.network import operators as ops
from tests.deploy.networks import Sketch

Case = tuple[list[Buffer], list[Overlay], list[View]]
EFFORT = 300
SEED, SAMPLES = 21, 60


def random_case(seed: int) -> Case:
    """Buffers of some steps, and whatever overlays and views they can have."""
    draw = random.Random(seed)
    steps = draw.randint(1, 8)
    buffers = [_buffer(draw, number, steps) for number in range(draw.randint(1, 12))]
    overlays = [
        Overlay(one.name, other.name, draw.choice([None, 0, draw.randint(0, 400)]), draw.random() < 0.7)
        for one in buffers
        for other in buffers
        if one is not other and other.first < other.last == one.first and draw.random() < 0.6
    ]
    views: list[View] = []
    for _ in range(draw.choice([0, 0, 1, 2, 3])):
        part, whole = draw.choice(buffers), draw.choice(buffers)
        offset = 8 * draw.randint(0, max(whole.size_bytes - part.size_bytes, 0) // 8)
        try:
            bodies_of(buffers, [*views, View(part.name, whole.name, offset)])
        except PlanError:
            continue
        views.append(View(part.name, whole.name, offset))
    return buffers, overlays, [view for view in views if view.part != view.whole]


def _buffer(draw: random.Random, number: int, steps: int) -> Buffer:
    first = draw.randint(-1, steps - 1)
    last = max(min(steps - 1, first + draw.choice([0, 1, 1, 1, 2, 5])), first)
    size = draw.choice([0, 1, 4, 4 * draw.randint(1, 64), draw.randint(1, 4000)])
    return Buffer(f"b{number}", size, first, last, draw.choice([4, 4, 4, 8]))


def in_numbers(case: Case) -> tuple[Boxes, Overlays]:
    buffers, overlays, views = case
    place = {buffer.name: number for number, buffer in enumerate(buffers)}
    rows = [[align(b.size_bytes, b.alignment), b.alignment, b.first + 1, b.last + 1, 0, 0, 0] for b in buffers]
    for body in bodies_of(buffers, views):
        inside = [place[box.buffer.name] for box in body.boxes]
        for number, box in zip(inside, body.boxes, strict=True):
            rows[number][4:] = [min(inside), box.offset, int(len(inside) > 1)]
    found = sorted((place[o.output], place[o.input], NONE if o.distance_bytes is None else o.distance_bytes, int(o.exact))
                   for o in overlays)  # fmt: skip
    return Boxes(*_columns(rows, 7)), Overlays(*_columns(found, 4))


def _columns(rows: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    return [[row[k] for row in rows] for k in range(count)]


@pytest.mark.parametrize("many", [2, packing.MANY], ids=["with many bodies", "with few bodies"])
@pytest.mark.parametrize("seed", range(0, 400, 40))
def test_packing_in_numbers_finds_what_the_planner_finds(seed: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "EFFORT", EFFORT)
    monkeypatch.setattr(packing, "MANY", many)
    monkeypatch.setattr(planner, "MANY", many)
    for number in range(seed, seed + 40):
        buffers, overlays, views = case = random_case(number)
        planned = pack(Packing(bodies_of(buffers, views), overlays_by_pair(buffers, overlays)), EFFORT)
        assert peak_bytes(*in_numbers(case), DRAWN) == planned.peak, f"case {number}: {planned.reason}"


def networks() -> list[Network]:
    return [sample(SEED, number) for number in range(SAMPLES)]


@pytest.fixture(scope="module", params=["nucleo-f746zg", "m3"])
def making(request: pytest.FixtureRequest) -> tuple[Making, bool]:
    board = boards.load(request.param)
    return making_for(board, BuildOptions(sparse="never")), board.core in DSP


def test_kernels_take_and_promise_what_the_compiled_ones_say(making: tuple[Making, bool]) -> None:
    made, dsp = making
    for network in [*networks(), *odd_ones()]:
        steps = made.lower(network)
        sizes, promises = scratch_of(steps), made.promises(steps)
        for layer, row, step in zip(network.layers, *_rows(from_network(network)), strict=True):
            what = f"{network.name}, {layer.name}"
            assert scratch_bytes(row, step, dsp) == sizes.get(layer.name, 0), what
            kind, pixels = walk(row, step, dsp)
            promise = promises.get(layer.name)
            assert (kind, pixels) == _said(promise), what
            if isinstance(promise, Walk):
                assert distance_bytes(row, step, pixels, promise.buffered) == distance_of(network, layer, promise), what


def _rows(layers: Layers) -> tuple[list[Row], list[Step]]:
    assert layers.arenas is not None
    return [Row._make(row) for row in layers.table.tolist()], [Step._make(row) for row in layers.arenas.steps.tolist()]


def _said(promise: Promise | None) -> tuple[int, int]:
    if isinstance(promise, Walk):
        return BUFFERED if promise.buffered else UNBUFFERED, promise.pixels
    return PLANES if isinstance(promise, Planes) else NO_WALK, 0


def odd_ones() -> list[Network]:
    """Convolutions with batches, dilation, edges that read nothing, and several outputs a channel."""
    found = []
    for batches, dilation, stride, edge in ((3, 1, 1, 1), (1, 2, 2, 3), (2, 3, 1, 2), (1, 1, 3, 5)):
        draw = Sketch(x=(batches, 11, 9, 8))
        height, width = ((size + 2 * edge - 2 * dilation - 1) // stride + 1 for size in (11, 9))
        taps, twice = draw.constant("taps", (1, 3, 3, 8)), draw.constant("twice", (1, 3, 3, 16))
        filters = draw.constant("filters", (12, 3, 3, 8))
        common = (stride, stride), (dilation, dilation), ops.Padding(edge, edge, edge, edge)
        draw.layer(ops.DepthwiseConv2D(*common), ("x", taps, ""), "a", (batches, height, width, 8))
        draw.layer(ops.DepthwiseConv2D(*common, 2), ("x", twice, ""), "b", (batches, height, width, 16))
        draw.layer(ops.Conv2D(*common), ("x", filters, ""), "c", (batches, height, width, 12))
        draw.layer(ops.Pad((0, edge, 0, 0), (0, 1, edge, 0)), ("x",), "d", (batches, 12 + edge, 9 + edge, 8))
        draw.layer(ops.Pool2D(ops.Pooling.MAX, (2, 3), (1, 1)), ("x",), "e", (batches, 10, 7, 8))
        found.append(draw.network("a", "b", "c", "d", "e"))
    return found


def test_arenas_are_those_of_the_planner(making: tuple[Making, bool]) -> None:
    made, dsp = making
    asked = [*networks(), *odd_ones()]
    planned = [made.arrangement(network).plan.total_bytes for network in asked]
    assert arena_bytes(joined(map(from_network, asked)), dsp).tolist() == planned


@pytest.mark.slow
def test_compiled_arenas_are_those_that_run_as_they_stand() -> None:
    from cost_models.arenas import plain_arena_bytes
    from cost_models.native import arena_bytes as compiled

    layers = joined(map(from_network, [*networks(), *odd_ones()]))
    assert layers.arenas is not None
    for dsp in (False, True):
        assert np.array_equal(compiled(layers, layers.arenas, dsp), plain_arena_bytes(layers, layers.arenas, dsp))


@pytest.mark.parametrize("board", ["nucleo-f746zg", "nucleo-g0b1re", "nano-33-ble", "m3", "m33"])
def test_ram_is_that_of_a_real_build(board: str) -> None:
    frame = frame_of(board)
    for number in range(6):
        network = sample(77, number)
        exact, told = exact_sizes(network, board), frame.ram_bytes(from_network(network))
        assert (told.values[0], told.deviations[0]) == (exact.ram_bytes, 0), network.name


def test_a_chain_needs_no_network_to_be_planned() -> None:
    straight = [network for network in networks() if _is_chain(network)]
    layers = joined(map(from_network, straight))
    assert len(straight) > 10
    again = chained(Layers(layers.table, layers.starts, layers.names))
    assert arena_bytes(again, True).tolist() == arena_bytes(layers, True).tolist()


def _is_chain(network: Network) -> bool:
    flows = [[name for name in layer.inputs if name and not network.tensors[name].constant] for layer in network.layers]
    outputs = [list(network.inputs), *(list(layer.outputs) for layer in network.layers)]
    return flows == outputs[:-1]


def test_tables_without_arenas_have_an_estimate_of_ram_that_says_so() -> None:
    layers = joined(map(from_network, networks()))
    frame = frame_of("m4")
    exact, told = frame.ram_bytes(layers), frame.ram_bytes(Layers(layers.table, layers.starts, layers.names))
    low, high = told.interval(0.9)
    assert (told.deviations > 0).all()
    assert ((low <= exact.values) & (exact.values <= high)).mean() > 0.8


def test_arenas_are_selected_and_joined_with_their_networks() -> None:
    layers = joined(map(from_network, networks()[:7]))
    some = joined([layers.selected([4, 2]), layers.selected([0])])
    assert arena_bytes(some, True).tolist() == arena_bytes(layers, True)[[4, 2, 0]].tolist()
    assert joined([layers, Layers(layers.table, layers.starts, layers.names)]).arenas is None
