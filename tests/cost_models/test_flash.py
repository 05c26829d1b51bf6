"""Flash from tables: what is exact, how far off the rest is, and that the tables are those of the kernels as they are."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cost_models import CostModelError, exact_sizes, from_network, joined
from cost_models.flash import ENDS, KERNELS, calls_of, ends_of, growth, tables, target_of
from cost_models.layers import Layers
from cost_models.sampling import sample
from cost_models.size_table import SEED, state_of_kernels, target_name
from cost_models.sizes import sizes_on
from cost_models.towers import tower
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


LIKE = {"nn_requantize_u8_s8": "nn_requantize_s8"}
"""A kernel of uint8, which takes as much as that which it is told as."""


def test_labels_are_the_strings_and_records_of_the_c_that_is_generated() -> None:
    board = boards.load("m4")
    for network in [*networks(12, seed=9), tower(9, 1)]:
        arenas, files = from_network(network).arenas, sources_of(network, board).files
        assert arenas is not None
        described = files["network.c"].split("network_tensor network_inputs", 1)[1].split("#if NETWORK_CHECK", 1)[0]
        strings = dict.fromkeys(re.findall(r'"([^"]*)"', described))
        records, layers = described.count("    {"), len(network.layers)
        greeting = f"#network {network.name} "
        stored = sum((len(text) // 4 + 1) * 4 for text in (*strings, greeting)) + 28 * records + 4 * layers
        assert arenas.steps["label_bytes"].sum() == stored, network.name
        several = [len(network.inputs) > 1, len(network.outputs) > 1, '"float32", INPUT' in described]
        assert dict(zip(ENDS, ends_of(from_network(network))[0].tolist(), strict=True)) == dict(zip(ENDS, several, strict=True))


def test_bytes_whose_top_bits_change_only_and_operands_that_are_turned_over_have_their_kernels() -> None:
    asked = [*networks(12, seed=4711), sample(4711, 15)]
    called = {KERNELS[k] for network in asked for k in np.flatnonzero(calls_of(from_network(network))[0])}
    assert {"nn_flip_top_bits", "nn_transpose"} <= called


TARGETS = ("m0", "m0plus", "m3", "m4", "m7", "m33", "nucleo-f746zg")
"""A board for each of the targets for which compilers make something else."""


def test_every_target_is_told_against_builds() -> None:
    assert {tables()["boards"][board]["target"] for board in TARGETS} == set(tables()["targets"])


@pytest.mark.parametrize("board", [*TARGETS, "nucleo-g0b1re"])
def test_flash_is_near_that_of_a_build_and_says_how_near(board: str) -> None:
    asked = [*(sample(77, number) for number in range(4)), tower(77, 1)]
    exact = np.array([exact_sizes(network, board).flash_bytes for network in asked])
    _, flash = sizes_on(board).predict(joined(map(from_network, asked)))
    assert (np.abs(flash.values - exact) < NEAR_BYTES * growth(np.array([len(each.layers) for each in asked]))).all()
    assert (np.abs(flash.values - exact) < 4 * flash.deviations).all()
    assert (flash.deviations < 0.02 * exact).all()


NEAR_BYTES = 150
"""In networks of few layers; it was half of it, or less, when this was written."""


def test_networks_that_flash_is_told_against_are_not_those_of_the_tables() -> None:
    assert SEED not in (9, 77)


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
