"""How far behind its reading a kernel writes: the formula against a kernel that walks byte by byte."""

from __future__ import annotations

import random
from itertools import product

import pytest

from mcusim.deploy.walks import Walk, distance_bytes
from mcusim.network import Network, NetworkError
from mcusim.network.operators import Conv2D, DepthwiseConv2D, FullyConnected, Padding, Pool2D, Pooling
from tests.deploy.networks import Sketch


def overwrites(network: Network, walk: Walk, distance: int) -> bool:
    """Whether a kernel that keeps to ``walk`` overwrites what it still reads, with the output ``distance`` below the input.

    It does the worst that it may: writes all of its pixels, except the very last byte, before it reads (not buffered).
    """
    (layer,) = network.layers
    input_, output = network.tensors["x"], network.tensors["y"]
    _, height, width, channels = input_.shape
    _, out_height, out_width, out_channels = output.shape
    operator = layer.operator
    taps = operator.window if isinstance(operator, Pool2D) else network.tensors["w"].shape[1:3]
    dilation = (1, 1) if isinstance(operator, Pool2D) else operator.dilation
    lost: set[int] = set()
    pixels = list(product(range(out_height), range(out_width)))
    for start in range(0, len(pixels), walk.pixels):
        group = range(start, min(start + walk.pixels, len(pixels)))
        writes = {n * out_channels + c - distance for n in group for c in range(out_channels)}
        reads = set()
        for n in group:
            for i, j in product(range(taps[0]), range(taps[1])):
                row = pixels[n][0] * operator.stride[0] - operator.padding.top + i * dilation[0]
                column = pixels[n][1] * operator.stride[1] - operator.padding.left + j * dilation[1]
                if 0 <= row < height and 0 <= column < width:
                    reads |= {(row * width + column) * channels + c for c in range(channels)}
        if not walk.buffered:
            lost |= writes
        if reads & lost:
            return True
        lost |= writes
    return False


def random_network(seed: int) -> Network:
    chance = random.Random(seed)
    height, width, channels = chance.randint(1, 6), chance.randint(1, 6), chance.randint(1, 3)
    taps = (chance.randint(1, 3), chance.randint(1, 3))
    stride = (chance.randint(1, 2), chance.randint(1, 2))
    padding = Padding(*(chance.randint(0, 2) for _ in range(4)))
    kind = chance.choice(("conv", "depthwise", "pool"))
    dilation = (chance.randint(1, 2), 1) if kind != "pool" else (1, 1)
    out_height = (height + padding.top + padding.bottom - (taps[0] - 1) * dilation[0] - 1) // stride[0] + 1
    out_width = (width + padding.left + padding.right - (taps[1] - 1) * dilation[1] - 1) // stride[1] + 1
    if out_height < 1 or out_width < 1:
        return random_network(seed + 1000)
    sketch = Sketch(x=(1, height, width, channels))
    out_channels = chance.randint(1, 5) if kind == "conv" else channels
    shape = (1, out_height, out_width, out_channels)
    if kind == "pool":
        return sketch_network(sketch, Pool2D(Pooling.MAX, taps, stride, padding), ("x",), shape)
    sketch.constant("w", (out_channels if kind == "conv" else 1, *taps, channels))
    operator = Conv2D if kind == "conv" else DepthwiseConv2D
    return sketch_network(sketch, operator(stride, dilation, padding), ("x", "w"), shape)


def sketch_network(sketch: Sketch, operator, inputs: tuple[str, ...], shape: tuple[int, ...]) -> Network:
    return sketch.network(sketch.layer(operator, inputs, "y", shape))


@pytest.mark.parametrize("seed", range(60))
def test_the_distance_is_the_smallest_at_which_nothing_is_overwritten_too_early(seed: int) -> None:
    network = random_network(seed)
    for walk in (Walk(), Walk(2, True), Walk(3), Walk(1, True)):
        distance = distance_bytes(network, network.layers[0], walk)
        assert not any(overwrites(network, walk, distance + more) for more in range(4))
        assert distance == 0 or overwrites(network, walk, distance - 1)


def test_a_convolution_of_one_pixel_walks_at_the_rate_of_its_channels() -> None:
    sketch = Sketch(x=(1, 10, 10, 4))
    network = sketch_network(sketch, Conv2D(), ("x", sketch.constant("w", (8, 1, 1, 4))), (1, 10, 10, 8))
    assert distance_bytes(network, network.layers[0], Walk(2, True)) == 98 * 8 - 98 * 4


def test_an_operator_without_windows_has_no_distance() -> None:
    sketch = Sketch(x=(1, 4))
    network = sketch_network(sketch, FullyConnected(), ("x", sketch.constant("w", (2, 4))), (1, 2))
    with pytest.raises(NetworkError, match="sketch, layer make_y: FullyConnected has no windows"):
        distance_bytes(network, network.layers[0], Walk())
