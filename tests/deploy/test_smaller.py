"""Rewritings that need less memory: bands and padding compute the same, and the search keeps to its budget."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from mcusim.deploy.bands import band_bytes, banded, chains
from mcusim.deploy.lifetimes import buffers_of
from mcusim.deploy.padding import fuse_padding
from mcusim.deploy.planner import plan
from mcusim.deploy.smaller import Kernels, smaller
from mcusim.network import Network, NetworkError, Quantization
from mcusim.network.operators import Conv2D, DepthwiseConv2D, Function, Pad, Padding, Pool2D, Pooling, Softmax, Unary
from mcusim.network.shapes import check_shapes, output_shapes
from tests.deploy.execute import execute
from tests.deploy.networks import Sketch

PLAIN = Kernels(lambda network: {})


class Chain(Sketch):
    """Layers one after the other, their shapes worked out."""

    def __init__(self, seed: int, height: int, width: int, channels: int) -> None:
        super().__init__(x=(1, height, width, channels))
        self.random = np.random.default_rng(seed)
        self.last = "x"

    def add(self, operator, weights: tuple[int, ...] = (), coding: Quantization | None = None) -> None:
        number, inputs = len(self.layers), (self.last,)
        if weights:
            name = self.constant(f"w{number}", weights)
            data = self.random.integers(-9, 9, weights).astype(np.int8)
            self.tensors[name] = replace(self.tensors[name], data=data)
            inputs = (self.last, name)
        old = self.tensors[self.last]
        self.last = self.layer(operator, inputs, f"t{number}", (1,), coding=coding or old.quantization)
        shapes = [self.tensors[n].shape for n in inputs]
        (shape,) = output_shapes(self.layers[-1], shapes)
        self.tensors[self.last] = replace(self.tensors[self.last], shape=shape)


def random_chain(seed: int) -> Network:
    chance = random.Random(seed)
    chain = Chain(seed, chance.randint(16, 40), chance.randint(4, 8), 4)
    for _ in range(chance.randint(2, 4)):
        channels = chain.tensors[chain.last].shape[3]
        taps = chance.randint(1, 3)
        padding = Padding(*(chance.randint(0, taps - 1) for _ in range(4)))
        stride = (chance.randint(1, 2), 1)
        match chance.randrange(4):
            case 0:
                chain.add(Conv2D(stride, padding=padding), (chance.choice((4, 8)), taps, taps, channels))
            case 1:
                chain.add(DepthwiseConv2D(stride, padding=padding), (1, taps, taps, channels))
            case 2:
                chain.add(Pool2D(Pooling.MAX, (taps, taps), stride, padding))
            case 3:
                chain.add(Unary(Function.RELU))
    return chain.network(chain.last)


def same(one: Network, other: Network, seed: int) -> bool:
    x = np.random.default_rng(seed).integers(-128, 128, one.tensors["x"].shape)
    return all(np.array_equal(a, b) for a, b in zip(execute(one, {"x": x}), execute(other, {"x": x}), strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_a_chain_in_bands_computes_what_the_chain_does(seed: int) -> None:
    network = random_chain(seed)
    height = network.outputs_of(network.layers[-1])[0].shape[1]
    variant = banded(network, range(len(network.layers)), random.Random(seed).randint(2, min(height, 6)))
    check_shapes(variant)
    assert same(network, variant, seed)


def test_bands_are_views_and_the_rows_of_the_input_die_one_after_the_other() -> None:
    chain = Chain(1, 32, 8, 4)
    chain.add(Conv2D(padding=Padding(1, 1, 1, 1)), (16, 3, 3, 4))
    chain.add(Pool2D(Pooling.MAX, (4, 4), (4, 4)))
    network = chain.network(chain.last)
    variant = banded(network, range(2), 8)
    found = buffers_of(variant)
    assert len(found.views) == 16
    peak = plan(found.buffers, found.overlays, views=found.views).total_bytes
    assert band_bytes(network, range(2), 8) == 32 * 8 * 4 + 8 * 2 * 16 + 4 * 8 * 16
    assert peak == 32 * 8 * 4 + 4 * 8 * 16  # when the first band is there; later ones take the place of dead rows


def test_chains_end_where_a_tensor_is_read_twice_or_an_operator_needs_all_rows() -> None:
    chain = Chain(1, 8, 8, 4)
    for _ in range(3):
        chain.add(Unary(Function.RELU))
    chain.add(Softmax())
    chain.add(Unary(Function.RELU))
    assert list(chains(chain.network(chain.last))) == [range(3), range(4, 5)]
    assert list(chains(chain.network("t1", chain.last))) == [range(2), range(2, 3), range(4, 5)]


def test_what_cannot_run_in_bands_is_refused() -> None:
    chain = Chain(1, 8, 8, 4)
    chain.add(Unary(Function.RELU))
    chain.add(Softmax())
    network = chain.network(chain.last)
    with pytest.raises(NetworkError, match=r"\['make_t0', 'make_t1'\] are no chain of layers"):
        banded(network, range(2), 2)
    with pytest.raises(NetworkError, match="has 8 rows, so 2 to 8 are possible"):
        banded(network, range(1), 9)


def padded_chain(reader, weights: tuple[int, ...], zero: int = 0, value: int | None = None) -> Network:
    coding = Quantization((0.5,), (zero,))
    chain = Chain(1, 8, 8, 4)
    chain.tensors["x"] = replace(chain.tensors["x"], quantization=coding)
    chain.add(Pad((0, 0, 1, 0), (0, 1, 1, 0), zero if value is None else value))
    chain.add(reader, weights)
    return chain.network(chain.last)


def test_a_border_of_zeros_becomes_padding_of_the_convolution() -> None:
    for operator, weights in ((Conv2D((2, 2), padding=Padding(1)), (8, 3, 3, 4)), (DepthwiseConv2D((2, 2)), (1, 3, 3, 4))):
        network = padded_chain(operator, weights)
        fused = fuse_padding(network)
        check_shapes(fused)
        assert len(fused.layers) == 1 and len(network.layers) == 2
        assert same(network, fused, 5)


def test_padding_that_is_seen_or_not_zero_or_read_by_others_stays() -> None:
    convolution = Conv2D(), (8, 3, 3, 4)
    other_value = padded_chain(*convolution, zero=3, value=0)
    an_output = replace(padded_chain(*convolution), outputs=("t0", "t1"))
    average = padded_chain(Pool2D(Pooling.AVERAGE, (3, 3)), ())
    maximum = padded_chain(Pool2D(Pooling.MAX, (3, 3)), (), zero=-127)
    for network in (other_value, an_output, average, maximum):
        assert fuse_padding(network) is network


def test_a_maximum_pooling_takes_zeros_that_never_win() -> None:
    network = padded_chain(Pool2D(Pooling.MAX, (3, 3)), (), zero=-128)
    fused = fuse_padding(network)
    assert len(fused.layers) == 1
    assert same(network, fused, 5)


def test_the_cheapest_rewriting_within_the_budget_is_taken() -> None:
    chain = Chain(1, 32, 16, 4)
    chain.add(Pad((0, 1, 1, 0), (0, 1, 1, 0)))
    chain.add(Conv2D(), (16, 3, 3, 4))
    chain.add(Conv2D((2, 2)), (4, 3, 3, 16))
    network = chain.network(chain.last)
    assert smaller(network, PLAIN, 100_000).network is network
    fused = smaller(network, PLAIN, 10_300)
    assert fused.changes == ("padding is part of the convolutions",) and fused.need_bytes == 10_240
    bands = smaller(network, PLAIN, 6_000)
    assert bands.changes[1:] == ("make_t1 to make_t2 run in 3 bands of rows",)
    assert bands.need_bytes <= 6_000 and bands.macs > fused.macs
    least = smaller(network, PLAIN, 0)
    assert least.need_bytes < bands.need_bytes
    assert all(same(network, variant.network, 7) for variant in (fused, bands, least))
