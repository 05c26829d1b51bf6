"""Sizes of scratch memory are the answers of the compiled functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim.deploy.call import SizeCheck, Struct
from mcusim.deploy.kernels import KernelError
from mcusim.deploy.library import Recipe
from mcusim.deploy.scratch import TargetSizes, sizes_on_target
from tests.support.firmware import compiler

SOURCE = """\
#include "arm_nn_types.h"
int32_t sum_get_buffer_size(const cmsis_nn_pool_params *params, const cmsis_nn_dims *dims, int32_t a, int32_t b, int32_t c)
{
    return params->stride.w + 10 * params->activation.max + 100 * dims->c + 1000 * a + 10000 * b + 100000 * c;
}
int32_t core_get_buffer_size(void)
{
#if defined(__ARM_FEATURE_DSP)
    return 1;
#else
    return 0;
#endif
}
"""
HEADER = """\
#include "arm_nn_types.h"
int32_t sum_get_buffer_size(const cmsis_nn_pool_params *params, const cmsis_nn_dims *dims, int32_t a, int32_t b, int32_t c);
int32_t core_get_buffer_size(void);
"""


def sizes(folder: Path, core: str) -> TargetSizes:
    (folder / "arm_nnfunctions.h").write_text(HEADER)
    (folder / "sizes.c").write_text(SOURCE)
    recipe = Recipe((folder / "sizes.c",), core, "", ("-O2",), (folder,))
    return sizes_on_target(recipe, compiler(""), ["sum_get_buffer_size", "core_get_buffer_size", "no_size"])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))


def test_structures_and_numbers_reach_the_function(tmp_path: Path) -> None:
    params = Struct("cmsis_nn_pool_params", "params", ((1, 0), (0, 0), (-128, 2)))
    dims = Struct("cmsis_nn_dims", "dims", (0, 0, 0, 3))
    assert sizes(tmp_path, "m4")(SizeCheck("sum_get_buffer_size", (params, dims, 4, 5, 6))) == 654321


@pytest.mark.parametrize(("core", "answer"), [("m0plus", 0), ("m4", 1), ("m33", 1)])
def test_functions_answer_for_the_core_that_they_are_compiled_for(core: str, answer: int, tmp_path: Path) -> None:
    assert sizes(tmp_path, core)(SizeCheck("core_get_buffer_size", ())) == answer


def test_a_function_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="no function other_get_buffer_size"):
        sizes(tmp_path, "m4")(SizeCheck("other_get_buffer_size", ()))
