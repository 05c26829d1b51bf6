"""The 16-bit Thumb encodings (ARMv7-M ARM DDI 0403E, A5.2; ARMv8-M additions from DDI 0553B, C2.2.1)."""

from __future__ import annotations

from collections.abc import Callable

from mcusim.isa.forms import (
    PC_BIT,
    REGISTERS,
    UndefinedEncoding,
    bits,
    constant,
    direct_branch,
    load,
    multiple,
    operation,
    signed,
    store,
    system,
    to_pc,
)
from mcusim.isa.instruction import LR, PC, SP, Branch, Instruction, MemoryOperand
from mcusim.isa.kind import Kind

Decoder = Callable[[int], Instruction]


def _low(word: int, at: int) -> int:
    return (word >> at) & 7


def _shift_immediate(word: int) -> Instruction:
    kind, amount = bits(word, 12, 11), bits(word, 10, 6)
    target, source = REGISTERS[_low(word, 0)], REGISTERS[_low(word, 3)]
    if kind == 0 and amount == 0:
        return operation("mov", Kind.ALU, 2, (target,), (source,), sets_flags=True)
    amount = amount if kind == 0 else amount or 32
    return operation(
        ("lsl", "lsr", "asr")[kind], Kind.SHIFT, 2, (target,), (source, constant(amount)), sets_flags=True
    )


def _add_subtract(word: int) -> Instruction:
    second = constant(_low(word, 6)) if word & 0x400 else REGISTERS[_low(word, 6)]
    name = "sub" if word & 0x200 else "add"
    inputs = (REGISTERS[_low(word, 3)], second)
    return operation(name, Kind.ALU, 2, (REGISTERS[_low(word, 0)],), inputs, sets_flags=True)


def _immediate(word: int) -> Instruction:
    name = ("mov", "cmp", "add", "sub")[bits(word, 12, 11)]
    register, value = REGISTERS[_low(word, 8)], constant(word & 0xFF)
    if name == "mov":
        return operation(name, Kind.ALU, 2, (register,), (value,), sets_flags=True)
    outputs = () if name == "cmp" else (register,)
    return operation(name, Kind.ALU, 2, outputs, (register, value), sets_flags=True)


_REGISTER_OPERATIONS = (
    "and", "eor", "lsl", "lsr", "asr", "adc", "sbc", "ror", "tst", "rsb", "cmp", "cmn", "orr", "mul", "bic", "mvn",
)  # fmt: skip


def _register(word: int) -> Instruction:
    name = _REGISTER_OPERATIONS[bits(word, 9, 6)]
    target, source = REGISTERS[_low(word, 0)], REGISTERS[_low(word, 3)]
    if name in ("tst", "cmp", "cmn"):
        return operation(name, Kind.ALU, 2, (), (target, source), sets_flags=True)
    if name == "rsb":
        return operation(name, Kind.ALU, 2, (target,), (source, constant(0)), sets_flags=True)
    if name == "mvn":
        return operation(name, Kind.ALU, 2, (target,), (source,), sets_flags=True)
    if name == "mul":
        return operation(name, Kind.MULTIPLY, 2, (target,), (source, target), sets_flags=True)
    kind = Kind.REGISTER_SHIFT if name in ("lsl", "lsr", "asr", "ror") else Kind.ALU
    carry = name in ("adc", "sbc")
    return operation(name, kind, 2, (target,), (target, source), sets_flags=True, reads_flags=carry)


def _high_registers(word: int) -> Instruction:
    source, target = bits(word, 6, 3), _low(word, 0) | bits(word, 7, 7) << 3
    name = ("add", "cmp", "mov")[bits(word, 9, 8)]
    if name == "cmp":
        return operation(name, Kind.ALU, 2, (), (REGISTERS[target], REGISTERS[source]), sets_flags=True)
    inputs = (REGISTERS[source],) if name == "mov" else (REGISTERS[target], REGISTERS[source])
    if target == PC:
        return to_pc(Kind.ALU_BRANCH, name, 2, inputs, "return" if name == "mov" and source == LR else "register")
    return operation(name, Kind.ALU, 2, (REGISTERS[target],), inputs)


def _branch_exchange(word: int) -> Instruction:
    source, link, low = bits(word, 6, 3), bool(word & 0x80), word & 7
    name = "blx" if link else "bx"
    branch = "call_register" if link else "return" if source == LR else "register"
    if low == 4:  # BXNS and BLXNS
        return to_pc(Kind.SECURITY, name + "ns", 2, (REGISTERS[source],), branch)
    if low or (link and source == PC):
        raise UndefinedEncoding
    return to_pc(Kind.BRANCH_LINK_REGISTER if link else Kind.BRANCH_REGISTER, name, 2, (REGISTERS[source],), branch)


def _literal(word: int) -> Instruction:
    target = _low(word, 8)
    memory = MemoryOperand(PC, 4 * (word & 0xFF), 4, 1, False, registers=(target,))
    return load("ldr", Kind.LOAD, 2, (target,), memory)


_OFFSET_REGISTER = (
    ("str", 4), ("strh", 2), ("strb", 1), ("ldrsb", 1), ("ldr", 4), ("ldrh", 2), ("ldrb", 1), ("ldrsh", 2),
)  # fmt: skip


def transfer(name: str, size: int, register: int, memory: MemoryOperand) -> Instruction:
    """Load or store of one core register, by mnemonic; ``size`` is the encoding's."""
    if memory.write:
        kind = Kind.STORE if memory.size == 4 else Kind.STORE_NARROW
        return store(name, kind, size, (register,), memory)
    kind = Kind.LOAD_NARROW if memory.size < 4 else Kind.LOAD_BRANCH if register == PC else Kind.LOAD
    return load(name, kind, size, (register,), memory)


def _load_store_register(word: int) -> Instruction:
    name, width = _OFFSET_REGISTER[bits(word, 11, 9)]
    target = _low(word, 0)
    memory = MemoryOperand(
        _low(word, 3), 0, width, 1, name[0] == "s", index=_low(word, 6), signed="rs" in name, registers=(target,)
    )
    return transfer(name, 2, target, memory)


def _load_store(width: int, base_at: int = 3) -> Decoder:
    suffix = {4: "", 2: "h", 1: "b"}[width]

    def decode(word: int) -> Instruction:
        is_load = bool(word & 0x800)
        target = _low(word, 0)
        offset = width * bits(word, 10, 6)
        memory = MemoryOperand(_low(word, base_at), offset, width, 1, not is_load, registers=(target,))
        return transfer(("ldr" if is_load else "str") + suffix, 2, target, memory)

    return decode


def _load_store_stack(word: int) -> Instruction:
    is_load, target = bool(word & 0x800), _low(word, 8)
    memory = MemoryOperand(SP, 4 * (word & 0xFF), 4, 1, not is_load, registers=(target,))
    return transfer("ldr" if is_load else "str", 2, target, memory)


def _address(word: int) -> Instruction:
    target, value = REGISTERS[_low(word, 8)], constant(4 * (word & 0xFF))
    if word & 0x800:
        return operation("add", Kind.ALU, 2, (target,), (REGISTERS[SP], value))
    return operation("adr", Kind.ADDRESS, 2, (target,), (value,), keeps=(REGISTERS[PC],))


def _adjust_stack(word: int) -> Instruction:
    stack = REGISTERS[SP]
    return operation("sub" if word & 0x80 else "add", Kind.ALU, 2, (stack,), (stack, constant(4 * (word & 0x7F))))


def _compare_branch(word: int) -> Instruction:
    register = _low(word, 0)
    offset = bits(word, 9, 9) << 6 | bits(word, 7, 3) << 1
    return Instruction(
        0, 2, "cbnz" if word & 0x800 else "cbz", Kind.BRANCH_COMPARE, operands=(REGISTERS[register],),
        reads=1 << register,
        writes=PC_BIT, branch=Branch("compare", offset + 4),
    )  # fmt: skip


def _extend(word: int) -> Instruction:
    name = ("sxth", "sxtb", "uxth", "uxtb")[bits(word, 7, 6)]
    return operation(name, Kind.EXTEND, 2, (REGISTERS[_low(word, 0)],), (REGISTERS[_low(word, 3)],))


def _reverse(word: int) -> Instruction:
    name = ("rev", "rev16", "hlt", "revsh")[bits(word, 7, 6)]
    if name == "hlt":
        return system("hlt", Kind.BREAKPOINT, 2, (constant(word & 0x3F),))
    return operation(name, Kind.REVERSE, 2, (REGISTERS[_low(word, 0)],), (REGISTERS[_low(word, 3)],))


def _push(word: int) -> Instruction:
    registers = (word & 0xFF) | (word & 0x100) << (LR - 8)
    return multiple("push", 2, SP, registers, is_load=False, writeback=True, down=True)


def _pop(word: int) -> Instruction:
    registers = (word & 0xFF) | (word & 0x100) << (PC - 8)
    return multiple("pop", 2, SP, registers, is_load=True, writeback=True, down=False)


def _change_state(word: int) -> Instruction:
    return system("cpsid" if word & 0x10 else "cpsie", Kind.CHANGE_STATE, 2, (constant(word & 7),))


_HINTS = {
    0: ("nop", Kind.NOP), 1: ("yield", Kind.NOP), 2: ("wfe", Kind.WAIT), 3: ("wfi", Kind.WAIT),
    4: ("sev", Kind.SEND_EVENT),
}  # fmt: skip


def hint(number: int, size: int) -> Instruction:
    """NOP-compatible hints; numbers that are not allocated execute as NOP."""
    name, kind = _HINTS.get(number, ("nop", Kind.NOP))
    return system(name, kind, size)


def _it(word: int) -> Instruction:
    first, mask = bits(word, 7, 4), word & 15
    if mask == 0:
        return hint(first, 2)
    if first == 15:
        raise UndefinedEncoding
    length = 4 - ((mask & -mask).bit_length() - 1)
    later = tuple(first & 14 | mask >> (4 - slot) & 1 for slot in range(1, length))
    return Instruction(0, 2, "it", Kind.IT, it_conditions=(first, *later))


def _breakpoint(word: int) -> Instruction:
    return system("bkpt", Kind.BREAKPOINT, 2, (constant(word & 0xFF),))


def _multiple(word: int) -> Instruction:
    is_load, base, registers = bool(word & 0x800), _low(word, 8), word & 0xFF
    writeback = not is_load or not registers >> base & 1
    return multiple("ldm" if is_load else "stm", 2, base, registers, is_load=is_load, writeback=writeback, down=False)


def _conditional(word: int) -> Instruction:
    condition, value = bits(word, 11, 8), word & 0xFF
    if condition == 14:
        return system("udf", Kind.UNDEFINED, 2, (constant(value),))
    if condition == 15:
        return system("svc", Kind.SUPERVISOR_CALL, 2, (constant(value),))
    return direct_branch("b", Kind.BRANCH_CONDITIONAL, 2, "conditional", 2 * signed(value, 8), condition)


def _branch(word: int) -> Instruction:
    return direct_branch("b", Kind.BRANCH, 2, "jump", 2 * signed(word & 0x7FF, 11))


_ROWS: tuple[tuple[int, int, Decoder], ...] = (
    # mask, value, decoder; rows are disjoint
    (0xF800, 0x0000, _shift_immediate),
    (0xF800, 0x0800, _shift_immediate),
    (0xF800, 0x1000, _shift_immediate),
    (0xF800, 0x1800, _add_subtract),
    (0xE000, 0x2000, _immediate),
    (0xFC00, 0x4000, _register),
    (0xFE00, 0x4400, _high_registers),
    (0xFF00, 0x4600, _high_registers),
    (0xFF00, 0x4700, _branch_exchange),
    (0xF800, 0x4800, _literal),
    (0xF000, 0x5000, _load_store_register),
    (0xF000, 0x6000, _load_store(4)),
    (0xF000, 0x7000, _load_store(1)),
    (0xF000, 0x8000, _load_store(2)),
    (0xF000, 0x9000, _load_store_stack),
    (0xF000, 0xA000, _address),
    (0xFF00, 0xB000, _adjust_stack),
    (0xF500, 0xB100, _compare_branch),
    (0xFF00, 0xB200, _extend),
    (0xFE00, 0xB400, _push),
    (0xFFE8, 0xB660, _change_state),
    (0xFF00, 0xBA00, _reverse),
    (0xFE00, 0xBC00, _pop),
    (0xFF00, 0xBE00, _breakpoint),
    (0xFF00, 0xBF00, _it),
    (0xF000, 0xC000, _multiple),
    (0xF000, 0xD000, _conditional),
    (0xF800, 0xE000, _branch),
)


def rows_for(word: int) -> list[Decoder]:
    """All decoders that claim a 16-bit word: one, or none where the word is no instruction."""
    return [decoder for mask, value, decoder in _ROWS if word & mask == value]


# Indexed by the top 13 bits: every row's mask lies within them.
_BY_TOP_BITS: tuple[Decoder | None, ...] = tuple(next(iter(rows_for(top << 3)), None) for top in range(1 << 13))


def decode16(word: int) -> Instruction:
    """Instruction at address 0 of one halfword; raises UndefinedEncoding."""
    decoder = _BY_TOP_BITS[word >> 3]
    if decoder is None:
        raise UndefinedEncoding
    return decoder(word)
