"""Bands: a chain of layers computed a few rows at a time, so that what lies between them is never there as a whole.

The rewriting is a network like any other. Each band begins with a Slice of rows and ends in a Concatenation of rows; the
planner makes views of both, so nothing is copied. The price is that rows which two bands need are computed twice.
A convolution before a pooling, computed in bands, is elsewhere called fusing the two; many layers, patch-based execution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mcusim.network import Layer, Network, NetworkError, Tensor
from mcusim.network.operators import (
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    Padding,
    Pool2D,
    Quantize,
    Slice,
    Unary,
)  # fmt: skip

WINDOWED = (Conv2D, DepthwiseConv2D, Pool2D)
BY_ROWS = (*WINDOWED, Unary, Quantize, Dequantize)
"""Operators whose rows of output follow from some rows of the input."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ``low`` to ``high`` (left out), and the rows of padding that a window needs above and below them."""

    low: int
    high: int
    above: int = 0
    below: int = 0

    @property
    def count(self) -> int:
        return self.high - self.low


def chains(network: Network) -> Iterator[range]:
    """Longest runs of layers, by index, each of which only reads what the one before wrote, and which go by rows."""
    start = 0
    for index in range(len(network.layers) + 1):
        if index < len(network.layers) and _by_rows(network, network.layers[index]):
            if index > start and not _follows(network, index):
                yield range(start, index)
                start = index
        else:
            if index > start:
                yield range(start, index)
            start = index + 1


def _by_rows(network: Network, layer: Layer) -> bool:
    input_, output = network.tensors[layer.inputs[0]], network.tensors[layer.outputs[0]]
    shaped = len(input_.shape) == len(output.shape) == 4 and input_.shape[0] == 1
    return isinstance(layer.operator, BY_ROWS) and shaped and not input_.constant and not input_.variable


def _follows(network: Network, index: int) -> bool:
    between = network.layers[index - 1].outputs[0]
    readers = [layer.name for layer in network.readers(between)]
    return network.layers[index].inputs[0] == between and len(readers) == 1 and between not in network.outputs


def rows_needed(network: Network, chain: range, rows: Rows) -> list[Rows]:
    """For ``rows`` of the last output of a chain: the rows that each layer reads, then ``rows`` itself."""
    needed = [rows]
    for index in reversed(chain):
        needed.insert(0, _rows_read(network, network.layers[index], needed[0]))
    return needed


def _rows_read(network: Network, layer: Layer, rows: Rows) -> Rows:
    operator: Any = layer.operator
    if not isinstance(operator, WINDOWED):
        return Rows(rows.low, rows.high)
    taps = operator.window[0] if isinstance(operator, Pool2D) else network.tensors[layer.inputs[1]].shape[1]
    dilation = 1 if isinstance(operator, Pool2D) else operator.dilation[0]
    height = network.tensors[layer.inputs[0]].shape[1]
    low = rows.low * operator.stride[0] - operator.padding.top
    high = (rows.high - 1) * operator.stride[0] - operator.padding.top + (taps - 1) * dilation + 1
    return Rows(max(low, 0), min(high, height), max(-low, 0), max(high - height, 0))


def parts(height: int, bands: int) -> list[Rows]:
    """``height`` rows in bands as equal as can be, the tall ones first."""
    small, tall = divmod(height, bands)
    ends = [band * small + min(band, tall) for band in range(bands + 1)]
    return [Rows(low, high) for low, high in pairwise(ends)]


def band_bytes(network: Network, chain: range, bands: int) -> int:
    """Bytes alive in a chain in bands, at most: input, output, and two layers of a band. Without scratch.

    It is less where rows of the input are dead before the last rows of the output are there.
    """
    ends = network.tensors[network.layers[chain[0]].inputs[0]], network.tensors[network.layers[chain[-1]].outputs[0]]
    worst = 0
    for part in parts(ends[1].shape[1], bands):
        rows = rows_needed(network, chain, part)
        sizes = [_bytes(network.tensors[network.layers[index].outputs[0]], r) for index, r in zip(chain, rows[1:], strict=True)]
        between = [0, *sizes[:-1], 0]
        worst = max(worst, *(a + b for a, b in pairwise(between)))
    return ends[0].size_bytes + ends[1].size_bytes + worst


def _bytes(tensor: Tensor, rows: Rows) -> int:
    return tensor.size_bytes // tensor.shape[1] * rows.count


def banded(network: Network, chain: range, bands: int) -> Network:
    """``network`` with the layers of ``chain`` (part of one of ``chains``) computed in ``bands`` bands of rows.

    Raises NetworkError for layers that are no such chain, for more bands than rows, and where a band would be all padding.
    """
    if not any(set(chain) <= set(whole) for whole in chains(network)) or not chain:
        names = [network.layers[index].name for index in chain]
        raise NetworkError(f"{network.name}: {names} are no chain of layers that can be computed in bands")
    output = network.layers[chain[-1]].outputs[0]
    height = network.tensors[output].shape[1]
    if not 1 < bands <= height:
        raise NetworkError(f"{network.name}: {output!r} in {bands} bands; it has {height} rows, so 2 to {height} are possible")
    layers: list[Layer] = []
    tensors = dict(network.tensors)
    pieces: list[str] = []
    for number, part in enumerate(parts(height, bands)):
        layers += _band(network, chain, part, number, tensors)
        pieces.append(layers[-1].outputs[0])
    layers.sort(key=lambda layer: not _is_free(layer, tensors))
    layers.append(Layer(f"{network.layers[chain[-1]].name}{BAND}s", Concatenation(1), tuple(pieces), (output,)))
    for index in chain[:-1]:
        del tensors[network.layers[index].outputs[0]]
    return replace(network, tensors=tensors, layers=(*network.layers[: chain[0]], *layers, *network.layers[chain[-1] + 1 :]))


BAND = "_band"
"""What stands between a layer's or a tensor's name and the number of its band."""


def _band(network: Network, chain: range, part: Rows, number: int, tensors: dict[str, Tensor]) -> Iterator[Layer]:
    rows = rows_needed(network, chain, part)
    if any(r.count <= 0 for r in rows):
        raise NetworkError(f"{network.name}: rows {part.low} to {part.high - 1} of a band depend on padding only")
    first = network.layers[chain[0]]
    source = first.inputs[0]
    if rows[0].count < network.tensors[source].shape[1]:
        sliced = _add(tensors, network.tensors[source], rows[0], f"{source}_rows_of_{first.name}{BAND}{number}")
        shape = tensors[sliced].shape
        yield Layer(f"{first.name}_rows{number}", Slice((0, rows[0].low, 0, 0), shape, (1, 1, 1, 1)), (source,), (sliced,))
        source = sliced
    for index, read, written in zip(chain, rows[:-1], rows[1:], strict=True):
        layer = network.layers[index]
        output = _add(tensors, network.tensors[layer.outputs[0]], written, f"{layer.outputs[0]}{BAND}{number}")
        yield Layer(f"{layer.name}{BAND}{number}", _padded(layer.operator, read), (source, *layer.inputs[1:]), (output,))
        source = output


def _is_free(layer: Layer, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a layer is a Slice that will be a view: then it comes first, so that its input dies row by row."""
    if not isinstance(layer.operator, Slice):
        return False
    source = tensors[layer.inputs[0]]
    return layer.operator.begin[1] * source.size_bytes // source.shape[1] % VIEW_ALIGNMENT == 0


VIEW_ALIGNMENT = 4
"""Bytes that the start of a view has to be a multiple of, as the planner aligns buffers if not told otherwise."""


def _add(tensors: dict[str, Tensor], whole: Tensor, rows: Rows, name: str) -> str:
    if name in tensors:
        raise NetworkError(f"a tensor is called {name!r} already, as a band would be; rename it")
    tensors[name] = replace(whole, name=name, shape=(whole.shape[0], rows.count, *whole.shape[2:]))
    return name


def _padded(operator: Any, rows: Rows) -> Any:
    if not isinstance(operator, WINDOWED):
        return operator
    return replace(operator, padding=Padding(rows.above, rows.below, operator.padding.left, operator.padding.right))
