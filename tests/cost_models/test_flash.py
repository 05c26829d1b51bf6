"""Flash from tables: what is exact, how far off the rest is, and that the tables are those of the kernels as they are."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models import CostModelError, exact_sizes, from_network, joined
from cost_models.flash import KERNELS, calls_of, tables, target_of
from cost_models.layers import Layers
from cost_models.sampling import sample
from cost_models.size_table import state_of_kernels, target_name
from cost_models.sizes import sizes_on
from mcusim import boards
from mcusim.deploy.build import BuildOptions, sources_of
from mcusim.deploy.call import Call
from tests.cost_models.made_up import networks

RENEW = "run python -m cost_models.size_table"


def test_tables_of_sizes_are_of_the_kernels_as_they_are() -> None:
    assert tables()["kernels"] == state_of_kernels(), RENEW
    assert set(tables()["boards"]) == set(boards.names()), RENEW
    for name, plain in tables()["boards"].items():
        assert plain["target"] == target_name(boards.load(name)), RENEW


def test_a_board_that_is_not_in_the_tables_is_refused() -> None:
    with pytest.raises(CostModelError, match="no sizes of board 'toaster' are known; there are those of: "):
        sizes_on("toaster")


def test_constants_and_kernels_are_those_of_a_build() -> None:
    board = boards.load("m4")
    for network in networks(24, seed=9):
        layers, sources = from_network(network), sources_of(network, board, BuildOptions(sparse="never"))
        assert layers.arenas is not None
        stored = sum(-(-array.data.nbytes // 16) * 16 for array in sources.arrays)
        assert layers.arenas.steps["constant_bytes"].sum() == stored, network.name
        called = {call.function for step in sources.steps for call in step.calls if isinstance(call, Call)}
        told = {KERNELS[k] for k in np.flatnonzero(calls_of(layers)[0])} - {"memcpy"}
        assert told == {LIKE.get(name, name) for name in called}, network.name


LIKE = {"nn_flip_top_bits": "nn_requantize_s8", "nn_requantize_u8_s8": "nn_requantize_s8"}
"""Kernels of uint8, which take less or as much as those that they are told as."""


@pytest.mark.parametrize("board", ["nucleo-f746zg", "nucleo-g0b1re", "m3"])
def test_flash_is_near_that_of_a_build_and_says_how_near(board: str) -> None:
    asked = [sample(77, number) for number in range(6)]
    exact = np.array([exact_sizes(network, board).flash_bytes for network in asked])
    _, flash = sizes_on(board).predict(joined(map(from_network, asked)))
    assert (np.abs(flash.values - exact) < 4 * flash.deviations).all()
    assert (flash.deviations < 0.02 * exact).all()


def test_flash_of_rows_alone_is_not_far_off() -> None:
    layers = joined(map(from_network, networks(30)))
    bare = Layers(layers.table, layers.starts, layers.names)
    whole, alone = (sizes_on("m4").predict(each)[1].values for each in (layers, bare))
    assert np.median(np.abs(alone / whole - 1)) < 0.01


def test_kernels_that_share_code_take_less_together_than_alone() -> None:
    target = target_of("m4-single")
    add, sub = (KERNELS.index(name) for name in ("nn_add_s8", "nn_sub_s8"))
    each = [target.linked_bytes(np.array([kernel])) for kernel in (add, sub)]
    assert max(each) < target.linked_bytes(np.array([add, sub])) < sum(each)
