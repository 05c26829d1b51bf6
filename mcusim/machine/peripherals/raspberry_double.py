"""The double-precision coprocessor (DCP) of RP2350, coprocessor 4, with the core-local registers of the chip (EPPB).

Sources: RP2350 Datasheet 3.6.2; Pico SDK 2.2 dcp_instr.inc.S (encodings) and dcp_canned.inc.S (sequences).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar

from mcusim.errors import UnsupportedError
from mcusim.machine.coprocessor import Transfer
from mcusim.machine.peripherals.register_file import RegisterFile

Number = float
"""Operands are Python floats: every double, float and 32-bit integer is one."""

ENGAGED, EQUAL, AT_LEAST, UNORDERED = 1 << 31, 1 << 30, 1 << 29, 1 << 28
TRUNCATE, NEAREST = "truncate", "nearest"
# MCRR: (opcode, CRm) to how the two words become operands.
UNPACK = {
    (1, 0): "x_double", (1, 1): "y_double", (1, 2): "floats", (6, 0): "x_unsigned", (7, 0): "x_signed",
    (8, 0): "x_double", (9, 2): "x_float",
}  # fmt: skip
DATAPATH_WRITES = frozenset({(2, 0), (3, 0), (4, 0), (5, 0), (10, 0), (11, 0), (12, 0)})
RESTORE = {(0, 0): "x", (0, 1): "y"}
# MRRC with CRm 0: opcode to the result in double precision; MRC with CRm 2: opcode2 to the one in single precision.
DOUBLE_RESULTS = {1: "add", 3: "subtract", 5: "multiply", 7: "divide", 9: "root", 11: "same"}
SINGLE_RESULTS = {0: "add", 1: "subtract", 2: "multiply", 3: "divide", 4: "root", 5: "same"}


def double_bits(value: Number) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def double_of(bits: int) -> Number:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def float_of(bits: int) -> Number:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def round_to_single(value: Fraction | Number) -> int:
    """Bits of the float nearest to an exact value, ties to even, gradual underflow; infinity beyond its range."""
    if isinstance(value, float):
        if math.isnan(value):
            return 0x7FC00000
        if math.isinf(value) or not value:
            return struct.unpack("<I", struct.pack("<f", value))[0]
        value = Fraction(value)
    sign, magnitude = (0x80000000, -value) if value < 0 else (0, value)
    exponent = max(-126, magnitude_exponent(magnitude))
    scaled = round(magnitude / Fraction(2) ** (exponent - 23))  # Python rounds ties to even
    bits = ((exponent + 126) << 23) + scaled
    return sign | (0x7F800000 if bits >= 0x7F800000 else bits)


def magnitude_exponent(value: Fraction) -> int:
    """floor(log2(value)) of a positive fraction."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if value >= Fraction(2) ** exponent else exponent - 1


def divide(x: Number, y: Number) -> Number:
    """IEEE 754 division of doubles."""
    if y:
        return x / y
    if not x or math.isnan(x) or math.isnan(y):
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1.0, y)


def root(x: Number, y: Number) -> Number:
    """IEEE 754 square root; y is not used."""
    return x if not x or math.isnan(x) else math.sqrt(x) if x > 0 else math.nan


OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": divide,
    "root": root,
    "same": lambda x, y: x,
}
EXACT: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "same": lambda x, y: x,
}


class DoubleCoprocessor(RegisterFile):
    """DCP as the SDK's instruction sequences use it: operands in, correctly rounded result out.

    The result of a sequence is worked out from its operands when it is read. The mantissas that multiplication, division and
    square root pass through core registers on the way are plausible words without influence, so a program that computes
    something else with them gets a wrong result; the "fast" sequences of the SDK give the exact result here. Classification
    (RXVD) is not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    RESET = {0x0: 0, 0x4: 0, 0x8: 2}  # NMI_MASK0, NMI_MASK1, SLEEPCTRL

    def reset_state(self) -> None:
        self.x: Number = 0.0
        self.y: Number = 0.0
        self.rounding = TRUNCATE
        self.engaged = 0

    def coprocess(self, transfer: Transfer) -> tuple[int, ...]:
        """Carry out one instruction of coprocessor 4."""
        results = getattr(self, f"_{transfer.kind}")(transfer)
        reads_result = transfer.kind == "mrc" or (transfer.kind == "mrrc" and transfer.crm in (0, 10))
        if reads_result and not transfer.second:
            self.engaged = 0
        return results

    def _refuse(self, transfer: Transfer) -> Any:
        raise UnsupportedError(
            f"double-precision coprocessor: {transfer.kind} p4, #{transfer.opcode}, c{transfer.crn}, c{transfer.crm}, "
            f"#{transfer.opcode2} is not modelled; allowed are the sequences of the Pico SDK except classification"
        )

    # --- operations and operands ------------------------------------------------------------------------------------------
    def _cdp(self, transfer: Transfer) -> tuple[int, ...]:
        self.engaged = 1
        if (transfer.opcode, transfer.crm) == (8, 0) and transfer.opcode2 in (2, 3):
            self.rounding = TRUNCATE if transfer.opcode2 == 2 else NEAREST
        return ()

    def _mcrr(self, transfer: Transfer) -> tuple[int, ...]:
        key = transfer.opcode, transfer.crm
        low, high = transfer.values
        self.engaged = 1
        if key in UNPACK:
            self._unpack(UNPACK[key], low, high)
        elif key in RESTORE:
            setattr(self, RESTORE[key], double_of(high << 32 | low))
        elif key == (0, 2):
            self.engaged, self.rounding = low & 1, NEAREST if low & 2 else TRUNCATE
        elif key not in DATAPATH_WRITES:
            self._refuse(transfer)
        return ()

    def _unpack(self, form: str, low: int, high: int) -> None:
        if form.endswith("double"):
            setattr(self, form[0], double_of(high << 32 | low))
        elif form == "floats":
            self.x, self.y = float_of(low), float_of(high)
        else:
            signed = low - (low >> 31 << 32)
            self.x = {"x_signed": float(signed), "x_unsigned": float(low)}.get(form, float_of(low))
            self.y = 0.0

    # --- results ----------------------------------------------------------------------------------------------------------
    def _mrc(self, transfer: Transfer) -> tuple[int, ...]:
        key = transfer.opcode, transfer.crn, transfer.crm
        if key == (0, 0, 0) and transfer.opcode2 == 1:
            return (self._compare(),)
        if key == (0, 0, 2) and transfer.opcode2 in SINGLE_RESULTS:
            return (self._single(SINGLE_RESULTS[transfer.opcode2]),)
        if key == (0, 0, 3) and transfer.opcode2 in (0, 1):
            return (self._integer(signed=not transfer.opcode2),)
        return self._refuse(transfer)

    def _mrrc(self, transfer: Transfer) -> tuple[int, ...]:
        opcode, crm = transfer.opcode, transfer.crm
        if crm == 0 and opcode in DOUBLE_RESULTS:
            return split(double_bits(OPERATIONS[DOUBLE_RESULTS[opcode]](self.x, self.y)))
        if opcode == 0 and crm in (8, 9):
            return split(double_bits(self.x if crm == 8 else self.y))
        if opcode == 0 and crm == 10:
            return self.engaged | 2 * (self.rounding == NEAREST), 0
        if crm in (4, 5):
            return split(mantissa(self.x if crm == 4 else self.y) >> opcode)
        if crm == 1 and opcode in (1, 2, 4):
            return mantissa(self.x) >> 32, mantissa(self.y) >> 32
        return self._refuse(transfer)

    def _compare(self) -> int:
        """N: engaged; Z: equal; C: x >= y; V: unordered."""
        x, y = self.x, self.y
        flags = UNORDERED if math.isnan(x) or math.isnan(y) else EQUAL * (x == y) | AT_LEAST * (x >= y)
        return ENGAGED * self.engaged | flags

    def _single(self, name: str) -> int:
        x, y = self.x, self.y
        finite = math.isfinite(x) and math.isfinite(y)
        if name in EXACT and finite:
            exact = EXACT[name](Fraction(x), Fraction(y))
            return round_to_single(exact if exact else OPERATIONS[name](x, y))
        if name == "divide" and finite and x and y:
            return round_to_single(Fraction(x) / Fraction(y))
        return round_to_single(OPERATIONS[name](x, y))

    def _integer(self, signed: bool) -> int:
        """Saturating conversion; NaN gives 0."""
        low, high = (-(1 << 31), (1 << 31) - 1) if signed else (0, (1 << 32) - 1)
        if math.isnan(self.x):
            return 0
        if math.isinf(self.x):
            return (high if self.x > 0 else low) & 0xFFFFFFFF
        value = round(self.x) if self.rounding == NEAREST else int(self.x)
        return min(max(value, low), high) & 0xFFFFFFFF


def split(word: int) -> tuple[int, int]:
    """Low and high half of 64 bits."""
    return word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF


def mantissa(value: Number) -> int:
    """The 53 bits of a double's mantissa with the leading one at bit 60."""
    if not math.isfinite(value) or not value:
        return 0
    return int(math.frexp(abs(value))[0] * (1 << 61))
