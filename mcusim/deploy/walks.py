"""Walks: how a kernel goes through its input and its output, and how far behind its reading it writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcusim.network import Layer, Network, NetworkError
from mcusim.network.operators import Conv2D, DepthwiseConv2D, Operator, Pad, Padding, Pair, Pool2D

WINDOWED = (Conv2D, DepthwiseConv2D, Pool2D, Pad)
"""Operators whose output pixel depends on a window of the input; of a Pad, that is a pixel or nothing."""


NEVER = 1 << 60
"""A byte above all: where a window outside the input begins, and what is still read after the last."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a kernel of a windowed operator promises: it finishes ``pixels`` output pixels after the others, in memory order.

    ``buffered``: it has read all windows of these pixels before it writes to the first of them. Otherwise it may still read any
    of these windows when it has written all else of these pixels.
    """

    pixels: int = 1
    buffered: bool = False


@dataclass(frozen=True, slots=True)
class Planes:
    """What else a kernel may promise: the output may lie exactly where the input does.

    As a depthwise convolution that has read all of some channels before it writes them, and leaves the others alone.
    """


Promise = Walk | Planes
"""What a kernel says about its order of reading and writing."""


def distance_bytes(network: Network, layer: Layer, walk: Walk) -> int:
    """How far below its input the output of a windowed layer has to start, so that it never overwrites what is still read.

    The output may lie anywhere from there downwards. Raises NetworkError for an operator without windows.
    """
    input_, output = network.inputs_of(layer)[0], network.outputs_of(layer)[0]
    if input_ is None or not isinstance(layer.operator, WINDOWED):
        raise NetworkError(f"{network.name}, layer {layer.name}: {type(layer.operator).__name__} has no windows to walk along")
    batch, height, width, channels = input_.shape
    window, stride, dilation, padding = _window(network, layer)
    rows = _lowest(output.shape[1], stride[0], padding.top, window[0], dilation[0], height)
    columns = _lowest(output.shape[2], stride[1], padding.left, window[1], dilation[1], width)
    pixels = np.arange(batch)[:, None, None] * height * width + rows[:, None] * width + columns
    starts = np.where((rows[:, None] < 0) | (columns < 0), NEVER, pixels * channels * input_.type.size_bytes).ravel()
    still_read = np.append(np.minimum.accumulate(starts[::-1])[::-1], NEVER)
    first = np.arange(0, len(starts), walk.pixels)
    after = np.minimum(first + walk.pixels, len(starts))
    written = after * output.shape[3] * output.type.size_bytes
    return max(int(np.max(written - still_read[after if walk.buffered else first], initial=0)), 0)


def _window(network: Network, layer: Layer) -> tuple[Pair, Pair, Pair, Padding]:
    operator: Operator = layer.operator
    if isinstance(operator, Pad):
        (_, top, left, _), (_, bottom, right, _) = operator.before, operator.after
        return (1, 1), (1, 1), (1, 1), Padding(top, bottom, left, right)
    if isinstance(operator, Pool2D):
        return operator.window, operator.stride, (1, 1), operator.padding
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    kernel = network.tensors[layer.inputs[1]].shape
    return (kernel[1], kernel[2]), operator.stride, operator.dilation, operator.padding


def _lowest(outputs: int, stride: int, before: int, taps: int, dilation: int, size: int) -> np.ndarray:
    """The lowest index inside the input that each output reads along one axis; -1 where it reads none."""
    reads = (np.arange(outputs) * stride - before)[:, None] + np.arange(taps)[None, :] * dilation
    inside = np.where((reads >= 0) & (reads < size), reads, size).min(axis=1)
    return np.where(inside < size, inside, -1)
