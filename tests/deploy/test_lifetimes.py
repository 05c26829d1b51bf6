"""Lifetimes, overlays and views of networks."""

from __future__ import annotations

import pytest

from mcusim.deploy.buffers import Buffer, Overlay, View
from mcusim.deploy.lifetimes import Lifetimes, buffers_of, scratch_name
from mcusim.deploy.planner import plan
from mcusim.deploy.walks import Walk
from mcusim.network import ElementType, NetworkError, Quantization
from mcusim.network.operators import (
    Activation,
    Arithmetic,
    Binary,
    Concatenation,
    Conv2D,
    Dequantize,
    FullyConnected,
    Function,
    Quantize,
    Reshape,
    Slice,
    Softmax,
    Split,
    Svdf,
    Unary,
)  # fmt: skip
from tests.deploy.networks import Sketch

RELU = Unary(Function.RELU)


def spans(found: Lifetimes) -> dict[str, tuple[int, int]]:
    return {buffer.name: (buffer.first, buffer.last) for buffer in found.buffers}


def peak(found: Lifetimes) -> int:
    return plan(found.buffers, found.overlays, views=found.views).total_bytes


def test_tensors_live_from_their_writer_to_their_last_reader() -> None:
    sketch = Sketch(x=(1, 8))
    weights = sketch.constant("w", (8, 8))
    sketch.layer(FullyConnected(), ("x", weights, ""), "a", (1, 8))
    sketch.layer(FullyConnected(), ("a", weights, ""), "b", (1, 8))
    sketch.layer(FullyConnected(), ("b", weights, ""), "unread", (1, 8))
    sketch.layer(Softmax(), ("a",), "c", (1, 8))
    found = buffers_of(sketch.network("b", "c"), {"make_b": 20, "make_c": 0}, alignment=16)
    scratch = {scratch_name("make_b"): (1, 1)}
    assert spans(found) == {"x": (-1, 0), "a": (0, 3), "b": (1, 3), "unread": (2, 2), "c": (3, 3)} | scratch
    assert {buffer.alignment for buffer in found.buffers} == {16}
    assert not found.overlays and not found.views


def test_state_and_kept_tensors_live_always_and_to_the_end() -> None:
    sketch = Sketch(x=(1, 8))
    state = sketch.variable("state", (1, 16))
    sketch.layer(Svdf(), ("x", sketch.constant("f", (2, 8)), sketch.constant("t", (2, 8)), "", state), "a", (1, 2))
    sketch.layer(RELU, ("a",), "b", (1, 2))
    found = buffers_of(sketch.network("b"), kept=("x",))
    assert spans(found) == {"x": (-1, 1), "state": (-1, 1), "a": (0, 1), "b": (1, 1)}


def test_element_wise_layers_may_write_over_inputs_that_die() -> None:
    sketch = Sketch(x=(1, 8), y=(1, 8), row=(1, 1))
    sketch.layer(Binary(Arithmetic.ADD), ("x", "y"), "a", (1, 8))
    sketch.layer(Binary(Arithmetic.MUL), ("a", "row"), "b", (1, 8))
    sketch.layer(RELU, ("a",), "c", (1, 8))
    found = buffers_of(sketch.network("b", "c"))
    assert found.overlays == (Overlay("a", "x", 0), Overlay("a", "y", 0), Overlay("c", "a", 0))
    assert peak(found) == 20


def test_a_tensor_of_larger_elements_ends_where_its_input_ends() -> None:
    sketch = Sketch(x=(1, 8))
    sketch.layer(Dequantize(), ("x",), "real", (1, 8), ElementType.FLOAT32)
    sketch.layer(Quantize(), ("real",), "back", (1, 8))
    found = buffers_of(sketch.network("back"))
    assert found.overlays == (Overlay("real", "x", 24, exact=False), Overlay("back", "real", 0))
    assert peak(found) == 32


def test_a_walk_lets_a_convolution_lie_over_its_input() -> None:
    sketch = Sketch(x=(1, 10, 10, 4))
    sketch.layer(Conv2D(), ("x", sketch.constant("w", (4, 1, 1, 4))), "y", (1, 10, 10, 4))
    network = sketch.network("y")
    assert peak(buffers_of(network)) == 800
    assert peak(buffers_of(network, walks={"make_y": Walk(2, True)})) == 400
    assert peak(buffers_of(network, walks={"make_y": Walk(1, False)})) == 404


def test_a_reshape_is_a_view_even_of_a_tensor_that_lives_on() -> None:
    sketch = Sketch(x=(2, 4))
    sketch.layer(Reshape((8,)), ("x",), "flat", (8,))
    sketch.layer(RELU, ("flat",), "a", (8,))
    sketch.layer(RELU, ("x",), "b", (2, 4))
    found = buffers_of(sketch.network("a", "b"))
    assert found.views == (View("flat", "x"),)
    places = plan(found.buffers, found.overlays, views=found.views).places
    assert places["flat"] == places["x"] == places["b"] != places["a"]
    assert peak(found) == 16


def test_parts_of_an_outermost_concatenation_are_views() -> None:
    sketch = Sketch(x=(1, 2, 4), y=(1, 1, 4))
    sketch.layer(RELU, ("x",), "a", (1, 2, 4))
    sketch.layer(RELU, ("y",), "b", (1, 1, 4))
    sketch.layer(Concatenation(1), ("a", "b", "a"), "all", (1, 5, 4))
    found = buffers_of(sketch.network("all"))
    assert found.views == (View("a", "all", 0), View("b", "all", 8))
    assert peak(found) == 20


def test_what_lies_in_pieces_or_is_scaled_anew_or_bounded_is_copied() -> None:
    other = Quantization((0.25,), (0,))
    for operator, shape, coding in (
        (Concatenation(2), (1, 2, 16), None),
        (Concatenation(1), (1, 4, 8), other),
        (Concatenation(1, Activation.RELU), (1, 4, 8), None),
    ):
        sketch = Sketch(x=(1, 2, 8), y=(1, 2, 8))
        sketch.layer(operator, ("x", "y"), "all", shape, coding=coding or sketch.tensors["x"].quantization)
        assert not buffers_of(sketch.network("all")).views


def test_a_part_that_would_begin_at_an_odd_byte_is_copied() -> None:
    sketch = Sketch(x=(1, 3), y=(1, 5))
    sketch.layer(Concatenation(1), ("x", "y"), "all", (1, 8))
    assert buffers_of(sketch.network("all")).views == (View("x", "all", 0),)


def test_a_tensor_is_part_of_two_concatenations_only_where_the_rest_does_not_collide() -> None:
    sketch = Sketch(x=(1, 4), y=(1, 4), z=(1, 4))
    sketch.layer(Concatenation(1), ("x", "y"), "xy", (1, 8))
    sketch.layer(Concatenation(1), ("x", "z"), "xz", (1, 8))
    found = buffers_of(sketch.network("xy", "xz"))
    assert View("x", "xy", 0) in found.views and View("y", "xy", 4) in found.views
    assert View("x", "xz", 0) not in found.views
    assert peak(found) == 16


def test_parts_of_a_split_and_a_slice_are_views() -> None:
    sketch = Sketch(x=(1, 4, 8))
    sketch.split(Split(1, (1, 3)), "x", {"head": (1, 1, 8), "tail": (1, 3, 8)})
    sketch.layer(Slice((0, 1, 0), (1, 2, 8), (1, 1, 1)), ("tail",), "rows", (1, 2, 8))
    sketch.layer(Slice((0, 0, 4), (1, 2, 4), (1, 1, 1)), ("rows",), "columns", (1, 2, 4))
    sketch.layer(Slice((0, 1, 0), (1, 1, 8), (1, -1, 1)), ("tail",), "back", (1, 1, 8))
    found = buffers_of(sketch.network("head", "columns", "back"))
    assert found.views == (View("head", "x", 0), View("tail", "x", 8), View("rows", "tail", 8))


def test_constants_and_state_are_no_views() -> None:
    sketch = Sketch(x=(1, 8))
    sketch.layer(Reshape((8,)), (sketch.constant("c", (1, 8)),), "a", (8,))
    sketch.layer(Reshape((8,)), (sketch.variable("v", (1, 8)),), "b", (8,))
    found = buffers_of(sketch.network("a", "b"))
    assert not found.views
    assert isinstance(found.buffers[0], Buffer) and "c" not in spans(found)


def test_names_that_the_network_has_not_are_refused() -> None:
    network = Sketch(x=(1, 8)).network("x")
    with pytest.raises(NetworkError, match=r"names \['conv', 'y'\], no layers or tensors of it"):
        buffers_of(network, {"conv": 3}, kept=("y",))
