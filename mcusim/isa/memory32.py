"""The 32-bit encodings of loads and stores of core registers (ARMv7-M ARM DDI 0403E, A5.3.5 to A5.3.10)."""

from __future__ import annotations

from mcusim.isa.forms import REGISTERS, UndefinedEncoding, bits, load, multiple, operation, store, system
from mcusim.isa.instruction import PC, SP, Branch, Instruction, MemoryOperand
from mcusim.isa.kind import Kind
from mcusim.isa.thumb16 import transfer

_SUFFIXES = ("b", "h", "")


def load_store_multiple(first: int, second: int) -> Instruction:
    """LDM, LDMDB, STM, STMDB, PUSH.W, POP.W."""
    mode, writeback, is_load, base = bits(first, 8, 7), bool(first & 0x20), bool(first & 0x10), first & 15
    if mode in (0, 3) or base == PC or (not is_load and second & 0xA000) or second & 0x2000:
        raise UndefinedEncoding
    down = mode == 2
    stem = "ldm" if is_load else "stm"
    if base == SP and writeback and down != is_load:
        stem, suffix = ("pop" if is_load else "push"), ""
    else:
        suffix = "db" if down else ""
    return multiple(stem + suffix, 4, base, second, is_load=is_load, writeback=writeback, down=down)


# --- single transfers -----------------------------------------------------------------------------------------------
def _offset_form(
    first: int, second: int, width: int, write: bool, is_signed: bool, target: int
) -> tuple[MemoryOperand, str]:
    """Memory operand of the immediate and register forms, and the mnemonic's ending (T for unprivileged)."""
    base = first & 15
    if base == PC:
        offset = second & 0xFFF if first & 0x80 else -(second & 0xFFF)
        return MemoryOperand(PC, offset, width, 1, write, signed=is_signed, registers=(target,)), ""
    if first & 0x80:
        return MemoryOperand(base, second & 0xFFF, width, 1, write, signed=is_signed, registers=(target,)), ""
    if not second & 0x800:
        if second & 0x7C0:
            raise UndefinedEncoding
        index, shift = second & 15, bits(second, 5, 4)
        operand = MemoryOperand(
            base, 0, width, 1, write, index=index, shift=shift, signed=is_signed, registers=(target,)
        )
        return operand, ""
    before, up, back = bool(second & 0x400), bool(second & 0x200), bool(second & 0x100)
    if not before and not back:
        raise UndefinedEncoding
    offset = second & 0xFF if up else -(second & 0xFF)
    operand = MemoryOperand(
        base, offset if before else 0, width, 1, write, writeback=offset if back else 0, signed=is_signed,
        registers=(target,),
    )  # fmt: skip
    return operand, "t" if before and up and not back else ""


def _memory_hint(first: int, second: int) -> Instruction:
    """PLD, PLDW, PLI and reserved hints: byte and halfword loads to PC."""
    memory, _ = _offset_form(first, second, 1, False, False, PC)
    name = "pli" if first & 0x100 else "pldw" if first & 0x20 else "pld"
    keeps = (REGISTERS[memory.base],) + ((REGISTERS[memory.index],) if memory.index >= 0 else ())
    return operation(name, Kind.PRELOAD, 4, (), (), keeps=keeps)


def load_store_single(first: int, second: int) -> Instruction:
    """LDR, STR and their narrow, signed, indexed and unprivileged forms; memory hints."""
    is_signed, is_load, code = bool(first & 0x100), bool(first & 0x10), bits(first, 6, 5)
    target = bits(second, 15, 12)
    if code == 3 or (is_signed and (not is_load or code == 2)) or (not is_load and first & 15 == PC):
        raise UndefinedEncoding
    if target == PC and not is_load:
        raise UndefinedEncoding
    if target == PC and code < 2:
        return _memory_hint(first, second)
    memory, ending = _offset_form(first, second, 1 << code, not is_load, is_signed, target)
    name = ("ldr" if is_load else "str") + ("s" if is_signed else "") + _SUFFIXES[code] + ending
    return transfer(name, 4, target, memory)


# --- dual, exclusive, table branch ----------------------------------------------------------------------------------
def _dual(first: int, second: int) -> Instruction:
    before, up, back, is_load = bool(first & 0x100), bool(first & 0x80), bool(first & 0x20), bool(first & 0x10)
    base, registers = first & 15, (bits(second, 15, 12), bits(second, 11, 8))
    offset = 4 * (second & 0xFF) * (1 if up else -1)
    if base == PC and (back or not is_load):
        raise UndefinedEncoding
    if 15 in registers:
        raise UndefinedEncoding
    memory = MemoryOperand(
        base, offset if before else 0, 4, 2, not is_load, writeback=offset if back else 0, registers=registers
    )
    if is_load:
        return load("ldrd", Kind.LOAD_DOUBLE, 4, registers, memory)
    return store("strd", Kind.STORE_DOUBLE, 4, registers, memory)


def _exclusive_word(first: int, second: int) -> Instruction:
    base, target, offset = first & 15, bits(second, 15, 12), 4 * (second & 0xFF)
    if first & 0x10:
        memory = MemoryOperand(base, offset, 4, 1, False, registers=(target,), exclusive=True)
        return load("ldrex", Kind.LOAD_EXCLUSIVE, 4, (target,), memory)
    if target == PC:
        return _test_target(first, second)
    memory = MemoryOperand(base, offset, 4, 1, True, registers=(target,), exclusive=True)
    return store("strex", Kind.STORE_EXCLUSIVE, 4, (target,), memory, status=bits(second, 11, 8))


def _test_target(first: int, second: int) -> Instruction:
    if second & 0x3F:
        raise UndefinedEncoding
    name = ("tt", "ttt", "tta", "ttat")[bits(second, 7, 6)]
    return operation(name, Kind.SECURITY, 4, (REGISTERS[bits(second, 11, 8)],), (REGISTERS[first & 15],))


def _table_branch(first: int, second: int) -> Instruction:
    base, index, half = first & 15, second & 15, bool(second & 0x10)
    memory = MemoryOperand(base, 0, 2 if half else 1, 1, False, index=index, shift=int(half))
    return Instruction(
        0, 4, "tbh" if half else "tbb", Kind.TABLE_BRANCH, operands=(REGISTERS[base], REGISTERS[index]),
        reads=1 << base | 1 << index, writes=1 << PC, memory=memory, branch=Branch("table"),
    )  # fmt: skip


# bits 7:4 of the second halfword to (stem, width, exclusive, acquire/release)
_ORDERED: dict[int, tuple[str, int, bool]] = {
    4: ("{}exb", 1, True), 5: ("{}exh", 2, True),
    8: ("{}b", 1, False), 9: ("{}h", 2, False), 10: ("{}", 4, False),
    12: ("{}exb", 1, True), 13: ("{}exh", 2, True), 14: ("{}ex", 4, True),
}  # fmt: skip
_ORDERED_KINDS = {
    (True, True): Kind.LOAD_EXCLUSIVE, (True, False): Kind.LOAD_ACQUIRE,
    (False, True): Kind.STORE_EXCLUSIVE, (False, False): Kind.STORE_RELEASE,
}  # fmt: skip


def _narrow_exclusive(first: int, second: int) -> Instruction:
    number, is_load = bits(second, 7, 4), bool(first & 0x10)
    if number not in _ORDERED:
        raise UndefinedEncoding
    pattern, width, exclusive = _ORDERED[number]
    target, plain = bits(second, 15, 12), number < 8
    name = pattern.format(("ldr" if plain else "lda") if is_load else ("str" if plain else "stl"))
    memory = MemoryOperand(first & 15, 0, width, 1, not is_load, registers=(target,), exclusive=exclusive)
    kind = _ORDERED_KINDS[is_load, exclusive]
    if target == PC:
        raise UndefinedEncoding
    if is_load:
        return load(name, kind, 4, (target,), memory)
    return store(name, kind, 4, (target,), memory, status=second & 15 if exclusive else -1)


def dual_or_exclusive(first: int, second: int) -> Instruction:
    """LDRD, STRD, exclusives, acquire and release forms, TBB, TBH, TT, SG."""
    if (first, second) == (0xE97F, 0xE97F):
        return system("sg", Kind.SECURITY, 4)
    if first & 0x120:
        return _dual(first, second)
    if not first & 0x80:
        return _exclusive_word(first, second)
    if first & 0x10 and second & 0xE0 == 0:
        if second & 0xFF00 != 0xF000:
            raise UndefinedEncoding
        return _table_branch(first, second)
    return _narrow_exclusive(first, second)
