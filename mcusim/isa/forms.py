"""Building blocks of the decoder: operands, and instructions of the common forms at address 0.

A form says each instruction once: destination, sources and operands are given together, the register masks follow from
them. Branch targets and ADR results are relative here; ``mcusim.isa.decode`` places them.
"""

from __future__ import annotations

from mcusim.isa.instruction import LR, PC, SP, Branch, Instruction, MemoryOperand, Operand
from mcusim.isa.kind import Kind

REGISTERS = tuple(Operand("register", index) for index in range(16))
SINGLES = tuple(Operand("float", index) for index in range(32))
DOUBLES = tuple(Operand("float", 2 * index, width=2) for index in range(16))
SHIFTS = ("lsl", "lsr", "asr", "ror")
PC_BIT, LR_BIT, SP_BIT = 1 << PC, 1 << LR, 1 << SP


class UndefinedEncoding(Exception):
    """Raised inside the decoder for words that are no instruction; ``decode`` turns it into kind UNDEFINED."""


def bits(word: int, high: int, low: int) -> int:
    return (word >> low) & ((1 << (high - low + 1)) - 1)


def signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


def constant(value: int) -> Operand:
    return Operand("immediate", value)


def mask_of(registers: tuple[int, ...]) -> int:
    """Bit mask of register numbers, which may repeat."""
    mask = 0
    for register in registers:
        mask |= 1 << register
    return mask


def float_mask(operand: Operand) -> int:
    return ((1 << operand.width) - 1) << operand.value


def single(high: int, low: int) -> Operand:
    """S register from its four-bit and one-bit fields."""
    return SINGLES[high << 1 | low]


def double(low: int, high: int) -> Operand:
    """D register from its four-bit and one-bit fields; M-profile has sixteen."""
    if high:
        raise UndefinedEncoding
    return DOUBLES[low]


def shifted(register: int, kind: int, amount: int) -> Operand:
    """Operand2: a register shifted by a constant, decoded as DecodeImmShift() of the ARMv7-M ARM, A7.4.2."""
    if kind == 0 and amount == 0:
        return REGISTERS[register]
    if kind == 3 and amount == 0:
        return Operand("register", register, shift="rrx", amount=1)
    return Operand("register", register, shift=SHIFTS[kind], amount=amount or 32)


def rotated(register: int, rotation: int) -> Operand:
    return Operand("register", register, shift="ror", amount=rotation) if rotation else REGISTERS[register]


def masks(operands: tuple[Operand, ...]) -> tuple[int, int]:
    """Core and FP register masks of operands."""
    core = floats = 0
    for operand in operands:
        if operand.role == "register":
            core |= 1 << operand.value
            if operand.shift_register >= 0:
                core |= 1 << operand.shift_register
        elif operand.role == "float":
            floats |= float_mask(operand)
    return core, floats


def operation(
    mnemonic: str,
    kind: Kind,
    size: int,
    outputs: tuple[Operand, ...],
    inputs: tuple[Operand, ...] = (),
    *,
    keeps: tuple[Operand, ...] = (),
    sets_flags: bool = False,
    reads_flags: bool = False,
    data_type: str = "",
    branch: Branch | None = None,
) -> Instruction:
    """Instruction that computes ``outputs`` from ``inputs``; ``keeps`` are inputs that syntax does not repeat."""
    writes, float_writes = masks(outputs)
    reads, float_reads = masks(inputs + keeps)
    return Instruction(
        0, size, mnemonic, kind, data_type=data_type, sets_flags=sets_flags, reads_flags=reads_flags,
        operands=outputs + inputs, reads=reads, writes=writes, float_reads=float_reads, float_writes=float_writes,
        branch=branch,
    )  # fmt: skip


def to_pc(instruction_kind: Kind, mnemonic: str, size: int, operands: tuple[Operand, ...], branch: str) -> Instruction:
    """MOV or ADD to PC, BX and BLX: ``operands`` are the sources, PC is written."""
    reads, _ = masks(operands)
    writes = PC_BIT | (LR_BIT if branch == "call_register" else 0)
    shown = operands if instruction_kind is not Kind.ALU_BRANCH else (REGISTERS[PC], *operands)
    return Instruction(
        0, size, mnemonic, instruction_kind, operands=shown, reads=reads, writes=writes, branch=Branch(branch)
    )


def direct_branch(mnemonic: str, kind: Kind, size: int, branch: str, offset: int, condition: int = 14) -> Instruction:
    """B, B<cc>, BL to PC + ``offset``."""
    writes = PC_BIT | (LR_BIT if branch == "call" else 0)
    return Instruction(
        0, size, mnemonic, kind, condition=condition, writes=writes, reads_flags=condition != 14,
        branch=Branch(branch, offset + 4),
    )  # fmt: skip


def system(mnemonic: str, kind: Kind, size: int, operands: tuple[Operand, ...] = ()) -> Instruction:
    """Instruction without register or memory effects that timing sees."""
    return Instruction(0, size, mnemonic, kind, operands=operands)


def address_mask(base: int, index: int = -1) -> int:
    return (1 << base) | ((1 << index) if index >= 0 else 0)


def load(
    mnemonic: str, kind: Kind, size: int, targets: tuple[int, ...], memory: MemoryOperand, *, show: bool = True
) -> Instruction:
    """Load of core registers; a load to PC becomes a branch."""
    writes = (1 << memory.base if memory.writeback else 0) | mask_of(targets)
    branch = Branch("load") if PC in targets else None
    return Instruction(
        0, size, mnemonic, kind, operands=tuple(REGISTERS[target] for target in targets) if show else (),
        reads=address_mask(memory.base, memory.index), writes=writes, memory=memory, branch=branch,
    )  # fmt: skip


def store(
    mnemonic: str, kind: Kind, size: int, sources: tuple[int, ...], memory: MemoryOperand, *, show: bool = True,
    status: int = -1,
) -> Instruction:  # fmt: skip
    """Store of core registers; ``status`` is the result register of an exclusive store."""
    writes = (1 << memory.base if memory.writeback else 0) | (1 << status if status >= 0 else 0)
    reads = address_mask(memory.base, memory.index) | mask_of(sources)
    operands = ((REGISTERS[status],) if status >= 0 else ()) + tuple(REGISTERS[source] for source in sources)
    return Instruction(
        0, size, mnemonic, kind, operands=operands if show else (), reads=reads, writes=writes, memory=memory
    )


def multiple(
    mnemonic: str, size: int, base: int, register_list: int, *, is_load: bool, writeback: bool, down: bool
) -> Instruction:
    """LDM, STM, PUSH, POP and their descending forms."""
    registers = tuple(index for index in range(16) if register_list >> index & 1)
    if not registers:
        raise UndefinedEncoding
    length = 4 * len(registers)
    memory = MemoryOperand(
        base, -length if down else 0, 4, len(registers), not is_load,
        writeback=(-length if down else length) if writeback else 0, registers=registers,
    )  # fmt: skip
    if not is_load:
        return store(mnemonic, Kind.STORE_MULTIPLE, size, registers, memory, show=False)
    kind = Kind.LOAD_MULTIPLE_BRANCH if PC in registers else Kind.LOAD_MULTIPLE
    return load(mnemonic, kind, size, registers, memory, show=False)
