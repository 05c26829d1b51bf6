"""The floating-point encodings (ARMv7-M ARM DDI 0403E, A6.4 to A6.7; FPv5 from A7.5 of its later issues and DDI
0553B)."""

from __future__ import annotations

from dataclasses import replace

from mcusim.isa.forms import (
    REGISTERS,
    UndefinedEncoding,
    address_mask,
    bits,
    constant,
    double,
    mask_of,
    operation,
    single,
    system,
)
from mcusim.isa.instruction import PC, SP, Instruction, MemoryOperand, Operand
from mcusim.isa.kind import Kind


class _Fields:
    """Register fields of one encoding, read as the size bit says."""

    def __init__(self, first: int, second: int) -> None:
        size = bits(second, 11, 8)
        if size not in (10, 11):  # 9: half-precision arithmetic, ARMv8.1-M
            raise UndefinedEncoding
        self.first, self.second, self.wide = first, second, size == 11

    def register(self, low: int, high: int, wide: bool) -> Operand:
        return double(low, high) if wide else single(low, high)

    def target(self, wide: bool | None = None) -> Operand:
        return self.register(bits(self.second, 15, 12), bits(self.first, 6, 6), self.wide if wide is None else wide)

    def left(self) -> Operand:
        return self.register(self.first & 15, bits(self.second, 7, 7), self.wide)

    def right(self, wide: bool | None = None) -> Operand:
        return self.register(self.second & 15, bits(self.second, 5, 5), self.wide if wide is None else wide)

    @property
    def data_type(self) -> str:
        return "f64" if self.wide else "f32"


_WIDE_KINDS = {kind: Kind("double" + kind.value[5:]) for kind in Kind
               if kind.value.startswith("float_") and "double" + kind.value[5:] in set(Kind)}  # fmt: skip


def _kind(kind: Kind, wide: bool) -> Kind:
    return _WIDE_KINDS[kind] if wide else kind


# --- transfers between memory or core registers and the register file -----------------------------------------------
def _pair(first: int, second: int, fields: _Fields) -> Instruction:
    if second & 0xD0 != 0x10:
        raise UndefinedEncoding
    core = (REGISTERS[bits(second, 15, 12)], REGISTERS[first & 15])
    if fields.wide:
        floats: tuple[Operand, ...] = (fields.right(),)
    else:
        low = fields.right(False)
        if low.value == 31:
            raise UndefinedEncoding
        floats = (low, Operand("float", low.value + 1))
    if first & 0x10:
        return operation("vmov", Kind.FLOAT_PAIR_TO_CORE, 4, core, floats)
    return operation("vmov", Kind.FLOAT_PAIR_FROM_CORE, 4, floats, core)


def _float_memory(
    name: str, kind: Kind, memory: MemoryOperand, operands: tuple[Operand, ...], data_type: str
) -> Instruction:
    mask = mask_of(memory.float_registers)
    return Instruction(
        0, 4, name, kind, data_type=data_type, operands=operands, reads=address_mask(memory.base),
        writes=1 << memory.base if memory.writeback else 0, float_reads=mask if memory.write else 0,
        float_writes=0 if memory.write else mask, memory=memory,
    )  # fmt: skip


def _single_transfer(first: int, second: int, fields: _Fields) -> Instruction:
    target, is_load = fields.target(), bool(first & 0x10)
    offset = 4 * (second & 0xFF) * (1 if first & 0x80 else -1)
    registers = tuple(range(target.value, target.value + target.width))
    memory = MemoryOperand(first & 15, offset, 4, target.width, not is_load, float_registers=registers)
    kinds = (Kind.FLOAT_LOAD, Kind.FLOAT_LOAD_DOUBLE) if is_load else (Kind.FLOAT_STORE, Kind.FLOAT_STORE_DOUBLE)
    name = "vldr" if is_load else "vstr"
    return _float_memory(name, kinds[fields.wide], memory, (target,), "64" if fields.wide else "32")


def _multiple_transfer(first: int, second: int, fields: _Fields) -> Instruction:
    down, writeback, is_load, base = bool(first & 0x100), bool(first & 0x20), bool(first & 0x10), first & 15
    start, words = fields.target().value, second & 0xFF
    count = words & ~1 if fields.wide else words  # an odd count of words is FLDMX/FSTMX, which moves the even part
    if not count or start + count > 32 or base == PC:
        raise UndefinedEncoding
    offset = -4 * words if down else 0
    back = (-4 * words if down else 4 * words) if writeback else 0
    registers = tuple(range(start, start + count))
    memory = MemoryOperand(base, offset, 4, count, not is_load, writeback=back, float_registers=registers)
    name = ("vldm" if is_load else "vstm") + ("db" if down else "")
    if base == SP and writeback and down != is_load:
        name = "vpop" if is_load else "vpush"
    kind = Kind.FLOAT_LOAD_MULTIPLE if is_load else Kind.FLOAT_STORE_MULTIPLE
    return _float_memory(name, kind, memory, (), "64" if fields.wide else "32")


def vector_transfer(first: int, second: int) -> Instruction:
    """VLDR, VSTR, VLDM, VSTM, VPUSH, VPOP, VLSTM, VLLDM and the two-register VMOV."""
    fields = _Fields(first, second)
    mode = bits(first, 8, 5) & 0b1101  # P U W
    if mode == 0:
        if first & 0x40:
            return _pair(first, second, fields)
        raise UndefinedEncoding
    if bits(first, 8, 5) == 0b0001 and second & 0xFF == 0 and second & 0xF000 == 0:
        lazy = system("vlldm" if first & 0x10 else "vlstm", Kind.FLOAT_CONTEXT, 4, (REGISTERS[first & 15],))
        return replace(lazy, reads=1 << (first & 15))
    if mode & 0b1001 == 0b1000:
        return _single_transfer(first, second, fields)
    if mode in (0b0100, 0b0101, 0b1001):
        return _multiple_transfer(first, second, fields)
    raise UndefinedEncoding


def _core_transfer(first: int, second: int, fields: _Fields) -> Instruction:
    core, to_core, number = REGISTERS[bits(second, 15, 12)], bool(first & 0x10), bits(first, 7, 5)
    if fields.wide:
        return _lane(first, second, core)
    if number == 0:
        floating = fields.left()
        if to_core:
            return operation("vmov", Kind.FLOAT_TO_CORE, 4, (core,), (floating,))
        return operation("vmov", Kind.FLOAT_FROM_CORE, 4, (floating,), (core,))
    if number != 7:
        raise UndefinedEncoding
    status = Operand("special", first & 15)
    if not to_core:
        return operation("vmsr", Kind.FLOAT_STATUS_WRITE, 4, (), (status, core))
    if core.value == PC:
        return operation("vmrs", Kind.FLOAT_STATUS_READ, 4, (), (status,), sets_flags=True)
    return operation("vmrs", Kind.FLOAT_STATUS_READ, 4, (core,), (status,))


def _lane(first: int, second: int, core: Operand) -> Instruction:
    if second & 0x60 or bits(first, 7, 6):
        raise UndefinedEncoding
    whole = double(first & 15, bits(second, 7, 7))
    half = Operand("float", whole.value + bits(first, 5, 5))
    if first & 0x10:
        return operation("vmov", Kind.FLOAT_LANE_TO_CORE, 4, (core,), (half,), data_type="32")
    return operation("vmov", Kind.FLOAT_LANE_FROM_CORE, 4, (half,), (core,), data_type="32")


# --- arithmetic -----------------------------------------------------------------------------------------------------
_MAC, _FUSED = Kind.FLOAT_MULTIPLY_ACCUMULATE, Kind.FLOAT_FUSED
_ARITHMETIC: dict[tuple[int, int], tuple[str, Kind]] = {
    # (opcode without D, bit 6 of the second halfword)
    (0, 0): ("vmla", _MAC), (0, 1): ("vmls", _MAC), (1, 0): ("vnmls", _MAC), (1, 1): ("vnmla", _MAC),
    (2, 0): ("vmul", Kind.FLOAT_MULTIPLY), (2, 1): ("vnmul", Kind.FLOAT_MULTIPLY),
    (3, 0): ("vadd", Kind.FLOAT_ADD), (3, 1): ("vsub", Kind.FLOAT_ADD), (8, 0): ("vdiv", Kind.FLOAT_DIVIDE),
    (9, 0): ("vfnms", _FUSED), (9, 1): ("vfnma", _FUSED), (10, 0): ("vfma", _FUSED), (10, 1): ("vfms", _FUSED),
}  # fmt: skip


def vector_operation(first: int, second: int) -> Instruction:
    """VFP data processing and moves between one core register and the register file."""
    fields = _Fields(first, second)
    if second & 0x10:
        return _core_transfer(first, second, fields)
    number = bits(first, 7, 4) & 0b1011
    if number == 11:
        return _unary(first, second, fields)
    row = _ARITHMETIC.get((number, bits(second, 6, 6)))
    if row is None:
        raise UndefinedEncoding
    name, kind = row
    target = fields.target()
    keeps = (target,) if kind in (_MAC, _FUSED) else ()
    inputs = (fields.left(), fields.right())
    return operation(name, _kind(kind, fields.wide), 4, (target,), inputs, keeps=keeps, data_type=fields.data_type)


def expand_float_constant(encoded: int, wide: bool) -> int:
    """VFPExpandImm(), A6.4.1: the bit pattern of the constant."""
    sign, small, low = encoded >> 7, encoded >> 6 & 1, encoded & 0x3F
    if wide:
        return sign << 63 | (0x3FC if small else 0x400) << 52 | low << 48
    return sign << 31 | (0x1F << 25 if small else 1 << 30) | low << 19


def _plain(name: str, kind: Kind, fields: _Fields) -> Instruction:
    return operation(
        name, _kind(kind, fields.wide), 4, (fields.target(),), (fields.right(),), data_type=fields.data_type
    )


def _compare(fields: _Fields, with_zero: bool) -> Instruction:
    name = "vcmpe" if fields.second & 0x80 else "vcmp"
    second = constant(0) if with_zero else fields.right()
    return operation(
        name, _kind(Kind.FLOAT_COMPARE, fields.wide), 4, (), (fields.target(), second), data_type=fields.data_type
    )


def _half_convert(fields: _Fields, to_half: bool) -> Instruction:
    name = "vcvtt" if fields.second & 0x80 else "vcvtb"
    half_target = fields.target(False) if to_half else fields.target()
    source = fields.right() if to_half else fields.right(False)
    types = f"f16.{fields.data_type}" if to_half else f"{fields.data_type}.f16"
    keeps = (half_target,) if to_half else ()  # the other half of the register stays
    kind = _kind(Kind.FLOAT_CONVERT, fields.wide)
    return operation(name, kind, 4, (half_target,), (source,), keeps=keeps, data_type=types)


def _precision_convert(fields: _Fields) -> Instruction:
    types = "f32.f64" if fields.wide else "f64.f32"
    target, source = fields.target(not fields.wide), fields.right()
    return operation("vcvt", Kind.DOUBLE_CONVERT, 4, (target,), (source,), data_type=types)


def _integer_convert(fields: _Fields) -> Instruction:
    opcode, top = fields.first & 15, bool(fields.second & 0x80)
    kind = _kind(Kind.FLOAT_CONVERT, fields.wide)
    if opcode == 8:
        types = f"{fields.data_type}.{'s32' if top else 'u32'}"
        return operation("vcvt", kind, 4, (fields.target(),), (fields.right(False),), data_type=types)
    types = f"{'s32' if opcode & 1 else 'u32'}.{fields.data_type}"
    return operation("vcvt" if top else "vcvtr", kind, 4, (fields.target(False),), (fields.right(),), data_type=types)


def _fixed_convert(fields: _Fields) -> Instruction:
    first, second = fields.first, fields.second
    width = 32 if second & 0x80 else 16
    fraction = width - ((second & 15) << 1 | bits(second, 5, 5))
    integer = f"{'u' if first & 1 else 's'}{width}"
    types = f"{integer}.{fields.data_type}" if first & 4 else f"{fields.data_type}.{integer}"
    target = fields.target()
    kind = _kind(Kind.FLOAT_CONVERT, fields.wide)
    return operation("vcvt", kind, 4, (target,), (target, constant(fraction)), data_type=types)


def _unary(first: int, second: int, fields: _Fields) -> Instruction:
    opcode, top = first & 15, bool(second & 0x80)
    if not second & 0x40:
        if second & 0xA0:
            raise UndefinedEncoding
        value = constant(expand_float_constant(opcode << 4 | second & 15, fields.wide))
        kind = _kind(Kind.FLOAT_IMMEDIATE, fields.wide)
        return operation("vmov", kind, 4, (fields.target(),), (value,), data_type=fields.data_type)
    simple = _SIMPLE_UNARY.get((opcode, top))
    if simple is not None:
        return _plain(*simple, fields)
    if opcode in (2, 3):
        return _half_convert(fields, opcode == 3)
    if opcode in (4, 5):
        return _compare(fields, opcode == 5)
    if opcode == 7:
        return _precision_convert(fields)
    if opcode in (8, 12, 13):
        return _integer_convert(fields)
    if opcode in (10, 11, 14, 15):
        return _fixed_convert(fields)
    raise UndefinedEncoding


_SIMPLE_UNARY: dict[tuple[int, bool], tuple[str, Kind]] = {
    (0, False): ("vmov", Kind.FLOAT_MOVE), (0, True): ("vabs", Kind.FLOAT_SIGN), (1, False): ("vneg", Kind.FLOAT_SIGN),
    (1, True): ("vsqrt", Kind.FLOAT_ROOT), (6, False): ("vrintr", Kind.FLOAT_ROUND),
    (6, True): ("vrintz", Kind.FLOAT_ROUND),
    (7, False): ("vrintx", Kind.FLOAT_ROUND),
}  # fmt: skip


# --- FPv5 -----------------------------------------------------------------------------------------------------------
def _directed(first: int, second: int, fields: _Fields) -> Instruction:
    """VRINTA/N/P/M and VCVTA/N/P/M."""
    if not second & 0x40:
        raise UndefinedEncoding
    ending = "anpm"[first & 3]
    if first & 15 < 12:
        if second & 0x80:
            raise UndefinedEncoding
        return _plain("vrint" + ending, Kind.FLOAT_ROUND, fields)
    types = f"{'s32' if second & 0x80 else 'u32'}.{fields.data_type}"
    kind = _kind(Kind.FLOAT_CONVERT, fields.wide)
    return operation("vcvt" + ending, kind, 4, (fields.target(False),), (fields.right(),), data_type=types)


def vector_extension(first: int, second: int) -> Instruction:
    """FPv5: VSEL, VMAXNM, VMINNM, VRINT and VCVT with a rounding direction."""
    if first & 0xFF00 != 0xFE00 or second & 0x10:
        raise UndefinedEncoding
    fields = _Fields(first, second)
    low = bool(second & 0x40)
    inputs = (fields.left(), fields.right())
    if not first & 0x80 and not low:
        name = "vsel" + ("eq", "vs", "ge", "gt")[bits(first, 5, 4)]
        kind = _kind(Kind.FLOAT_SELECT, fields.wide)
        return operation(name, kind, 4, (fields.target(),), inputs, reads_flags=True, data_type=fields.data_type)
    if first & 0xB0 == 0x80:
        kind = _kind(Kind.FLOAT_EXTREME, fields.wide)
        name = "vminnm" if low else "vmaxnm"
        return operation(name, kind, 4, (fields.target(),), inputs, data_type=fields.data_type)
    if first & 0xB8 == 0xB8:
        return _directed(first, second, fields)
    raise UndefinedEncoding
