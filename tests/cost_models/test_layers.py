"""Networks as tables of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import cost_models
from cost_models import CostModelError
from cost_models.descriptors import BOARD, CORES, descriptor
from cost_models.digest import digest
from cost_models.features import counted, counted_fast, counted_plainly
from cost_models.kinds import CODE_OF, FIRST, FIRST_OF_KIN, KINDS, WIDTH
from cost_models.layers import CODES, OPERATORS, Layers, from_network, joined, live_bytes
from cost_models.sampling import FAMILIES, MOST_MACS, MOST_WEIGHTS, family_of, sample
from cost_models.traits import multipliers_of
from cost_models.warmth import Warmth
from mcusim import boards
from mcusim.network import Network, Quantization
from mcusim.network import operators as ops
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.macs import network_macs
from mcusim.network.table import constant_bytes
from tests.deploy.networks import Sketch


def small() -> Network:
    """Convolution 3x3 with a stride of 2 on 9x7x3 to 5x4x6, depthwise 3x3, and both added to what came before."""
    draw = Sketch(x=(1, 9, 7, 3))
    filters, taps = draw.constant("filters", (6, 3, 3, 3)), draw.constant("taps", (1, 3, 3, 6))
    first = draw.layer(ops.Conv2D((2, 2), padding=ops.Padding(1, 1, 1, 1)), ("x", filters, ""), "first", (1, 5, 4, 6))
    second = draw.layer(ops.DepthwiseConv2D(padding=ops.Padding(1, 1, 1, 1)), (first, taps, ""), "second", (1, 5, 4, 6))
    draw.layer(ops.Binary(ops.Arithmetic.ADD), (first, second), "sum", (1, 5, 4, 6))
    return draw.network("sum")


def test_a_row_says_what_the_layer_is() -> None:
    row = from_network(small()).table[0]
    assert OPERATORS[row["operator"]] == "Conv2D"
    assert [row[name] for name in ("input_height", "input_width", "input_channels")] == [9, 7, 3]
    assert [row[name] for name in ("output_height", "output_width", "output_channels")] == [5, 4, 6]
    assert [row[name] for name in ("kernel_height", "kernel_width", "stride_height", "stride_width")] == [3, 3, 2, 2]
    assert (row["padding_top"], row["padding_left"], row["groups"]) == (1, 1, 1)
    assert (row["macs"], row["weight_bytes"]) == (5 * 4 * 6 * 27, 6 * 27)
    assert (row["input_bytes"], row["output_bytes"]) == (9 * 7 * 3, 5 * 4 * 6)


def test_live_bytes_are_those_of_tensors_that_are_still_needed() -> None:
    assert live_bytes(small()) == [189 + 120, 120 + 120, 120 + 120 + 120]


def test_depthwise_layers_have_a_group_for_each_channel() -> None:
    assert from_network(small()).table["groups"].tolist() == [1, 6, 1]


def test_totals_are_those_of_the_network() -> None:
    for number in range(12):
        network = sample(5, number)
        table = from_network(network).table
        assert table["macs"].sum() == network_macs(network)
        assert table["weight_bytes"].sum() >= constant_bytes(network)


def test_an_operator_without_a_code_is_refused_by_name() -> None:
    with pytest.raises(cost_models.CostModelError, match=r"sketch, layer make_y: operator NewThing has no code"):
        from_network(_strange())


def _strange() -> Network:
    class NewThing:
        pass

    draw = Sketch(x=(1, 4))
    draw.layer(NewThing(), ("x",), "y", (1, 4))  # type: ignore[arg-type]
    return draw.network("y")


def test_joined_tables_keep_their_networks_apart() -> None:
    parts = [from_network(sample(5, number)) for number in range(4)]
    whole = joined(parts)
    assert whole.names == tuple(part.names[0] for part in parts)
    assert whole.per_network(whole.table["macs"]).tolist() == [part.table["macs"].sum() for part in parts]
    again = whole.selected([2, 0])
    assert again.names == (whole.names[2], whole.names[0])
    assert np.array_equal(again.table, np.concatenate([parts[2].table, parts[0].table]))


def test_starts_that_are_none_are_refused() -> None:
    table = from_network(small()).table
    with pytest.raises(cost_models.CostModelError, match="expected the first row of each network"):
        cost_models.Layers(table, np.array([0, 0]), ("a", "b"))


def a_row_of_each(operators: Sequence[str], element_bytes: int) -> np.ndarray:
    table = np.ones(len(operators), cost_models.LAYER)
    table["operator"] = [CODES[name] for name in operators]
    table["element_bytes"] = element_bytes
    return table


@pytest.mark.parametrize("element_bytes", [1, 2, 4, 8])
@pytest.mark.parametrize("dsp", [False, True])
def test_every_operator_has_a_kind(element_bytes: int, dsp: bool) -> None:
    kinds, terms = counted_plainly(a_row_of_each(OPERATORS, element_bytes), dsp)
    assert len(CODE_OF) == len(KINDS)
    assert (terms[:, 0] == 1).all()
    if element_bytes > 1:
        names = [f"{name}, {element_bytes}-byte elements" for name in OPERATORS]
        assert [KINDS[kind].name for kind in kinds] == names


@pytest.mark.parametrize("rows", [1, 2000])
def test_a_row_that_cannot_be_is_refused_with_what_it_says(rows: int) -> None:
    table = a_row_of_each(["Conv2D"] * rows, 1)
    table["stride_width"][rows - 1] = 0
    with pytest.raises(CostModelError, match=f"row {rows - 1} of a layer table: .*stride_width 0, .*; allowed: sizes of 1"):
        counted(table, dsp=True)


@pytest.fixture(scope="module")
def samples() -> Layers:
    return joined(from_network(sample(5, number)) for number in range(96))


@pytest.fixture(scope="module")
def sampled(samples: Layers) -> np.ndarray:
    return samples.table


@pytest.mark.parametrize("dsp", [False, True])
def test_terms_are_not_negative_and_have_names(sampled: np.ndarray, dsp: bool) -> None:
    kinds, terms = counted_plainly(sampled, dsp)
    assert terms.shape == (len(sampled), WIDTH)
    assert (terms >= 0).all()
    for kind in np.unique(kinds):
        nameless = set(range(WIDTH)) - set(KINDS[kind].terms)
        assert not terms[kinds == kind][:, sorted(nameless)].any(), KINDS[kind].name


@pytest.mark.parametrize("dsp", [False, True])
def test_compiled_terms_are_those_of_plain_functions(samples: Layers, dsp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cost_models.fast.BLOCK", 100)  # several blocks, which end where networks do
    plain, fast = (count(samples.table, dsp, samples.starts) for count in (counted_plainly, counted_fast))
    np.testing.assert_array_equal(plain[0], fast[0])
    np.testing.assert_allclose(plain[1], fast[1], rtol=1e-12)


def test_compiled_code_is_loaded_for_many_at_once_or_after_many_one_by_one() -> None:
    warmth = Warmth("no.such.module", 10, 5)
    assert [warmth.pays(count) for count in (2, 3, 1, 1)] == [False, False, True, True]
    assert Warmth("no.such.module", 10, 50).pays(10)
    assert Warmth("numpy", 10, 50).pays(1)


def test_the_first_call_of_a_kind_is_told_from_later_ones_in_each_network() -> None:
    names = ["Softmax", "Pool2D average", "Pool2D max", "Softmax", "Pool2D average", "Pool2D max", "Pool2D average"]
    terms = counted_plainly(a_row_of_each(names, 1), True, np.array([0, 5]))[1]
    assert terms[:, FIRST].tolist() == [1, 1, 0, 0, 0, 1, 0]
    assert terms[:, FIRST_OF_KIN].tolist() == [0, 0, 1, 0, 0, 0, 1]


def test_a_softmax_says_how_large_its_exponents_can_be() -> None:
    exponents = [softmax_of(scale) for scale in (1 / 255, 0.01, 100.0)]
    assert exponents == [4, 10, 128]  # quarters; e^-32 is as good as 0


def softmax_of(scale: float) -> int:
    draw = Sketch(x=(1, 10))
    draw.tensors["x"] = replace(draw.tensors["x"], quantization=Quantization((scale,), (0,)))
    draw.layer(ops.Softmax(), ("x",), "y", (1, 10))
    return int(from_network(draw.network("y")).table["scales"][0])


def test_multipliers_of_many_factors_are_those_of_each() -> None:
    factors = np.concatenate([np.random.default_rng(1).uniform(0, 2, 200), [1.0, 0.5, 1 - 2**-40, 2**-40, 0.0, 3e-10]])
    values, shifts = multipliers_of(factors)
    assert list(zip(values.tolist(), shifts.tolist(), strict=True)) == [tuple(quantize_multiplier(float(f))) for f in factors]


def test_a_sample_is_the_same_each_time_and_others_are_others() -> None:
    assert digest(sample(7, 3)) == digest(sample(7, 3))
    assert len({digest(sample(seed, number)) for seed in (7, 8) for number in range(6)}) == 12


def test_samples_are_of_their_family_and_not_too_large() -> None:
    for number in range(24):
        network = sample(11, number)
        assert network.name == f"{family_of(number)}_11_{number}"
        assert network_macs(network) <= MOST_MACS
        assert sum(t.elements for t in network.tensors.values() if t.constant) <= 2 * MOST_WEIGHTS
    assert {family_of(number) for number in range(24)} == set(FAMILIES)


def test_names_take_no_part_in_a_digest_and_weights_do() -> None:
    draw = Sketch(other=(1, 9, 7, 3))
    filters, taps = draw.constant("f", (6, 3, 3, 3)), draw.constant("t", (1, 3, 3, 6))
    first = draw.layer(ops.Conv2D((2, 2), padding=ops.Padding(1, 1, 1, 1)), ("other", filters, ""), "a", (1, 5, 4, 6))
    second = draw.layer(ops.DepthwiseConv2D(padding=ops.Padding(1, 1, 1, 1)), (first, taps, ""), "b", (1, 5, 4, 6))
    draw.layer(ops.Binary(ops.Arithmetic.ADD), (first, second), "c", (1, 5, 4, 6))
    assert digest(draw.network("c")) == digest(small())
    data = np.ones((6, 3, 3, 3), np.int8)
    object.__setattr__(draw.tensors["f"], "data", data)
    assert digest(draw.network("c")) != digest(small())


def test_a_board_is_a_row() -> None:
    row = descriptor(boards.load("nucleo-f746zg"))
    assert row.dtype == BOARD
    assert CORES[row["core"]] == "m7"
    assert (row["rated_hertz"], row["flash_bytes"], row["data_cache_bytes"]) == (216_000_000, 1 << 20, 4096)
    assert (row["dsp"], row["energy_table"], row["ideal"]) == (True, True, False)
