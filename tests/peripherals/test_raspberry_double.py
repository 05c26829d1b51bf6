"""RP2350's double-precision coprocessor, by the instruction sequences of the Pico SDK."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcusim.errors import UnsupportedError
from mcusim.machine.coprocessor import Transfer
from mcusim.machine.peripherals.raspberry_double import round_to_single
from tests.peripherals.board_chip import BoardChip

ADD, SUBTRACT, MULTIPLY, DIVIDE, ROOT = 1, 3, 5, 7, 9
CHIP = BoardChip("raspberry-pi-pico-2")


def words(value: float) -> tuple[int, int]:
    return struct.unpack("<2I", struct.pack("<d", value))


def write(opcode: int, crm: int, low: int, high: int) -> None:
    CHIP.peripheral("dcp").coprocess(Transfer(4, "mcrr", False, opcode, 0, crm, 0, (0, 1), (), (low, high)))


def operate(opcode: int, crm: int, opcode2: int) -> None:
    CHIP.peripheral("dcp").coprocess(Transfer(4, "cdp", False, opcode, 0, crm, opcode2))


def read_double(opcode: int, crm: int = 0) -> float:
    pair = CHIP.peripheral("dcp").coprocess(Transfer(4, "mrrc", False, opcode, 0, crm, 0, (), (0, 1)))
    return struct.unpack("<d", struct.pack("<2I", *pair))[0]


def read_word(crm: int, opcode2: int, second: bool = False) -> int:
    return CHIP.peripheral("dcp").coprocess(Transfer(4, "mrc", second, 0, 0, crm, opcode2, (), (0,)))[0]


def compute(result: int, x: float, y: float = 0.0) -> float:
    write(1, 0, *words(x))
    write(1, 1, *words(y))
    operate(8, 0, 1)
    return read_double(result)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
@settings(max_examples=200)
def test_sums_and_products_are_those_of_the_host(x, y):
    for code, expected in ((ADD, x + y), (SUBTRACT, x - y), (MULTIPLY, x * y)):
        got = compute(code, x, y)
        assert words(got) == words(expected) or (math.isnan(got) and math.isnan(expected))


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(1.0, 3.0, 1 / 3), (1.0, 0.0, math.inf), (-1.0, 0.0, -math.inf), (1.0, -0.0, -math.inf)]
)
def test_division_follows_ieee_754(x, y, expected):
    assert compute(DIVIDE, x, y) == expected


def test_zero_by_zero_is_not_a_number():
    assert math.isnan(compute(DIVIDE, 0.0, 0.0))


def test_square_roots():
    assert compute(ROOT, 2.0) == math.sqrt(2.0)
    assert math.isnan(compute(ROOT, -1.0))


@pytest.mark.parametrize(
    ("x", "y", "flags"),
    [(1.0, 1.0, 0b0110), (2.0, 1.0, 0b0010), (1.0, 2.0, 0b0000), (math.nan, 1.0, 0b0001)],
)
def test_comparison_sets_z_c_and_v(x, y, flags):
    write(1, 0, *words(x))
    write(1, 1, *words(y))
    operate(0, 1, 0)
    assert read_word(0, 1) >> 28 & 7 == flags & 7


def test_the_engaged_flag_rises_with_operands_and_falls_when_a_result_is_read():
    read_word(0, 1)
    assert not read_word(0, 1, second=True) >> 31
    write(1, 0, *words(1.0))
    assert read_word(0, 1, second=True) >> 31  # peeking leaves it
    assert read_word(0, 1, second=True) >> 31
    read_double(ADD)
    assert not read_word(0, 1, second=True) >> 31


@pytest.mark.parametrize(
    ("value", "truncated", "rounded"),
    [(2.5, 2, 2), (3.5, 3, 4), (-2.7, -2, -3), (1e20, 2**31 - 1, 2**31 - 1), (-1e20, -(2**31), -(2**31)), (math.nan, 0, 0)],
)
def test_conversion_to_integers_truncates_or_rounds_and_saturates(value, truncated, rounded):
    for opcode2, expected in ((2, truncated), (3, rounded)):
        write(8, 0, *words(value))
        operate(8, 0, opcode2)
        assert read_word(3, 0) == expected & 0xFFFFFFFF


def test_unsigned_conversion_clips_negatives():
    write(8, 0, *words(-5.0))
    operate(8, 0, 2)
    assert read_word(3, 1) == 0


def test_integers_become_doubles():
    write(7, 0, 0xFFFFFFFF, 0xFFFFFFFF)
    assert read_double(SUBTRACT) == -1.0
    write(6, 0, 0xFFFFFFFF, 0xFFFFFFFF)
    assert read_double(SUBTRACT) == 4294967295.0


def test_floats_become_doubles_and_back():
    write(1, 2, 0x3FC00000, 0x3FC00000)
    assert read_double(11) == 1.5
    write(1, 0, *words(math.pi))
    assert read_word(2, 5) == struct.unpack("<I", struct.pack("<f", math.pi))[0]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
@settings(max_examples=300)
def test_rounding_to_single_agrees_with_the_host(value):
    try:
        expected = struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        expected = 0x7F800000 | (value < 0) << 31
    assert round_to_single(value) == expected


def test_the_state_can_be_saved_and_restored():
    write(1, 0, *words(6.0))
    write(1, 1, *words(7.0))
    saved = [CHIP.peripheral("dcp").coprocess(Transfer(4, "mrrc", True, 0, 0, crm, 0, (), (0, 1))) for crm in (8, 9)]
    flags = CHIP.peripheral("dcp").coprocess(Transfer(4, "mrrc", False, 0, 0, 10, 0, (), (0, 1)))
    assert compute(ADD, 1.0, 2.0) == 3.0
    for crm, pair in enumerate([*saved, flags]):
        write(0, crm, *pair)
    assert read_word(0, 1, second=True) >> 31
    assert read_double(MULTIPLY) == 42.0


def test_classification_is_refused():
    with pytest.raises(UnsupportedError, match="not modelled"):
        read_word(0, 0)
