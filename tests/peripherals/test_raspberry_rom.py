"""Our boot ROM for RP2040 and RP2350: its tables, and each function against what Python computes."""

from __future__ import annotations

import importlib.util
import math
import random
import shutil
import struct
from fractions import Fraction
from pathlib import Path

import pytest
import unicorn
from unicorn import arm_const as arm

from mcusim.machine.boot import ROM_FILES, read_rom

RAM, STOP = 0x20000000, 0x20080000
# fmt: off
FLOATS = (
    "fadd", "fsub", "fmul", "fdiv", "fcmp", "flags", "fsqrt", "float2int", "float2fix", "float2uint", "float2ufix",
    "int2float", "fix2float", "uint2float", "ufix2float", "fcos", "fsin", "ftan", "fsincos", "fexp", "fln",
    "fcmp_basic", "fatan2", "int642float", "fix642float", "uint642float", "ufix642float", "float2int64", "float2fix64",
    "float2uint64", "float2ufix64", "float2double",
)
# fmt: on
"""Order of the table, pico/bootrom/sf_table.h."""


class Rom:
    """The ROM on a bare core: call a function by its address, with words in R0 to R3."""

    def __init__(self, name: str, cpu: int) -> None:
        self.image = read_rom(name)
        self.core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.core.ctl_set_cpu_model(cpu)
        self.core.mem_map(0, 0x8000)
        self.core.mem_write(0, self.image)
        self.core.mem_map(RAM, 0x100000)
        self.core.mem_write(STOP, b"\xfe\xe7")

    def half(self, address: int) -> int:
        return struct.unpack_from("<H", self.image, address)[0]

    def look_up(self, table: int, code: str) -> int:
        word = struct.unpack("<H", code.encode())[0]
        return self.call(self.half(0x18), self.half(table), word)

    def call(self, address: int, *words: int) -> int:
        """R0 and R1 of the result as 64 bits, low word first."""
        for index, word in enumerate(words):
            self.core.reg_write(arm.UC_ARM_REG_R0 + index, word & 0xFFFFFFFF)
        self.core.reg_write(arm.UC_ARM_REG_SP, STOP - 16)
        self.core.reg_write(arm.UC_ARM_REG_LR, STOP | 1)
        self.core.emu_start(address | 1, STOP, count=100_000)
        assert self.core.reg_read(arm.UC_ARM_REG_PC) == STOP, "the function did not return"
        return self.core.reg_read(arm.UC_ARM_REG_R0) | self.core.reg_read(arm.UC_ARM_REG_R1) << 32


@pytest.fixture(scope="module")
def rom() -> Rom:
    return Rom("rp2040", arm.UC_CPU_ARM_CORTEX_M0)


@pytest.fixture(scope="module")
def floats(rom) -> dict[str, int]:
    table = rom.look_up(0x16, "SF") & 0xFFFFFFFF
    return dict(zip(FLOATS, struct.unpack_from("<32I", rom.image, table), strict=True))


@pytest.fixture(scope="module")
def doubles(rom) -> dict[str, int]:
    table = rom.look_up(0x16, "SD") & 0xFFFFFFFF
    return dict(zip(FLOATS, struct.unpack_from("<32I", rom.image, table), strict=True))


def word(value: float) -> int:
    return struct.unpack("<I", struct.pack("<f", value))[0]


def number(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))[0]


def pair(value: float) -> tuple[int, int]:
    return struct.unpack("<2I", struct.pack("<d", value))


def double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def random_floats(seed: int, count: int, spread: int = 40) -> list[float]:
    """Floats of all signs, near one another in exponent, with short and long mantissas."""
    source = random.Random(seed)
    values = []
    for _ in range(count):
        mantissa = source.getrandbits(source.choice((4, 12, 23)))
        exponent = 127 + source.randint(-spread, spread)
        bits = source.getrandbits(1) << 31 | exponent << 23 | mantissa << source.choice((0, 5)) & 0x7FFFFF
        values.append(number(bits))
    return values


def random_doubles(seed: int, count: int, spread: int = 60) -> list[float]:
    source = random.Random(seed)
    values = []
    for _ in range(count):
        mantissa = source.getrandbits(source.choice((5, 30, 52)))
        bits = source.getrandbits(1) << 63 | (1023 + source.randint(-spread, spread)) << 52 | mantissa
        values.append(double(bits))
    return values


def nearest_float(value: Fraction) -> int:
    """Bits of the float nearest to a value of normal range, ties to even, worked out with exact numbers."""
    sign, magnitude = (1 << 31, -value) if value < 0 else (0, value)
    if not magnitude:
        return 0
    exponent = math.floor(math.log2(magnitude))
    exponent += (magnitude >= Fraction(2) ** (exponent + 1)) - (magnitude < Fraction(2) ** exponent)
    return sign | (((exponent + 126) << 23) + round(magnitude / Fraction(2) ** (exponent - 23)))


# --- tables -----------------------------------------------------------------------------------------------------------
def test_the_magic_and_version_are_those_of_silicon_b2(rom):
    assert rom.image[0x10:0x14] == b"Mu\x01\x03"


CODES = ("P3", "R3", "L3", "T3", "MS", "S4", "MC", "C4", "UB", "IF", "EX", "RE", "RP", "FC", "CX", "WV")


@pytest.mark.parametrize("code", CODES)
def test_every_documented_function_is_found_and_is_thumb_code(rom, code):
    address = rom.look_up(0x14, code) & 0xFFFFFFFF
    assert address & 1 and address < len(rom.image)


def test_a_code_that_does_not_exist_gives_zero(rom):
    assert rom.look_up(0x14, "ZZ") & 0xFFFFFFFF == 0


def test_the_float_table_announces_its_size(rom):
    table = rom.look_up(0x16, "SF") & 0xFFFFFFFF
    assert rom.image[table - 2] == 32


def test_rp2350_looks_functions_up_by_flag():
    rom = Rom("rp2350", arm.UC_CPU_ARM_CORTEX_M33)
    find = rom.half(0x16)
    code = struct.unpack("<H", b"SR")[0]
    assert rom.call(find, code, 0x04) & 1
    assert rom.call(find, code, 0x40) & 0xFFFFFFFF == 0  # a function is no data
    assert rom.call(find, struct.unpack("<H", b"FD")[0], 0x40) & 0xFFFFFFFF
    assert rom.call(find, struct.unpack("<H", b"ZZ")[0], 0x04) & 0xFFFFFFFF == 0


# --- bits and memory ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [0, 1, 0x80000000, 0xFFFFFFFF, 0x12345678, 0x00010000, 0x0000F000])
def test_bit_functions(rom, value):
    bits = f"{value:032b}"
    expected = {
        "P3": bits.count("1"),
        "R3": int(bits[::-1], 2),
        "L3": 32 - value.bit_length(),
        "T3": (value & -value).bit_length() - 1 if value else 32,
    }
    for code, result in expected.items():
        assert rom.call(rom.look_up(0x14, code) & 0xFFFFFFFF, value) & 0xFFFFFFFF == result, code


@pytest.mark.parametrize("count", [0, 1, 3, 15, 16, 17, 64, 101])
@pytest.mark.parametrize(("to", "source"), [(0, 0), (1, 1), (3, 2), (2, 2)])
def test_memcpy_copies_exactly(rom, count, to, source):
    data = bytes(range(1, 120))
    rom.core.mem_write(RAM, b"\xee" * 256)
    rom.core.mem_write(RAM + 0x1000 + source, data)
    result = rom.call(rom.look_up(0x14, "MC") & 0xFFFFFFFF, RAM + 8 + to, RAM + 0x1000 + source, count)
    assert result & 0xFFFFFFFF == RAM + 8 + to
    assert bytes(rom.core.mem_read(RAM + 8 + to, count)) == data[:count]
    assert bytes(rom.core.mem_read(RAM, 8 + to)) == b"\xee" * (8 + to)
    assert bytes(rom.core.mem_read(RAM + 8 + to + count, 8)) == b"\xee" * 8


@pytest.mark.parametrize("count", [0, 1, 3, 15, 16, 17, 64, 101])
@pytest.mark.parametrize("to", [0, 1, 3])
def test_memset_fills_exactly(rom, count, to):
    rom.core.mem_write(RAM, b"\xee" * 256)
    result = rom.call(rom.look_up(0x14, "MS") & 0xFFFFFFFF, RAM + 8 + to, 0x1A5, count)
    assert result & 0xFFFFFFFF == RAM + 8 + to
    assert bytes(rom.core.mem_read(RAM, 8 + to)) == b"\xee" * (8 + to)
    assert bytes(rom.core.mem_read(RAM + 8 + to, count + 8)) == b"\xa5" * count + b"\xee" * 8


# --- single precision -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("fadd", lambda x, y: x + y),
        ("fsub", lambda x, y: x - y),
        ("fmul", lambda x, y: x * y),
        ("fdiv", lambda x, y: x / y),
    ],
)
def test_single_arithmetic_is_correctly_rounded(rom, floats, name, operation):
    xs, ys = random_floats(1, 700), random_floats(2, 700)
    for x, y in [*zip(xs, ys, strict=True), *((x, x) for x in xs[:20]), *((x, -x) for x in xs[:20])]:
        expected = nearest_float(operation(Fraction(x), Fraction(y)))
        assert rom.call(floats[name], word(x), word(y)) & 0xFFFFFFFF == expected, (x, y)


@pytest.mark.parametrize(
    ("name", "x", "y", "expected"),
    [
        ("fadd", math.inf, 1.0, math.inf),
        ("fadd", 1.0, -math.inf, -math.inf),
        ("fadd", 3e38, 3e38, math.inf),
        ("fadd", 0.0, -2.5, -2.5),
        ("fadd", 1e-40, 2.0, 2.0),  # a denormal is zero
        ("fmul", 1e-30, 1e-30, 0.0),
        ("fmul", -1e30, 1e30, -math.inf),
        ("fdiv", 1.0, 0.0, math.inf),
        ("fdiv", -1.0, math.inf, -0.0),
    ],
)
def test_single_arithmetic_at_its_edges(rom, floats, name, x, y, expected):
    assert rom.call(floats[name], word(x), word(y)) & 0xFFFFFFFF == word(expected)


def test_single_square_root_is_correctly_rounded(rom, floats):
    for x in map(abs, random_floats(3, 300)):
        # isqrt of a large scale decides the rounding exactly: a tie cannot occur.
        scaled = math.isqrt(int(Fraction(x) * Fraction(4) ** 120))
        assert rom.call(floats["fsqrt"], word(x)) & 0xFFFFFFFF == nearest_float(Fraction(scaled, 1 << 120)), x
    assert rom.call(floats["fsqrt"], word(-1.0)) & 0xFFFFFFFF == word(-math.inf)


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(1.0, 2.0, -1), (2.0, -3.0, 1), (-2.0, -3.0, 1), (0.0, -0.0, 0), (5.5, 5.5, 0)]
)
def test_comparison_gives_its_sign(rom, floats, doubles, x, y, expected):
    assert rom.call(floats["fcmp"], word(x), word(y)) & 0xFFFFFFFF == expected & 0xFFFFFFFF
    assert rom.call(doubles["fcmp"], *pair(x), *pair(y)) & 0xFFFFFFFF == expected & 0xFFFFFFFF


@pytest.mark.parametrize("value", [0.0, 0.75, -0.75, 1.5, -1.5, 1e9, -1e9, 3e9, -3e9, 123456.789, -2147483648.0])
def test_conversion_to_integers_rounds_down_and_clips(rom, floats, doubles, value):
    single = number(word(value))
    for bits, low, high, name in (
        (32, -(1 << 31), (1 << 31) - 1, "float2int"),
        (32, 0, (1 << 32) - 1, "float2uint"),
        (64, -(1 << 63), (1 << 63) - 1, "float2int64"),
        (64, 0, (1 << 64) - 1, "float2uint64"),
    ):
        mask = (1 << bits) - 1
        expected = min(max(math.floor(single), low), high) & mask
        assert rom.call(floats[name], word(value)) & mask == expected, name
        expected = min(max(math.floor(value), low), high) & mask
        assert rom.call(doubles[name], *pair(value)) & mask == expected, name


@pytest.mark.parametrize("e", [-3, 0, 4, 16])
def test_fixed_point_conversions(rom, floats, doubles, e):
    for value in (3.3, -3.3, 100.0625, -0.001):
        single = number(word(value))
        assert rom.call(floats["float2fix"], word(value), e) & 0xFFFFFFFF == math.floor(single * 2.0**e) & 0xFFFFFFFF
        assert rom.call(doubles["float2fix"], *pair(value), e) & 0xFFFFFFFF == math.floor(value * 2.0**e) & 0xFFFFFFFF
    for count in (7, -7, 123456789, -(1 << 31)):
        assert rom.call(floats["fix2float"], count, e) & 0xFFFFFFFF == nearest_float(Fraction(count) / Fraction(2) ** e)
        assert rom.call(doubles["fix2float"], count, e) == struct.unpack("<Q", struct.pack("<d", count / 2.0**e))[0]


@pytest.mark.parametrize("value", [0, 1, -1, 16777217, -16777219, (1 << 31) - 1, -(1 << 31)])
def test_conversion_from_integers_is_correctly_rounded(rom, floats, doubles, value):
    assert rom.call(floats["int2float"], value) & 0xFFFFFFFF == nearest_float(Fraction(value))
    assert rom.call(floats["uint2float"], value) & 0xFFFFFFFF == nearest_float(Fraction(value & 0xFFFFFFFF))
    wide = value * 1234567891
    assert rom.call(floats["int642float"], wide, wide >> 32) & 0xFFFFFFFF == nearest_float(Fraction(wide))
    assert double(rom.call(doubles["int642float"], wide, wide >> 32)) == float(wide)
    assert double(rom.call(doubles["int2float"], value)) == float(value)


def test_single_and_double_convert_into_each_other(rom, floats, doubles):
    for x in random_floats(4, 100):
        assert double(rom.call(floats["float2double"], word(x))) == x
    for x in random_doubles(5, 300):
        assert rom.call(doubles["float2double"], *pair(x)) & 0xFFFFFFFF == nearest_float(Fraction(x)), x


# --- double precision -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("fadd", lambda x, y: x + y),
        ("fsub", lambda x, y: x - y),
        ("fmul", lambda x, y: x * y),
        ("fdiv", lambda x, y: x / y),
    ],
)
def test_double_arithmetic_is_that_of_the_host(rom, doubles, name, operation):
    xs, ys = random_doubles(6, 700), random_doubles(7, 700)
    for x, y in [*zip(xs, ys, strict=True), *((x, x) for x in xs[:20]), *((x, -x) for x in xs[:20])]:
        assert double(rom.call(doubles[name], *pair(x), *pair(y))) == operation(x, y), (x, y)


def test_double_square_root_is_that_of_the_host(rom, doubles):
    for x in map(abs, random_doubles(8, 200)):
        assert double(rom.call(doubles["fsqrt"], *pair(x))) == math.sqrt(x), x


# --- elementary functions ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "function", "low", "high"),
    [
        ("fsin", math.sin, -100.0, 100.0),
        ("fcos", math.cos, -100.0, 100.0),
        ("ftan", math.tan, -1.5, 1.5),
        ("fexp", math.exp, -80.0, 80.0),
        ("fln", math.log, 1e-6, 1e6),
    ],
)
def test_elementary_functions_are_close(rom, floats, doubles, name, function, low, high):
    source = random.Random(9)
    for _ in range(60):
        x = number(word(source.uniform(low, high)))
        expected = function(x)
        assert number(rom.call(floats[name], word(x))) == pytest.approx(expected, rel=2e-7, abs=1e-9), x
        assert double(rom.call(doubles[name], *pair(x))) == pytest.approx(expected, rel=4e-15, abs=1e-14), x


@pytest.mark.parametrize("angle", [k * math.pi / 10 - math.pi + 0.01 for k in range(20)])
def test_the_arc_tangent_knows_its_quadrant(rom, floats, doubles, angle):
    y, x = 3 * math.sin(angle), 3 * math.cos(angle)
    assert double(rom.call(doubles["fatan2"], *pair(y), *pair(x))) == pytest.approx(math.atan2(y, x), rel=4e-15)
    assert number(rom.call(floats["fatan2"], word(y), word(x))) == pytest.approx(math.atan2(y, x), rel=4e-7)


def test_sine_and_cosine_come_together(rom, floats, doubles):
    both = rom.call(floats["fsin"], word(0.5))
    assert number(both) == pytest.approx(math.sin(0.5), rel=1e-7)
    assert number(both >> 32) == pytest.approx(math.cos(0.5), rel=1e-7)
    sine = rom.call(doubles["fsincos"], *pair(0.5))
    cosine = rom.core.reg_read(arm.UC_ARM_REG_R2) | rom.core.reg_read(arm.UC_ARM_REG_R3) << 32
    assert double(sine) == pytest.approx(math.sin(0.5), rel=1e-15)
    assert double(cosine) == pytest.approx(math.cos(0.5), rel=1e-15)


# --- sources ----------------------------------------------------------------------------------------------------------------
def builder():
    specification = importlib.util.spec_from_file_location("rom_build", Path(ROM_FILES) / "build.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["rp2040", "rp2350"])
def test_the_image_is_what_its_sources_give(name):
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    build = builder()
    if build.compiler_version() != build.recorded_version(name):
        pytest.skip("the image was built with another version of the compiler")
    assert build.assemble(name) == read_rom(name)
