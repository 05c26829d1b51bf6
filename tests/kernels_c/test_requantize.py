"""nn_requantize against the definition of TensorFlow Lite, worked out with exact integers."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.host import host_library

WRAPPER = """
#include "nn_requantize.h"
int32_t requantize(int32_t value, int32_t multiplier, int32_t shift) { return nn_requantize(value, multiplier, shift); }
int32_t divide(int32_t value, int32_t exponent) { return nn_divide_by_power_of_two(value, exponent); }
int32_t once(int32_t value, int32_t multiplier, int32_t shift) { return nn_requantize_once(value, multiplier, shift); }
int32_t high(int32_t value, int32_t multiplier) { return nn_doubling_high_multiply(value, multiplier); }
"""


@pytest.fixture(scope="module", params=["", "#define NN_SHORT_MULTIPLY\n"], ids=["long multiply", "short multiply"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path: Path = tmp_path_factory.mktemp("requantize") / "wrapper.c"
    path.write_text(request.param + WRAPPER)
    return host_library([path])


def truncated(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def doubling_high_multiply(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul: nudged by the sign, then divided towards zero."""
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    return truncated(product + nudge, 2**31)


def rounded_half_away(value: int, exponent: int) -> int:
    half = 2**exponent // 2
    return (abs(value) + half) // 2**exponent * (1 if value >= 0 else -1)


sums = st.integers(-(2**31) + 1, 2**31 - 1)
multipliers = st.integers(2**30, 2**31 - 1)


@given(value=sums, multiplier=multipliers, shift=st.integers(-31, 0))
@example(value=-1, multiplier=2**30, shift=-1)
@example(value=-3, multiplier=2**30, shift=-1)
@example(value=2**31 - 1, multiplier=2**31 - 1, shift=0)
@example(value=-(2**31) + 1, multiplier=2**31 - 1, shift=-31)
def test_scaling_down_rounds_twice_as_tensorflow_lite_does(
    library: ctypes.CDLL, value: int, multiplier: int, shift: int
) -> None:
    wanted = rounded_half_away(doubling_high_multiply(value, multiplier), -shift)
    assert library.requantize(value, multiplier, shift) == wanted


@given(value=st.integers(-(2**20), 2**20), multiplier=multipliers, shift=st.integers(1, 10))
def test_scaling_up_shifts_before_it_multiplies(
    library: ctypes.CDLL, value: int, multiplier: int, shift: int
) -> None:
    assert library.requantize(value, multiplier, shift) == doubling_high_multiply(value << shift, multiplier)


@given(value=sums, multiplier=multipliers, shift=st.integers(-31, 5))
@example(value=-1, multiplier=2**30, shift=-1)
@example(value=-6, multiplier=2**30, shift=-2)
@example(value=2**31 - 1, multiplier=2**31 - 1, shift=-2)
def test_rounding_once_takes_halves_up_and_saturates(
    library: ctypes.CDLL, value: int, multiplier: int, shift: int
) -> None:
    power = 31 - shift
    wanted = (value * multiplier + 2 ** (power - 1)) // 2**power
    assert library.once(value, multiplier, shift) == min(max(wanted, -(2**31) + 128), 2**31 - 1 - 128)


@given(left=sums, right=sums)
@example(left=-(2**31) + 1, right=-(2**31) + 1)
@example(left=-(2**16), right=2**15)
def test_the_high_word_takes_factors_of_any_sign(library: ctypes.CDLL, left: int, right: int) -> None:
    assert library.high(left, right) == (left * right + 2**30) // 2**31


@pytest.mark.parametrize(
    ("value", "exponent", "wanted"),
    [(5, 1, 3), (-5, 1, -3), (4, 1, 2), (6, 2, 2), (-6, 2, -2), (-7, 2, -2), (1, 1, 1), (-1, 1, -1), (7, 0, 7)],
)
def test_halves_round_away_from_zero(library: ctypes.CDLL, value: int, exponent: int, wanted: int) -> None:
    assert library.divide(value, exponent) == wanted


SCALE = """
#include "nn_requantize.h"
#include "nn_scale.h"
int32_t fits(int32_t multiplier, int32_t shift, int32_t bias, int32_t count) {
    return nn_scale_fits(multiplier, shift, bias, count);
}
int32_t scaled(int32_t sum, int32_t multiplier, int32_t shift, int32_t offset) {
    const struct nn_scale scale = nn_scale_of(multiplier, shift, offset);
    return (nn_doubling_high_multiply(sum, scale.multiplier) + (sum >> 31) + scale.add) >> scale.shift;
}
"""


@pytest.fixture(scope="module")
def scale(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path: Path = tmp_path_factory.mktemp("scale") / "scale.c"
    path.write_text(SCALE)
    return host_library([path])


@given(share=st.floats(-1, 1), multiplier=multipliers, shift=st.integers(-21, -1), bias=st.integers(-(2**29), 2**29),
       count=st.integers(1, 16383), offset=st.integers(-128, 127))  # fmt: skip
@example(share=-1e-9, multiplier=2**30, shift=-1, bias=0, count=1, offset=0)
def test_what_fits_the_quick_scale_is_scaled_the_same(
    scale: ctypes.CDLL, library: ctypes.CDLL, share: float, multiplier: int, shift: int, bias: int, count: int, offset: int
) -> None:
    if scale.fits(multiplier, shift, bias, count):
        total = int(share * (abs(bias) + count * 255 * 128))
        for value in (total, total % 4096 - 2048):
            assert scale.scaled(value, multiplier, shift, offset) == library.requantize(value, multiplier, shift) + offset


@pytest.mark.parametrize(
    ("multiplier", "shift", "bias", "count"),
    [(2**30, 0, 0, 1), (2**30, 1, 0, 1), (2**30, -22, 0, 1), (-1, -5, 0, 1), (2**30, -5, 2**29, 1), (2**30, -5, 0, 16384)],
)
def test_what_could_leave_32_bits_does_not_fit(
    scale: ctypes.CDLL, multiplier: int, shift: int, bias: int, count: int
) -> None:
    assert not scale.fits(multiplier, shift, bias, count)
