"""Sparse weights: encoded and decoded again, their bytes, and which format the generator chooses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from mcusim.cores import NAMES, load
from mcusim.deploy.kernels import KernelError, Kernels
from mcusim.deploy.sparse import FORMATS, FORMATS_OF, decoded, encoded
from mcusim.deploy.sparse_choice import DENSE, POLICIES, SLOWER, WITH_DSP, Form, Place, chosen, cycles_table

SHAPES = ((1, 1), (1, 700), (4, 64), (5, 33), (7, 256), (8, 9000), (13, 3))
DENSITIES = (0.0, 0.002, 0.1, 0.5, 1.0)


def pruned(outputs: int, depth: int, density: float, seed: int = 0) -> np.ndarray:
    """Weights of any value, -128 among them, of which so many are left."""
    random = np.random.default_rng(seed)
    weights = random.integers(-128, 128, (outputs, depth)).astype(np.int8)
    weights[random.random((outputs, depth)) >= density] = 0
    return weights


def in_blocks(outputs: int, depth: int, density: float, seed: int = 0) -> np.ndarray:
    """Weights that are zero in blocks of four outputs."""
    random = np.random.default_rng(seed)
    weights = random.integers(1, 128, (outputs, depth)).astype(np.int8)
    return weights * np.repeat(random.random((outputs // 4, depth)) < density, 4, axis=0)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_are_the_same_after_decoding(form: str, density: float, shape: tuple[int, int]) -> None:
    weights = pruned(*shape, density, seed=shape[1])
    sparse = encoded(weights, form)
    assert sparse is not None
    np.testing.assert_array_equal(decoded(sparse), weights)


def test_values_of_other_types_are_kept_as_they_are() -> None:
    weights = pruned(5, 300, 0.1).astype(np.float32) / 7
    sparse = encoded(weights, "rows")
    assert sparse is not None
    assert sparse.values.dtype == np.float32
    assert sparse.size_bytes == 5 * sparse.steps.size + 2 * 5
    np.testing.assert_array_equal(decoded(sparse), weights)


def test_rows_of_float32_have_no_entries_but_for_weights_and_wide_gaps() -> None:
    weights = pruned(6, 200, 0.4).astype(np.float32)
    weights[weights == 0] = -0.0
    sparse = encoded(weights, "rows")
    assert sparse is not None
    np.testing.assert_array_equal(sparse.counts, np.count_nonzero(weights, axis=1))


@pytest.mark.parametrize(("density", "most"), [(0.10, 5.01), (0.05, 5.01), (0.01, 5.5)])
def test_a_large_layer_of_float32_takes_five_bytes_for_each_weight_that_is_left(density: float, most: float) -> None:
    weights = pruned(32, 9216, density).astype(np.float32)
    sparse = encoded(weights, "rows")
    assert sparse is not None
    assert 5 <= sparse.size_bytes / np.count_nonzero(weights) < most


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("gap", [0, 1, 254, 255, 256, 509, 510, 511, 4096, 5000])
def test_gaps_of_any_width_are_kept(form: str, gap: int) -> None:
    weights = np.zeros((5, 5002), np.int8)
    weights[1, gap], weights[1, 5001], weights[4, 0] = 7, -3, 1
    sparse = encoded(weights, form)
    assert sparse is not None
    np.testing.assert_array_equal(decoded(sparse), weights)


@pytest.mark.parametrize(("density", "most"), [(0.10, 2.01), (0.05, 2.02), (0.02, 2.05)])
def test_a_large_layer_takes_two_bytes_for_each_weight_that_is_left(density: float, most: float) -> None:
    weights = pruned(128, 9216, density)
    sparse = encoded(weights, "rows")
    assert sparse is not None
    assert 2 <= sparse.size_bytes / np.count_nonzero(weights) < most


def test_blocks_of_four_take_five_bytes_and_a_count() -> None:
    weights = in_blocks(16, 400, 0.2)
    sparse = encoded(weights, "fours")
    assert sparse is not None
    blocks = np.count_nonzero(weights) // 4
    assert 5 * blocks <= sparse.size_bytes <= 5 * (blocks + 3 * 4) + 2 * 4


def test_no_two_values_in_a_row_are_least() -> None:
    weights = np.full((3, 40), -128, np.int8)
    sparse = encoded(weights, "rows")
    assert sparse is not None
    assert not np.any((sparse.values[1:] == -128) & (sparse.values[:-1] == -128))
    np.testing.assert_array_equal(decoded(sparse), weights)


def test_rows_of_too_many_entries_have_no_sparse_form() -> None:
    assert encoded(np.ones((1, 65532), np.int8), "rows") is not None
    assert encoded(np.ones((1, 65533), np.int8), "rows") is None


def test_entries_of_fours_come_in_fours() -> None:
    sparse = encoded(pruned(9, 50, 0.1), "fours")
    assert sparse is not None
    assert np.all(sparse.counts % 4 == 0)


OPERATORS = {
    "convolution": "int8", "fully_connected": "int8", "convolution_f32": "float32", "fully_connected_f32": "float32",
}  # fmt: skip


def test_cores_with_the_dsp_extension_are_those_that_have_it() -> None:
    assert {*WITH_DSP} == {name for name in NAMES if load(name).has_dsp}


def test_dense_kernels_for_the_dsp_extension_pass_over_idle_outputs() -> None:
    weights = pruned(64, 1024, 0.5)
    places = ({core: Place(core, "convolution", 9, idle) for core in NAMES} for idle in (48, 0))
    few, all_ = ({core: place.cycles(DENSE, weights, weights.size) for core, place in each.items()} for each in places)
    assert {core for core in NAMES if few[core] < 0.6 * all_[core]} == {*WITH_DSP}
    assert {core for core in NAMES if few[core] == all_[core]} == {*NAMES} - {*WITH_DSP}


def test_there_are_cycles_for_every_core_operator_and_format() -> None:
    assert set(cycles_table()) == set(NAMES)
    for table in cycles_table().values():
        assert set(table) == {*OPERATORS}
        for operator, forms in table.items():
            assert set(forms) == {DENSE, *FORMATS_OF[OPERATORS[operator]]}
            assert all(len(found) == 3 and min(found) >= 0 and found[0] > 0 for found in forms.values())


def form_under(policy: str, weights: np.ndarray, core: str = "m4", operator: str = "fully_connected") -> str:
    return chosen(policy, Place(core, operator, 1), weights).name


@pytest.mark.parametrize("policy", POLICIES)
def test_weights_without_zeros_stay_dense_unless_asked_otherwise(policy: str) -> None:
    dense = in_blocks(64, 512, 1.0)
    assert form_under(policy, dense) == (policy if policy in FORMATS else DENSE)


@pytest.mark.parametrize("policy", ["auto", "size", "speed"])
@pytest.mark.parametrize("core", NAMES)
def test_pruned_weights_become_sparse(policy: str, core: str) -> None:
    assert form_under(policy, pruned(64, 1024, 0.05), core) == "rows"
    assert form_under(policy, in_blocks(64, 1024, 0.05), core) == "fours"
    assert form_under("never", pruned(64, 1024, 0.05), core) == DENSE


@pytest.mark.parametrize("policy", ["auto", "size", "speed", "rows"])
@pytest.mark.parametrize("core", NAMES)
@pytest.mark.parametrize("operator", ["convolution_f32", "fully_connected_f32"])
def test_pruned_weights_of_float32_become_rows(operator: str, core: str, policy: str) -> None:
    weights = pruned(64, 1024, 0.1).astype(np.float32)
    assert form_under(policy, weights, core, operator) == "rows"
    assert form_under("never", weights, core, operator) == DENSE
    assert form_under("fours", weights, core, operator) == DENSE
    assert form_under("size", pruned(64, 1024, 0.85).astype(np.float32), core, operator) == DENSE


def test_on_cores_with_fast_dense_kernels_half_of_the_weights_are_too_many() -> None:
    """2 of 2 bytes, and 5 of 1.6 cycles."""
    assert form_under("auto", pruned(64, 1024, 0.45)) == DENSE
    assert form_under("size", pruned(64, 1024, 0.45)) == "rows"
    assert form_under("auto", pruned(64, 1024, 0.45), "m0plus") == "rows"


FORMS: Mapping[str, Form] = {
    "small": Form("rows", 1000, 130.0), "quick": Form("fours", 5000, 90.0), "between": Form("fours", 3000, 109.0),
}  # fmt: skip


def test_policies_weigh_bytes_and_cycles() -> None:
    dense, forms = Form(DENSE, 10_000, 100.0), tuple(FORMS.values())
    assert POLICIES["size"].choose(dense, forms) is FORMS["small"]
    assert POLICIES["speed"].choose(dense, forms) is FORMS["quick"]
    assert POLICIES["auto"].choose(dense, forms) is FORMS["between"]
    assert 109.0 < SLOWER * dense.cycles < 130.0
    assert POLICIES["never"].choose(dense, forms) is dense


def test_an_unknown_policy_is_refused_with_those_there_are() -> None:
    with pytest.raises(KernelError, match=r"'often'.*allowed: auto, never, size, speed, rows, fours"):
        Kernels("m4", None, "often")
