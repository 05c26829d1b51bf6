"""The 32-bit Thumb encodings except loads and stores (ARMv7-M ARM DDI 0403E, A5.3; ARMv8-M from DDI 0553B, C2.3)."""

from __future__ import annotations

from collections.abc import Callable

from mcusim.isa.forms import (
    REGISTERS,
    SHIFTS,
    UndefinedEncoding,
    bits,
    constant,
    direct_branch,
    operation,
    rotated,
    shifted,
    signed,
    system,
)
from mcusim.isa.instruction import PC, Instruction, Operand
from mcusim.isa.kind import Kind
from mcusim.isa.memory32 import dual_or_exclusive, load_store_multiple, load_store_single
from mcusim.isa.thumb16 import hint
from mcusim.isa.vfp import vector_extension, vector_operation, vector_transfer

Decoder = Callable[[int, int], Instruction]


# --- data processing, modified immediate and shifted register -------------------------------------------------------
def expand_immediate(encoded: int) -> int:
    """ThumbExpandImm(), A5.3.2."""
    low = encoded & 0xFF
    if encoded >> 10 == 0:
        patterns = (low, low << 16 | low, low << 24 | low << 8, low * 0x01010101)
        if low == 0 and encoded >> 8:
            raise UndefinedEncoding
        return patterns[encoded >> 8]
    value, rotation = 0x80 | encoded & 0x7F, encoded >> 7
    return (value >> rotation | value << (32 - rotation)) & 0xFFFFFFFF


# Operation number to mnemonic, mnemonic when the destination is PC and flags are set, mnemonic when Rn is PC.
_OPERATIONS: dict[int, tuple[str, str, str]] = {
    0: ("and", "tst", ""), 1: ("bic", "", ""), 2: ("orr", "", "mov"), 3: ("orn", "", "mvn"), 4: ("eor", "teq", ""),
    8: ("add", "cmn", ""), 10: ("adc", "", ""), 11: ("sbc", "", ""), 13: ("sub", "cmp", ""), 14: ("rsb", "", ""),
}  # fmt: skip


def _alu(first: int, second: int, operand: Operand, kind: Kind) -> Instruction:
    """The shared part of both forms: pick the mnemonic, then the operands."""
    names = _OPERATIONS.get(bits(first, 8, 5))
    if names is None:
        raise UndefinedEncoding
    left, target, flags = first & 15, bits(second, 11, 8), bool(first & 0x10)
    name, compare, unary = names
    if target == PC and flags and compare:
        return operation(compare, kind, 4, (), (REGISTERS[left], operand), sets_flags=True)
    if target == PC:
        raise UndefinedEncoding
    inputs = (operand,) if left == PC and unary else (REGISTERS[left], operand)
    carry = name in ("adc", "sbc") or operand.shift == "rrx"
    name = unary if left == PC and unary else name
    return operation(name, kind, 4, (REGISTERS[target],), inputs, sets_flags=flags, reads_flags=carry)


def _modified_immediate(first: int, second: int) -> Instruction:
    encoded = bits(first, 10, 10) << 11 | bits(second, 14, 12) << 8 | second & 0xFF
    kind = Kind.ALU_ROTATED if encoded >> 10 else Kind.ALU
    return _alu(first, second, constant(expand_immediate(encoded)), kind)


def _pack(first: int, second: int, operand: Operand) -> Instruction:
    if first & 0x10 or second & 0x10:
        raise UndefinedEncoding
    name = "pkhtb" if second & 0x20 else "pkhbt"
    return operation(name, Kind.DSP_PACK, 4, (REGISTERS[bits(second, 11, 8)],), (REGISTERS[first & 15], operand))


def _shifted_register(first: int, second: int) -> Instruction:
    amount = bits(second, 14, 12) << 2 | bits(second, 7, 6)
    operand = shifted(second & 15, bits(second, 5, 4), amount)
    if second & 0x8000:
        raise UndefinedEncoding
    number = bits(first, 8, 5)
    if number == 6:
        return _pack(first, second, operand)
    if number == 2 and first & 15 == PC and operand.shift:
        return _shift(first, second, operand)
    return _alu(first, second, operand, Kind.ALU_SHIFT if operand.shift else Kind.ALU)


def _shift(first: int, second: int, operand: Operand) -> Instruction:
    """MOV with a shifted operand is written as the shift itself."""
    target, source = REGISTERS[bits(second, 11, 8)], REGISTERS[operand.value]
    if target.value == PC:
        raise UndefinedEncoding
    rrx = operand.shift == "rrx"
    inputs = (source,) if rrx else (source, constant(operand.amount))
    return operation(
        operand.shift, Kind.SHIFT, 4, (target,), inputs, sets_flags=bool(first & 0x10), reads_flags=rrx
    )  # fmt: skip


# --- data processing, plain immediate -------------------------------------------------------------------------------
def _add_wide(first: int, second: int) -> Instruction:
    value = bits(first, 10, 10) << 11 | bits(second, 14, 12) << 8 | second & 0xFF
    target, left, down = REGISTERS[bits(second, 11, 8)], first & 15, bool(first & 0x80)
    if left == PC:
        offset = constant(-value if down else value)
        return operation("adr", Kind.ADDRESS, 4, (target,), (offset,), keeps=(REGISTERS[PC],))
    return operation("sub" if down else "add", Kind.ALU, 4, (target,), (REGISTERS[left], constant(value)))


def _move_wide(first: int, second: int) -> Instruction:
    value = (first & 15) << 12 | bits(first, 10, 10) << 11 | bits(second, 14, 12) << 8 | second & 0xFF
    target = REGISTERS[bits(second, 11, 8)]
    if first & 0x80:
        return operation("movt", Kind.MOVE_WIDE, 4, (target,), (constant(value),), keeps=(target,))
    return operation("movw", Kind.MOVE_WIDE, 4, (target,), (constant(value),))


def _saturate(first: int, second: int) -> Instruction:
    signed_form = not first & 0x80
    target, source = REGISTERS[bits(second, 11, 8)], first & 15
    amount = bits(second, 14, 12) << 2 | bits(second, 7, 6)
    name, width = ("ssat", (second & 31) + 1) if signed_form else ("usat", second & 31)
    if first & 0x20 and amount == 0:
        return operation(name + "16", Kind.DSP_SATURATE, 4, (target,), (constant(width), REGISTERS[source]))
    operand = shifted(source, 2 if first & 0x20 else 0, amount)
    return operation(name, Kind.SATURATE, 4, (target,), (constant(width), operand))


def _bitfield_extract(first: int, second: int) -> Instruction:
    lowest = bits(second, 14, 12) << 2 | bits(second, 7, 6)
    inputs = (REGISTERS[first & 15], constant(lowest), constant((second & 31) + 1))
    return operation("ubfx" if first & 0x80 else "sbfx", Kind.BITFIELD, 4, (REGISTERS[bits(second, 11, 8)],), inputs)


def _bitfield_insert(first: int, second: int) -> Instruction:
    lowest = bits(second, 14, 12) << 2 | bits(second, 7, 6)
    width = (second & 31) + 1 - lowest
    target, source = REGISTERS[bits(second, 11, 8)], first & 15
    if width < 1:
        raise UndefinedEncoding
    field = (constant(lowest), constant(width))
    if source == PC:
        return operation("bfc", Kind.BITFIELD, 4, (target,), field, keeps=(target,))
    return operation("bfi", Kind.BITFIELD, 4, (target,), (REGISTERS[source], *field), keeps=(target,))


_PLAIN: dict[int, Decoder] = {
    0b00000: _add_wide, 0b01010: _add_wide, 0b00100: _move_wide, 0b01100: _move_wide, 0b10000: _saturate,
    0b10010: _saturate, 0b11000: _saturate, 0b11010: _saturate, 0b10100: _bitfield_extract, 0b11100: _bitfield_extract,
    0b10110: _bitfield_insert,
}  # fmt: skip


def _plain_immediate(first: int, second: int) -> Instruction:
    number = bits(first, 8, 4)
    decoder = _PLAIN.get(number)
    if decoder is None or (number & 0x10 and first & 0x400):
        raise UndefinedEncoding
    return decoder(first, second)


# --- branches and miscellaneous control -----------------------------------------------------------------------------
def _far_branch(first: int, second: int) -> Instruction:
    """B (T4) and BL: 24-bit halfword offset with the two J bits folded."""
    sign = bits(first, 10, 10)
    j1, j2 = 1 ^ bits(second, 13, 13) ^ sign, 1 ^ bits(second, 11, 11) ^ sign
    value = sign << 24 | j1 << 23 | j2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    offset = signed(value, 25)
    if second & 0x4000:
        return direct_branch("bl", Kind.BRANCH_LINK, 4, "call", offset)
    return direct_branch("b", Kind.BRANCH, 4, "jump", offset)


def _conditional_branch(first: int, second: int) -> Instruction:
    value = (
        bits(first, 10, 10) << 20 | bits(second, 11, 11) << 19 | bits(second, 13, 13) << 18 | (first & 63) << 12
        | (second & 0x7FF) << 1
    )  # fmt: skip
    return direct_branch("b", Kind.BRANCH_CONDITIONAL, 4, "conditional", signed(value, 21), bits(first, 9, 6))


_BARRIERS = {
    2: ("clrex", Kind.CLEAR_EXCLUSIVE), 4: ("dsb", Kind.BARRIER), 5: ("dmb", Kind.BARRIER),
    6: ("isb", Kind.INSTRUCTION_BARRIER),
}  # fmt: skip


def _misc_control(first: int, second: int) -> Instruction:
    row = _BARRIERS.get(bits(second, 7, 4))
    if row is None or second >> 12 & 0xF != 8:
        raise UndefinedEncoding
    return system(*row, 4, () if row[0] == "clrex" else (constant(second & 15),))


def _write_special(first: int, second: int) -> Instruction:
    source, special = REGISTERS[first & 15], Operand("special", second & 0xFF, amount=bits(second, 11, 10))
    flags = special.value < 4 and bool(second & 0x800)
    return operation("msr", Kind.WRITE_SPECIAL, 4, (), (special, source), sets_flags=flags)


def _read_special(first: int, second: int) -> Instruction:
    special = Operand("special", second & 0xFF)
    target = REGISTERS[bits(second, 11, 8)]
    return operation("mrs", Kind.READ_SPECIAL, 4, (target,), (special,), reads_flags=special.value < 4)


def _wide_hint(first: int, second: int) -> Instruction:
    if second & 0x700:
        raise UndefinedEncoding
    if second & 0xF0 == 0xF0:
        return system("dbg", Kind.NOP, 4, (constant(second & 15),))
    return hint(second & 0xFF, 4)


_CONTROL: dict[int, Decoder] = {
    0b0111000: _write_special, 0b0111001: _write_special, 0b0111010: _wide_hint, 0b0111011: _misc_control,
    0b0111110: _read_special, 0b0111111: _read_special,
}  # fmt: skip


def _control(first: int, second: int) -> Instruction:
    if second & 0x1000:
        return _far_branch(first, second)
    if second & 0x4000:  # BLX to Arm state on other profiles, low-overhead loops on ARMv8.1-M
        raise UndefinedEncoding
    if bits(first, 9, 7) != 7:
        return _conditional_branch(first, second)
    number = bits(first, 10, 4)
    if number == 0b1111111 and second & 0xF000 == 0xA000:
        return system("udf", Kind.UNDEFINED, 4, (constant((first & 15) << 12 | second & 0xFFF),))
    decoder = _CONTROL.get(number)
    if decoder is None or second & 0x2000:
        raise UndefinedEncoding
    return decoder(first, second)


def _immediate_or_branch(first: int, second: int) -> Instruction:
    if second & 0x8000:
        return _control(first, second)
    return (_plain_immediate if first & 0x200 else _modified_immediate)(first, second)


# --- data processing (register) -------------------------------------------------------------------------------------
_EXTENDS = (("sxth", "sxtah"), ("uxth", "uxtah"), ("sxtb16", "sxtab16"), ("uxtb16", "uxtab16"), ("sxtb", "sxtab"),
            ("uxtb", "uxtab"))  # fmt: skip


def _extend(first: int, second: int) -> Instruction:
    number = bits(first, 7, 4)
    if number > 5:
        raise UndefinedEncoding
    plain, adding = _EXTENDS[number]
    target, operand = REGISTERS[bits(second, 11, 8)], rotated(second & 15, 8 * bits(second, 5, 4))
    if first & 15 != PC:
        return operation(adding, Kind.DSP_EXTEND_ADD, 4, (target,), (REGISTERS[first & 15], operand))
    kind = Kind.DSP_EXTEND if plain.endswith("16") else Kind.EXTEND
    return operation(plain, kind, 4, (target,), (operand,))


_PARALLEL_STEMS = {0: "add8", 1: "add16", 2: "asx", 4: "sub8", 5: "sub16", 6: "sax"}
_PARALLEL_PREFIXES = {0: "s", 1: "q", 2: "sh", 4: "u", 5: "uq", 6: "uh"}


def _parallel(first: int, second: int) -> Instruction:
    stem, prefix = _PARALLEL_STEMS.get(bits(first, 6, 4)), _PARALLEL_PREFIXES.get(bits(second, 6, 4))
    if stem is None or prefix is None:
        raise UndefinedEncoding
    inputs = (REGISTERS[first & 15], REGISTERS[second & 15])
    return operation(prefix + stem, Kind.DSP_SIMD, 4, (REGISTERS[bits(second, 11, 8)],), inputs)


# (bits 6:4 of the first halfword, bits 5:4 of the second) to mnemonic
_MISCELLANEOUS: dict[tuple[int, int], tuple[str, Kind]] = {
    (0, 0): ("qadd", Kind.DSP_SATURATE), (0, 1): ("qdadd", Kind.DSP_SATURATE), (0, 2): ("qsub", Kind.DSP_SATURATE),
    (0, 3): ("qdsub", Kind.DSP_SATURATE), (1, 0): ("rev", Kind.REVERSE), (1, 1): ("rev16", Kind.REVERSE),
    (1, 2): ("rbit", Kind.REVERSE), (1, 3): ("revsh", Kind.REVERSE), (2, 0): ("sel", Kind.DSP_SELECT),
    (3, 0): ("clz", Kind.COUNT_ZEROS),
}  # fmt: skip


def _miscellaneous(first: int, second: int) -> Instruction:
    row = _MISCELLANEOUS.get((bits(first, 6, 4), bits(second, 5, 4)))
    if row is None:
        raise UndefinedEncoding
    name, kind = row
    target, left, right = REGISTERS[bits(second, 11, 8)], REGISTERS[first & 15], REGISTERS[second & 15]
    if kind in (Kind.REVERSE, Kind.COUNT_ZEROS):
        return operation(name, kind, 4, (target,), (right,))
    if name == "sel":
        return operation(name, kind, 4, (target,), (left, right))
    return operation(name, kind, 4, (target,), (right, left))  # QADD Rd, Rm, Rn


def _register(first: int, second: int) -> Instruction:
    if second & 0xF000 != 0xF000:
        raise UndefinedEncoding
    high, low = bits(first, 7, 7), bits(second, 7, 6)
    if not high and bits(second, 7, 4) == 0:
        name = SHIFTS[bits(first, 6, 5)]
        inputs = (REGISTERS[first & 15], REGISTERS[second & 15])
        target = REGISTERS[bits(second, 11, 8)]
        return operation(name, Kind.REGISTER_SHIFT, 4, (target,), inputs, sets_flags=bool(first & 0x10))
    if not high and low >= 2:
        return _extend(first, second)
    if high and low < 2:
        return _parallel(first, second)
    if high and low == 2:
        return _miscellaneous(first, second)
    raise UndefinedEncoding


# --- multiplies and divides -----------------------------------------------------------------------------------------
# (bits 6:4 of the first halfword, bits 7:4 of the second) to mnemonic without accumulator, with accumulator
_M, _MA = Kind.DSP_MULTIPLY, Kind.DSP_MULTIPLY_ACCUMULATE
_HALVES = ("bb", "bt", "tb", "tt")
_MULTIPLIES: dict[tuple[int, int], tuple[tuple[str, Kind] | None, tuple[str, Kind] | None]] = {
    (0, 0): (("mul", Kind.MULTIPLY), ("mla", Kind.MULTIPLY_ACCUMULATE)),
    (0, 1): (None, ("mls", Kind.MULTIPLY_ACCUMULATE)),
    **{(1, i): (("smul" + half, _M), ("smla" + half, _MA)) for i, half in enumerate(_HALVES)},
    (2, 0): (("smuad", _M), ("smlad", _MA)),
    (2, 1): (("smuadx", _M), ("smladx", _MA)),
    (3, 0): (("smulwb", _M), ("smlawb", _MA)),
    (3, 1): (("smulwt", _M), ("smlawt", _MA)),
    (4, 0): (("smusd", _M), ("smlsd", _MA)),
    (4, 1): (("smusdx", _M), ("smlsdx", _MA)),
    (5, 0): (("smmul", _M), ("smmla", _MA)),
    (5, 1): (("smmulr", _M), ("smmlar", _MA)),
    (6, 0): (None, ("smmls", _MA)),
    (6, 1): (None, ("smmlsr", _MA)),
    (7, 0): (("usad8", Kind.DSP_DIFFERENCES), ("usada8", Kind.DSP_DIFFERENCES)),
}


def _multiply(first: int, second: int) -> Instruction:
    plain, adding = _MULTIPLIES.get((bits(first, 6, 4), bits(second, 7, 4)), (None, None))
    target, factors = REGISTERS[bits(second, 11, 8)], (REGISTERS[first & 15], REGISTERS[second & 15])
    accumulator = bits(second, 15, 12)
    if accumulator == PC and plain:
        return operation(*plain, 4, (target,), factors)
    if adding is None:
        raise UndefinedEncoding
    return operation(*adding, 4, (target,), (*factors, REGISTERS[accumulator]))


_L, _LA, _DLA = Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DSP_MULTIPLY_ACCUMULATE_LONG
_LONG_MULTIPLIES: dict[tuple[int, int], tuple[str, Kind]] = {
    (0, 0): ("smull", _L), (2, 0): ("umull", _L), (4, 0): ("smlal", _LA), (6, 0): ("umlal", _LA),
    (6, 6): ("umaal", _DLA),
    **{(4, 8 + i): ("smlal" + half, _DLA) for i, half in enumerate(_HALVES)},
    (4, 12): ("smlald", _DLA), (4, 13): ("smlaldx", _DLA), (5, 12): ("smlsld", _DLA), (5, 13): ("smlsldx", _DLA),
}  # fmt: skip


def _long_multiply(first: int, second: int) -> Instruction:
    key = bits(first, 6, 4), bits(second, 7, 4)
    factors = (REGISTERS[first & 15], REGISTERS[second & 15])
    if key in ((1, 15), (3, 15)):
        if bits(second, 15, 12) != 15:
            raise UndefinedEncoding
        return operation("sdiv" if key[0] == 1 else "udiv", Kind.DIVIDE, 4, (REGISTERS[bits(second, 11, 8)],), factors)
    row = _LONG_MULTIPLIES.get(key)
    if row is None:
        raise UndefinedEncoding
    targets = (REGISTERS[bits(second, 15, 12)], REGISTERS[bits(second, 11, 8)])
    return operation(*row, 4, targets, factors, keeps=() if row[1] is _L else targets)


# --- coprocessors ---------------------------------------------------------------------------------------------------
def _coprocessor(first: int, second: int) -> Instruction:
    if bits(first, 9, 8) == 3:  # Advanced SIMD on other profiles, Helium on ARMv8.1-M
        raise UndefinedEncoding
    if bits(second, 11, 9) != 0b101:
        return system("cdp", Kind.COPROCESSOR, 4, (constant(bits(second, 11, 8)),))
    if bits(first, 12, 12):
        return vector_extension(first, second)
    return (vector_operation if bits(first, 9, 9) else vector_transfer)(first, second)


# --- dispatch -------------------------------------------------------------------------------------------------------
_ROWS: tuple[tuple[int, int, Decoder], ...] = (
    # mask, value of the first halfword, decoder; rows are disjoint
    (0xFE40, 0xE800, load_store_multiple),
    (0xFE40, 0xE840, dual_or_exclusive),
    (0xFE00, 0xEA00, _shifted_register),
    (0xFC00, 0xEC00, _coprocessor),
    (0xF800, 0xF000, _immediate_or_branch),
    (0xFE00, 0xF800, load_store_single),
    (0xFF00, 0xFA00, _register),
    (0xFF80, 0xFB00, _multiply),
    (0xFF80, 0xFB80, _long_multiply),
    (0xFC00, 0xFC00, _coprocessor),
)


def rows_for(first: int) -> list[Decoder]:
    """All decoders that claim a first halfword: exactly one for every halfword from 0xE800."""
    return [decoder for mask, value, decoder in _ROWS if first & mask == value]


_BY_TOP_BITS: tuple[Decoder, ...] = tuple(rows_for(0xE800 + (top << 6))[0] for top in range((0x10000 - 0xE800) >> 6))


def decode32(first: int, second: int) -> Instruction:
    """Instruction at address 0 of two halfwords, the first at least 0xE800; raises UndefinedEncoding."""
    return _BY_TOP_BITS[(first - 0xE800) >> 6](first, second)
