"""Shape inference and multiply-accumulates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcusim.network import ElementType, Layer, Network, NetworkError, Tensor
from mcusim.network import operators as ops
from mcusim.network.element_types import RULES as TYPE_RULES
from mcusim.network.macs import layer_macs, network_macs
from mcusim.network.reference.run import KERNELS
from mcusim.network.shapes import RULES, check_shapes, output_shapes, same_padding

Shape = tuple[int, ...]

ROWS: list[tuple[ops.Operator, list[Shape | None], list[Shape]]] = [
    (ops.Conv2D(stride=(2, 2), padding=ops.Padding(0, 1, 0, 1)), [(1, 8, 8, 3), (16, 3, 3, 3), (16,)], [(1, 4, 4, 16)]),
    (ops.Conv2D(dilation=(2, 2)), [(1, 8, 8, 4), (6, 3, 3, 2), None], [(1, 4, 4, 6)]),
    (ops.DepthwiseConv2D(multiplier=2), [(1, 5, 5, 3), (1, 3, 3, 6), None], [(1, 3, 3, 6)]),
    (ops.TransposeConv2D((2, 2), ops.Padding(0, 1, 0, 1), (8, 8)), [(1, 4, 4, 3), (5, 3, 3, 3), None], [(1, 8, 8, 5)]),
    (ops.FullyConnected(), [(2, 3, 4), (7, 12), (7,)], [(2, 7)]),
    (ops.FullyConnected(keep_dimensions=True), [(2, 3, 4), (7, 4), None], [(2, 3, 7)]),
    (ops.Binary(ops.Arithmetic.ADD), [(2, 1, 4), (3, 1)], [(2, 3, 4)]),
    (ops.Unary(ops.Function.TANH), [(2, 3)], [(2, 3)]),
    (ops.Pool2D(ops.Pooling.MAX, (2, 2), (2, 2)), [(1, 5, 5, 3)], [(1, 2, 2, 3)]),
    (ops.Reduce(ops.Reduction.MEAN, (1, 2)), [(1, 5, 5, 3)], [(1, 3)]),
    (ops.Reduce(ops.Reduction.MAX, (1, 2), True), [(1, 5, 5, 3)], [(1, 1, 1, 3)]),
    (ops.Pad((0, 1), (0, 2)), [(2, 3)], [(2, 6)]),
    (ops.Concatenation(1), [(2, 3), (2, 4)], [(2, 7)]),
    (ops.Reshape((6,)), [(2, 3)], [(6,)]),
    (ops.Split(1, (1, 2)), [(2, 3)], [(2, 1), (2, 2)]),
    (ops.Slice((1, 3), (1, 2), (1, -2)), [(2, 4)], [(1, 2)]),
    (ops.Transpose((2, 0, 1)), [(2, 3, 4)], [(4, 2, 3)]),
    (ops.ResizeNearest((4, 6)), [(1, 2, 3, 5)], [(1, 4, 6, 5)]),
    (ops.Softmax(), [(1, 10)], [(1, 10)]),
    (ops.Quantize(), [(3,)], [(3,)]),
    (ops.Dequantize(), [(3,)], [(3,)]),
    (ops.BatchMatMul(transpose_right=True), [(2, 1, 4, 5), (3, 6, 5)], [(2, 3, 4, 6)]),
    (ops.Svdf(rank=2), [(1, 6), (8, 6), (8, 5), (4,), (1, 40)], [(1, 4)]),
    (
        ops.UnidirectionalLstm(),
        [(2, 7, 3), *[(4, 3)] * 4, *[(4, 4)] * 4, *[None] * 3, *[(4,)] * 4, None, None, (2, 4), (2, 4), *[None] * 4],
        [(2, 7, 4)],
    ),
]


@pytest.mark.parametrize(("operator", "inputs", "outputs"), ROWS)
def test_shapes_follow_from_the_inputs(operator: ops.Operator, inputs: list[Shape | None], outputs: list[Shape]) -> None:
    assert list(output_shapes(Layer("it", operator, (), ()), inputs)) == outputs


def test_every_operator_has_its_rules() -> None:
    operators = set(ops.Operator.__args__)
    assert set(RULES) == set(TYPE_RULES) == set(KERNELS) == operators
    assert {type(row[0]) for row in ROWS} == operators


ERRORS: list[tuple[ops.Operator, list[Shape | None], str]] = [
    (ops.Conv2D(), [(8, 8, 3), (16, 3, 3, 3)], "its input has 3 dimensions, not 4; its inputs are 8x8x3, 16x3x3x3"),
    (ops.Conv2D(), [(1, 2, 2, 3), (16, 3, 3, 3)], "a window of 3 does not fit into 2 and 0 of padding"),
    (ops.Conv2D(), [(1, 8, 8, 3), (16, 3, 3, 3), (4,)], "its bias has 4 values for 16 outputs"),
    (ops.Conv2D(), [(1, 8, 8, 3), None], r"needs its filter \(input 1\); its inputs are 1x8x8x3, none"),
    (ops.DepthwiseConv2D(), [(1, 8, 8, 3), (1, 3, 3, 4)], "its filter has 4 channels, not 3 of the input times the multiplier"),
    (ops.FullyConnected(), [(1, 7), (3, 4)], "7 values are no multiple of the filter's 4"),
    (ops.Binary(ops.Arithmetic.ADD), [(2, 3), (2,)], "2x3 and 2 do not broadcast"),
    (ops.Pool2D(ops.Pooling.MAX, (2, 2), padding=ops.Padding(2)), [(1, 4, 4, 1)], "a window would lie in the padding alone"),
    (ops.Reduce(ops.Reduction.SUM, (4,)), [(1, 4, 4, 1)], r"axes \(4,\) are not all of 0 to 3"),
    (ops.Concatenation(0), [(2, 3), (2, 4)], "2x3 and 2x4 differ in more than axis 0"),
    (ops.Slice((0,), (3,), (2,)), [(4,)], "elements 0 to 4 by 2 are not all of 0 to 3"),
    (ops.Split(0, (1, 2)), [(4,)], r"parts of \(1, 2\) do not make up 4"),
    (ops.Transpose((0, 0)), [(4, 2)], r"\(0, 0\) is no order of the axes"),
    (ops.BatchMatMul(), [(2, 3), (4, 5)], "rows of 3 meet columns of 4"),
    (ops.Svdf(), [(1, 6), (8, 6), (8, 5), None, (1, 41)], "its state is 1x41, not 1x40"),
]


@pytest.mark.parametrize(("operator", "inputs", "text"), ERRORS)
def test_shapes_that_do_not_go_together_are_told_with_the_layer(
    operator: ops.Operator, inputs: list[Shape | None], text: str
) -> None:
    with pytest.raises(NetworkError, match=rf"layer it \({type(operator).__name__}\): {text}"):
        output_shapes(Layer("it", operator, (), ()), inputs)


def network(operator: ops.Operator, inputs: list[Shape | None], outputs: list[Shape]) -> Network:
    """A network of one layer, all of whose inputs are the network's."""
    ins = {f"i{n}": shape for n, shape in enumerate(inputs) if shape is not None}
    outs = {f"o{n}": shape for n, shape in enumerate(outputs)}
    tensors = {name: Tensor(name, shape, ElementType.INT8) for name, shape in (ins | outs).items()}
    names = tuple(f"i{n}" if shape is not None else "" for n, shape in enumerate(inputs))
    return Network("it", tensors, (Layer("layer", operator, names, tuple(outs)),), tuple(ins), tuple(outs))


def test_a_network_whose_tensors_have_other_shapes_is_told() -> None:
    good = network(*ROWS[0])
    check_shapes(good)
    bad = replace(good, tensors={**good.tensors, "o0": Tensor("o0", (1, 4, 4, 8), ElementType.INT8)})
    with pytest.raises(NetworkError, match=r"layer layer \(Conv2D\): its outputs are said to be 1x4x4x8, but it gives"):
        check_shapes(bad)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (5, 1, 2, (0, 0)), (6, 1, 3, (0, 0))],
)
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == padding


@pytest.mark.parametrize(
    ("row", "macs"),
    [
        (0, 4 * 4 * 16 * 27),
        (1, 4 * 4 * 6 * 18),
        (2, 3 * 3 * 6 * 9),
        (3, 4 * 4 * 3 * 5 * 9),
        (4, 2 * 7 * 12),
        (5, 6 * 7 * 4),
        (6, 0),
        (8, 0),
        (21, 6 * 4 * 6 * 5),
        (22, 8 * 6 + 8 * 5),
        (23, 14 * (4 * 12 + 4 * 16)),
    ],
)
def test_multiply_accumulates_are_counted_from_shapes(row: int, macs: int) -> None:
    one = network(*ROWS[row])
    assert layer_macs(one, one.layers[0]) == network_macs(one) == macs
