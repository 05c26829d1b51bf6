"""Compile what is dynamic about a block into a fact program that native code evaluates at block entry.

A fact is one small number per instruction that only the run knows: the region and alignment of an access, whether a
conditional instruction executes, the cycles of a divide. The compiler keeps the backward slice of the block that these need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from unicorn import arm_const as A

from mcusim.cores import Core
from mcusim.errors import McusimError
from mcusim.isa.instruction import (
    ALWAYS,
    PC,
    Block,
    Instruction,
    MemoryOperand,
    Operand,
)
from mcusim.machine import layout as L

UNKNOWN_VALUE = -1
CARRY_UNKNOWN = 2
"""As carry of a logical operation: the shifter sets it from a value that the slice does not follow."""

ALU_ROWS = {
    "add": L.OP_ADD, "addw": L.OP_ADD, "sub": L.OP_SUBTRACT, "subw": L.OP_SUBTRACT, "and": L.OP_AND, "orr": L.OP_OR,
    "eor": L.OP_XOR, "bic": L.OP_CLEAR, "mul": L.OP_MULTIPLY, "udiv": L.OP_DIVIDE, "sdiv": L.OP_DIVIDE_SIGNED,
}  # fmt: skip
SHIFT_ROWS = {
    "lsl": L.OP_SHIFT_LEFT, "lsr": L.OP_SHIFT_RIGHT, "asr": L.OP_SHIFT_ARITHMETIC, "ror": L.OP_ROTATE,
}  # fmt: skip
LONG_MULTIPLIES = {"umull": L.OP_MULTIPLY_HIGH, "smull": L.OP_MULTIPLY_HIGH_SIGNED}
EXTENDS = {"uxtb": (8, False), "uxth": (16, False), "sxtb": (8, True), "sxth": (16, True)}
COMPARES = {"cmp": L.OP_FLAGS_SUBTRACT, "cmn": L.OP_FLAGS_ADD}
TESTS = {"tst": L.OP_AND, "teq": L.OP_XOR}
SPECIAL_REGISTERS = {
    8: A.UC_ARM_REG_MSP, 9: A.UC_ARM_REG_PSP, 16: A.UC_ARM_REG_PRIMASK, 17: A.UC_ARM_REG_BASEPRI, 20: A.UC_ARM_REG_CONTROL,
}  # fmt: skip
"""SYSm numbers of MRS to the emulator's register numbers; valid while no MSR in the same block writes them."""
MOVES = ("mov", "mvn", "movw", "movt", "adr", "rsb", "adc", "sbc", "orn", "rrx", "it", "nop")
BITS = ("clz", "rev", "rev16", "revsh", "rbit", "ubfx", "sbfx", "bfi", "bfc")
PLAIN = frozenset({*ALU_ROWS, *SHIFT_ROWS, *EXTENDS, *COMPARES, *TESTS, *MOVES, *BITS}) - {"udiv", "sdiv"}
"""Mnemonics that cost one issue slot whether their condition holds or not."""

LEAVES = (L.OP_REGISTER, L.OP_IMMEDIATE, L.OP_FLAGS, L.OP_SPECIAL)

CONDITIONAL_ROWS = (L.OP_STORE, L.OP_ACCESS, L.OP_EXECUTED, L.OP_DIVIDE_CLASS, L.OP_MULTIPLY_CLASS)
"""Rows whose immediate >> 8 is the number of a condition value plus one."""

Row = tuple[int, int, int, int]
"""Op, first, second, immediate; the destination is the row's own number."""


@dataclass(frozen=True, slots=True)
class FactSlot:
    """One fact: which instruction it belongs to and of which kind (the op of its row)."""

    instruction: int
    op: int
    transfers: int = 1


@dataclass(frozen=True, slots=True)
class SimpleAccess:
    """An unconditional access at (register at block entry) + offset: checked by comparing one register."""

    register: int
    offset: int
    mask: int
    length: int


@dataclass(frozen=True, slots=True)
class FactProgram:
    """What to find out at block entry. ``simple`` holds one entry per slot when all facts are simple accesses."""

    rows: np.ndarray
    slots: tuple[FactSlot, ...]
    simple: tuple[SimpleAccess, ...] | None


class _Values:
    """The block's values as rows, numbered in program order and shared when equal."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.known: dict[Row, int] = {}
        self.affine: dict[int, tuple[int, int]] = {}
        self.needs: dict[int, tuple[int, ...]] = {}

    def add(self, op: int, first: int = -1, second: int = -1, immediate: int = 0, *, share: bool = True) -> int:
        row = (op, first, second, immediate)
        if share and row in self.known:
            return self.known[row]
        self.rows.append(row)
        number = len(self.rows) - 1
        if share:
            self.known[row] = number
        return number

    def constant(self, value: int) -> int:
        return self.add(L.OP_IMMEDIATE, immediate=value & 0xFFFFFFFF)

    def constant_of(self, number: int) -> int | None:
        op, _, _, immediate = self.rows[number]
        return immediate if op == L.OP_IMMEDIATE and immediate >= 0 else None

    def offset(self, number: int, amount: int) -> int:
        """``number`` + a constant, kept as root + constant so that equal addresses share a number."""
        if amount == 0:
            return number
        constant = self.constant_of(number)
        if constant is not None:
            return self.constant(constant + amount)
        root, base = self.affine.get(number, (number, 0))
        total = (base + amount + 0x80000000) % (1 << 32) - 0x80000000
        if total == 0:
            return root
        result = self.add(L.OP_ADD, root, self.constant(total))
        self.affine[result] = (root, total)
        return result

    def root(self, number: int) -> tuple[int, int]:
        constant = self.constant_of(number)
        if constant is not None:
            return -1, constant
        return self.affine.get(number, (number, 0))


class _Compiler:
    def __init__(self, block: Block, core: Core) -> None:
        self.block = block
        self.long_multiply = bool(core.multiply_long_cycles)
        self.plain = frozenset({"it", "nop"}) if core.skips_change_timing else PLAIN
        self.values = _Values()
        self.registers: list[int | None] = [None] * 16
        self.flags: int | None = None
        self.stores: list[tuple[int, int, int, int]] = []  # row, address value, size, stored value
        self.slots: list[FactSlot] = []
        self.facts: list[Row] = []
        self.simple: list[SimpleAccess] | None = []

    # --- operands --------------------------------------------------------------------------------------------------
    def register(self, number: int, instruction: Instruction) -> int:
        if number == PC:
            return self.values.constant(instruction.address + 4)
        value = self.registers[number]
        if value is None:
            value = self.registers[number] = self.values.add(L.OP_REGISTER, number)
        return value

    def unknown(self) -> int:
        return self.values.add(L.OP_IMMEDIATE, immediate=UNKNOWN_VALUE)

    def flags_now(self) -> int:
        if self.flags is None:
            self.flags = self.values.add(L.OP_FLAGS)
        return self.flags

    def operand(self, operand: Operand, instruction: Instruction) -> int:
        if operand.role == "immediate":
            return self.values.constant(operand.value)
        if operand.role != "register":
            return self.unknown()
        value = self.register(operand.value, instruction)
        if operand.shift in SHIFT_ROWS:
            amount = self.values.constant(operand.amount)
            if operand.shift_register >= 0:
                amount = self.register(operand.shift_register, instruction)
            elif operand.amount == 0:
                return value
            return self.values.add(SHIFT_ROWS[operand.shift], value, amount)
        return value if not operand.shift else self.unknown()

    # --- instructions ------------------------------------------------------------------------------------------------
    def compile(self) -> FactProgram:
        for number, instruction in enumerate(self.block.instructions):
            condition = self.condition(instruction)
            self.facts_of(number, instruction, condition)
            self.step(instruction, condition)
        return self.finish()

    def condition(self, instruction: Instruction) -> int:
        """Value number of the instruction's condition, -1 when it always executes."""
        if not instruction.in_it or instruction.condition >= ALWAYS:
            return -1
        return self.values.add(L.OP_CONDITION, self.flags_now(), -1, instruction.condition)

    def facts_of(self, number: int, instruction: Instruction, condition: int) -> None:
        if instruction.memory is not None:
            self.access_fact(number, instruction, instruction.memory, condition)
        elif instruction.mnemonic in ("udiv", "sdiv"):
            self.operand_fact(number, instruction, condition, L.OP_DIVIDE_CLASS, instruction.operands[-2:])
        elif self.long_multiply and instruction.mnemonic in ("umull", "smull", "umlal", "smlal"):
            self.operand_fact(number, instruction, condition, L.OP_MULTIPLY_CLASS, instruction.operands[-2:])
        elif condition >= 0 and instruction.mnemonic not in self.plain and instruction.branch is None:
            self.simple = None
            self.fact(FactSlot(number, L.OP_EXECUTED), (L.OP_EXECUTED, -1, -1, (condition + 1) << 8))

    def fact(self, slot: FactSlot, row: Row) -> None:
        self.slots.append(slot)
        self.facts.append(row)

    def access_fact(self, number: int, instruction: Instruction, memory: MemoryOperand, condition: int) -> None:
        address = self.address(instruction, memory)
        mask = address_mask(instruction)
        self.fact(FactSlot(number, L.OP_ACCESS, memory.count), (L.OP_ACCESS, address, -1, mask | (condition + 1) << 8))
        root, offset = self.values.root(address)
        if root == -1 and condition < 0:
            self.note_simple(SimpleAccess(-1, offset, mask, memory.size * memory.count))
        elif condition < 0 and self.values.rows[root][0] == L.OP_REGISTER:
            self.note_simple(SimpleAccess(self.values.rows[root][1], offset, mask, memory.size * memory.count))
        else:
            self.simple = None

    def note_simple(self, access: SimpleAccess) -> None:
        if self.simple is not None:
            self.simple.append(access)

    def operand_fact(self, number: int, instruction: Instruction, condition: int, op: int, pair: tuple) -> None:
        self.simple = None
        first, second = (self.operand(operand, instruction) for operand in pair)
        signed = int(instruction.mnemonic.startswith("s"))
        self.fact(FactSlot(number, op), (op, first, second, signed | (condition + 1) << 8))

    def address(self, instruction: Instruction, memory: MemoryOperand) -> int:
        if memory.base == PC:
            base = self.values.constant((instruction.address + 4) & ~3)
        else:
            base = self.register(memory.base, instruction)
        if memory.index >= 0:
            index = self.register(memory.index, instruction)
            if memory.shift:
                index = self.values.add(L.OP_SHIFT_LEFT, index, self.values.constant(memory.shift))
            base = self.values.add(L.OP_SUBTRACT if memory.subtract else L.OP_ADD, base, index)
        return self.values.offset(base, memory.offset)

    def step(self, instruction: Instruction, condition: int) -> None:
        """Update register values and flags by one instruction."""
        written: dict[int, int] = {}
        flags: int | None = None
        if instruction.memory is not None:
            written = self.memory_values(instruction, instruction.memory, condition)
        else:
            written, flags = self.alu_values(instruction)
        for register in range(15):
            if instruction.writes >> register & 1:
                self.assign(register, written.get(register, None), condition, instruction)
        if instruction.sets_flags:
            self.assign_flags(flags, condition)

    def assign(self, register: int, value: int | None, condition: int, instruction: Instruction) -> None:
        new = self.unknown() if value is None else value
        if condition >= 0:
            new = self.values.add(L.OP_SELECT, condition, new, self.register(register, instruction))
        self.registers[register] = new

    def assign_flags(self, flags: int | None, condition: int) -> None:
        new = self.unknown() if flags is None else flags
        if condition >= 0:
            new = self.values.add(L.OP_SELECT, condition, new, self.flags_now())
        self.flags = new

    # --- memory ------------------------------------------------------------------------------------------------------
    def memory_values(self, instruction: Instruction, memory: MemoryOperand, condition: int) -> dict[int, int]:
        written: dict[int, int] = {}
        first = self.address(instruction, memory)
        for number in range(memory.count):
            address = self.values.offset(first, number * memory.size)
            register = memory.registers[number] if number < len(memory.registers) else -1
            if memory.write:
                self.note_store(instruction, address, memory.size, register, condition)
            elif 0 <= register < 15:
                written[register] = self.load(address, memory)
        if memory.writeback and memory.base != PC and memory.base not in written:
            written[memory.base] = self.values.offset(self.register(memory.base, instruction), memory.writeback)
        return written

    def note_store(self, instruction: Instruction, address: int, size: int, register: int, condition: int) -> None:
        value = self.register(register, instruction) if register >= 0 else -1
        row = self.values.add(L.OP_STORE, address, value, size | (condition + 1) << 8, share=False)
        self.stores.append((row, address, size, value if condition < 0 else -1))

    def load(self, address: int, memory: MemoryOperand) -> int:
        """Value of a load: forwarded from an equal store, else read from memory past the stores that may overlap."""
        root, start = self.values.root(address)
        before: list[int] = []
        for row, stored, size, value in reversed(self.stores):
            store_root, store_start = self.values.root(stored)
            if store_root == root and (store_start >= start + memory.size or start >= store_start + size):
                continue
            if stored == address and size == memory.size == 4 and value >= 0 and not before:
                return value
            before.append(row)
        signed = 256 if memory.signed and memory.size < 4 else 0
        result = self.values.add(L.OP_LOAD, address, len(self.stores), memory.size | signed)
        self.values.needs[result] = tuple(before)
        return result

    # --- data processing ---------------------------------------------------------------------------------------------
    def alu_values(self, instruction: Instruction) -> tuple[dict[int, int], int | None]:
        name, operands = instruction.mnemonic, instruction.operands
        if name in COMPARES:
            first, second = (self.operand(operand, instruction) for operand in operands)
            return {}, self.values.add(COMPARES[name], first, second, -1)
        if name in TESTS:
            first, second = (self.operand(operand, instruction) for operand in operands)
            return {}, self.logic_flags(self.values.add(TESTS[name], first, second), instruction)
        if not operands or operands[0].role != "register":
            return {}, None
        if name in LONG_MULTIPLIES and len(operands) == 4:
            factors = [self.operand(operand, instruction) for operand in operands[2:]]
            low = self.values.add(L.OP_MULTIPLY, *factors)
            return {operands[0].value: low, operands[1].value: self.values.add(LONG_MULTIPLIES[name], *factors)}, None
        result, flags = self.result(instruction, operands)
        if result is None:
            return {}, None
        return {operands[0].value: result}, flags if instruction.sets_flags else None

    def result(self, instruction: Instruction, operands: tuple[Operand, ...]) -> tuple[int | None, int | None]:
        name, values = instruction.mnemonic, self.values
        sources = operands[1:] if len(operands) > 1 else operands
        if name == "mrs" and sources[-1].role == "special" and sources[-1].value in SPECIAL_REGISTERS:
            return values.add(L.OP_SPECIAL, immediate=SPECIAL_REGISTERS[sources[-1].value], share=False), None
        if name == "adr":
            return values.constant(operands[-1].value), None
        if name in ("mov", "movw"):
            value = self.operand(sources[0], instruction)
            return value, self.logic_flags(value, instruction) if instruction.sets_flags else None
        if name == "movt":
            low = values.add(L.OP_AND, self.register(operands[0].value, instruction), values.constant(0xFFFF))
            return values.add(L.OP_OR, low, values.constant(operands[-1].value << 16)), None
        if name == "mvn":
            value = values.add(L.OP_NOT, self.operand(sources[0], instruction), values.constant(0))
            return value, self.logic_flags(value, instruction) if instruction.sets_flags else None
        if name in EXTENDS:
            width, signed = EXTENDS[name]
            op = L.OP_SIGNED_FIELD if signed else L.OP_FIELD
            return values.add(op, self.operand(sources[-1], instruction), -1, width << 8), None
        if name in ("ubfx", "sbfx") and len(operands) == 4:
            op = L.OP_FIELD if name == "ubfx" else L.OP_SIGNED_FIELD
            value = self.operand(operands[1], instruction)
            return values.add(op, value, -1, operands[2].value | operands[3].value << 8), None
        if name == "clz":
            value = self.operand(sources[-1], instruction)
            return values.add(L.OP_LEADING_ZEROS, value, values.constant(0)), None
        if name == "rev":
            return values.add(L.OP_REVERSE, self.operand(sources[-1], instruction), values.constant(0)), None
        if name == "rrx":
            return self.rotated_through_carry(self.operand(sources[-1], instruction), instruction)
        if name in ("adc", "sbc"):
            return self.carry_result(instruction, operands)
        if name in SHIFT_ROWS:
            return self.shift_result(instruction, operands)
        if name in ALU_ROWS or name in ("rsb", "mla", "mls"):
            return self.two_operand_result(instruction, operands)
        return None, None

    @staticmethod
    def _signed(value: int) -> int:
        return value - (1 << 32) if value & 0x80000000 else value

    def rotated_through_carry(self, value: int, instruction: Instruction) -> tuple[int, int | None]:
        values, flags, one = self.values, self.flags_now(), self.values.constant(1)
        top = values.add(L.OP_SHIFT_LEFT, values.add(L.OP_FIELD, flags, -1, 1 | 1 << 8), values.constant(31))
        result = values.add(L.OP_OR, values.add(L.OP_SHIFT_RIGHT, value, one), top)
        if not instruction.sets_flags:
            return result, None
        return result, values.add(L.OP_FLAGS_LOGIC, result, values.add(L.OP_AND, value, one), flags)

    def carry_result(self, instruction: Instruction, operands: tuple[Operand, ...]) -> tuple[int, int | None]:
        values, flags = self.values, self.flags_now()
        first, second = (self.operand(operand, instruction) for operand in operands[-2:])
        adds = instruction.mnemonic == "adc"
        after = values.add(L.OP_FLAGS_ADD if adds else L.OP_FLAGS_SUBTRACT, first, second, flags)
        term = second if adds else values.add(L.OP_NOT, second, values.constant(0))
        carry = values.add(L.OP_FIELD, flags, -1, 1 | 1 << 8)
        result = values.add(L.OP_ADD, values.add(L.OP_ADD, first, term), carry)
        return result, after if instruction.sets_flags else None

    def shift_result(self, instruction: Instruction, operands: tuple[Operand, ...]) -> tuple[int, int | None]:
        op = SHIFT_ROWS[instruction.mnemonic]
        source, amount = (operands[1], operands[2]) if len(operands) == 3 else (operands[0], operands[1])
        value, count = self.operand(source, instruction), self.operand(amount, instruction)
        result = self.values.add(op, value, count)
        if not instruction.sets_flags:
            return result, None
        return result, self.values.add(L.OP_FLAGS_LOGIC, result, self.shift_carry(op, value, count), self.flags_now())

    def shift_carry(self, op: int, value: int, count: int) -> int:
        """Carry of a shift by the value ``count``; by 0 the carry stays."""
        return self.values.add(L.OP_CARRY_SHIFT, value, count, op)

    def two_operand_result(self, instruction: Instruction, operands: tuple[Operand, ...]) -> tuple[int | None, int | None]:
        name, values = instruction.mnemonic, self.values
        if name in ("mla", "mls"):
            product = values.add(L.OP_MULTIPLY, *(self.operand(operand, instruction) for operand in operands[1:3]))
            total = self.operand(operands[3], instruction)
            pair = (total, product)
            return values.add(L.OP_ADD if name == "mla" else L.OP_SUBTRACT, *pair), None
        left, right = (operands[1], operands[2]) if len(operands) == 3 else (operands[0], operands[1])
        first, second = self.operand(left, instruction), self.operand(right, instruction)
        if name == "rsb":
            first, second, name = second, first, "sub"
        flags = None
        if instruction.sets_flags:
            flags = self.arithmetic_flags(name, first, second)
        constant = values.constant_of(second)
        if constant is not None and name in ("add", "addw"):
            return values.offset(first, self._signed(constant)), flags
        if constant is not None and name in ("sub", "subw"):
            return values.offset(first, -self._signed(constant)), flags
        result = values.add(ALU_ROWS[name], first, second)
        if instruction.sets_flags and flags is None:
            flags = self.logic_flags(result, instruction)
        return result, flags

    def arithmetic_flags(self, name: str, first: int, second: int) -> int | None:
        if name == "add":
            return self.values.add(L.OP_FLAGS_ADD, first, second, -1)
        if name == "sub":
            return self.values.add(L.OP_FLAGS_SUBTRACT, first, second, -1)
        return None

    def logic_flags(self, result: int, instruction: Instruction) -> int:
        """Flags of a logical result: the carry comes from the shifter or from the expanded constant."""
        last = instruction.operands[-1]
        carry = -1
        if last.role == "register" and last.shift in SHIFT_ROWS:
            value = self.register(last.value, instruction)
            amount = self.values.constant(last.amount)
            if last.shift_register >= 0:
                amount = self.register(last.shift_register, instruction)
            carry = self.shift_carry(SHIFT_ROWS[last.shift], value, amount)
        elif last.role == "register" and last.shift:
            carry = self.values.constant(CARRY_UNKNOWN)
        elif last.role == "immediate" and is_rotated_constant(last.value & 0xFFFFFFFF):
            carry = self.values.constant(last.value >> 31 & 1)
        return self.values.add(L.OP_FLAGS_LOGIC, result, carry, self.flags_now())

    # --- assembling ----------------------------------------------------------------------------------------------------
    def finish(self) -> FactProgram:
        needed = self.needed()
        order = sorted(needed)
        if len(order) > L.VALUES_MAX or len(self.slots) > L.FACTS_MAX:
            where = f"the block at {self.block.address:#010x}"
            raise McusimError(f"{where} depends on {len(order)} values at its entry; at most {L.VALUES_MAX} can be followed")
        slot = {number: place for place, number in enumerate(order)}
        rows = [self.renumbered(self.values.rows[number], slot[number], slot) for number in order]
        for place, row in enumerate(self.facts):
            rows.append(self.renumbered(row, place, slot))
        rows.append((L.OP_END, 0, 0, 0, 0))
        simple = tuple(self.simple) if self.simple is not None else None
        return FactProgram(_rows(rows), tuple(self.slots), simple)

    def needed(self) -> set[int]:
        waiting = [operand for row in self.facts for operand in self.operands_of(row)]
        needed: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in needed:
                continue
            needed.add(number)
            waiting += self.operands_of(self.values.rows[number])
            waiting += self.values.needs.get(number, ())
        return needed

    @staticmethod
    def operands_of(row: Row) -> list[int]:
        """Numbers of the values a row reads."""
        op, first, second, immediate = row
        operands = [first] if op not in LEAVES else []
        if op not in (L.OP_LOAD, *LEAVES):
            operands.append(second)
        if op in (L.OP_SELECT, L.OP_FLAGS_ADD, L.OP_FLAGS_SUBTRACT, L.OP_FLAGS_LOGIC):
            operands.append(immediate)
        if op in CONDITIONAL_ROWS:
            operands.append((immediate >> 8) - 1)
        return [operand for operand in operands if operand >= 0]

    def renumbered(self, row: Row, destination: int, slot: dict[int, int]) -> tuple[int, int, int, int, int]:
        op, first, second, immediate = row
        if op not in LEAVES and first >= 0:
            first = slot[first]
        if op not in (L.OP_LOAD, *LEAVES) and second >= 0:
            second = slot[second]
        if op in (L.OP_SELECT, L.OP_FLAGS_ADD, L.OP_FLAGS_SUBTRACT, L.OP_FLAGS_LOGIC) and immediate >= 0:
            immediate = slot[immediate]
        if op in CONDITIONAL_ROWS and immediate >> 8:
            immediate = (immediate & 255) | (slot[(immediate >> 8) - 1] + 1) << 8
        return op, destination, first, second, immediate


def _rows(rows: list[tuple[int, int, int, int, int]]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


def is_rotated_constant(value: int) -> bool:
    """True for a modified immediate made by rotation, which sets the carry to bit 31 (ThumbExpandImm_C, Armv7-M ARM A5.3.2)."""
    low, high = value & 0xFF, value >> 8 & 0xFF
    repeated = (low, low << 16 | low, high << 24 | high << 8, low * 0x01010101)
    return value not in repeated


def compile_facts(block: Block, core: Core) -> FactProgram:
    """The fact program of ``block`` on ``core``."""
    return _Compiler(block, core).compile()


def address_mask(instruction: Instruction) -> int:
    """Low address bits that tell an unaligned access: size - 1, word for multiples."""
    memory = instruction.memory
    return 0 if memory is None else (min(memory.size, 4) - 1 if memory.count == 1 else 3)
