"""Native evaluation of fact programs: what a block will touch, known from the registers at its entry.

The slow twin is ``mcusim.machine.reference``, which steps every instruction and looks.
"""

from __future__ import annotations

from mcusim.machine.compiled import native
from mcusim.machine.layout import (
    DIVIDE_TABLE,
    ENGINE,
    FACTS,
    MULTIPLY_TABLE,
    OP_ACCESS,
    OP_ADD,
    OP_AND,
    OP_CARRY_SHIFT,
    OP_CLEAR,
    OP_CODE,
    OP_CONDITION,
    OP_DIVIDE,
    OP_DIVIDE_CLASS,
    OP_DIVIDE_SIGNED,
    OP_END,
    OP_EXECUTED,
    OP_FIELD,
    OP_FLAGS,
    OP_FLAGS_ADD,
    OP_FLAGS_LOGIC,
    OP_FLAGS_SUBTRACT,
    OP_IMMEDIATE,
    OP_LEADING_ZEROS,
    OP_LOAD,
    OP_MULTIPLY,
    OP_MULTIPLY_CLASS,
    OP_MULTIPLY_HIGH,
    OP_MULTIPLY_HIGH_SIGNED,
    OP_NOT,
    OP_OR,
    OP_REGISTER,
    OP_REVERSE,
    OP_SELECT,
    OP_SHIFT_ARITHMETIC,
    OP_SHIFT_LEFT,
    OP_SHIFT_RIGHT,
    OP_SIGNED_FIELD,
    OP_SPECIAL,
    OP_STORE,
    OP_SUBTRACT,
    OP_XOR,
    OVERLAY_MAX,
    PROGRAM_KEY,
    REG_READ,
    REGION_COUNT,
    REGION_END,
    REGION_HOST,
    REGION_INDEX,
    REGION_START,
    REGION_WORDS,
    REGIONS,
    REGISTERS,
    ROW_WORDS,
    SCRATCH,
    UNKNOWN_FACTS,
    VALUES_MAX,
)
from mcusim.machine.memory_access import (
    call_register_read,
    load_u8,
    load_u16,
    load_u32,
    load_word,
    store_word,
)

MASK = 0xFFFFFFFF
UNKNOWN = -1
UNKNOWN_REGION = 60
APSR = 1  # UC_ARM_REG_APSR
CARRY_LOST = 16
"""Bit of a flags value: C is not known (conditions HS, LO, HI and LS cannot be told)."""
KEY_FACTOR = 0x1E3779B97F4A7C15


@native
def find_region(state, address):
    """Row address of the region that holds ``address``, else 0."""
    row = load_word(state + REGIONS * 8)
    for _ in range(load_word(state + REGION_COUNT * 8)):
        if load_word(row + REGION_START * 8) <= address < load_word(row + REGION_END * 8):
            return row
        row += REGION_WORDS * 8
    return 0


@native
def read_guest(state, address, size):
    """Little-endian value of ``size`` bytes of guest memory, or UNKNOWN where no plain memory is."""
    row = find_region(state, address)
    if row == 0 or load_word(row + REGION_HOST * 8) == 0 or address + size > load_word(row + REGION_END * 8):
        return UNKNOWN
    host = load_word(row + REGION_HOST * 8) + address - load_word(row + REGION_START * 8)
    if size == 4:
        return load_u32(host)
    if size == 2:
        return load_u16(host)
    return load_u8(host)


@native
def overlaid_byte(state, overlay, stores, address):
    """One byte of memory as the block's own earlier stores leave it."""
    for number in range(stores - 1, -1, -1):
        entry = overlay + number * 24
        start, width, value = load_word(entry), load_word(entry + 8), load_word(entry + 16)
        if start < 0:
            return UNKNOWN
        if start <= address < start + width:
            return UNKNOWN if value < 0 else (value >> 8 * (address - start)) & 0xFF
    return read_guest(state, address, 1)


@native
def read_overlaid(state, overlay, stores, address, size):
    """As read_guest, with the block's own earlier stores laid over memory."""
    meets = False
    for number in range(stores):
        entry = overlay + number * 24
        start, width = load_word(entry), load_word(entry + 8)
        meets |= start < 0 or (start < address + size and address < start + width)
    if not meets:
        return read_guest(state, address, size)
    value = 0
    for place in range(size):
        byte = overlaid_byte(state, overlay, stores, address + place)
        if byte < 0:
            return UNKNOWN
        value |= byte << 8 * place
    return value


@native
def lay_store(values, overlay, stores, first, second, size):
    """Lay a store over memory; returns the number of stores. With no room left, nothing after it is known."""
    if stores >= OVERLAY_MAX:
        store_word(overlay, -1)
        return stores
    value = UNKNOWN if second < 0 else load_word(values + second * 8)
    if value >= 0 and size < 4:
        value &= (1 << size * 8) - 1
    store_word(overlay + stores * 24, load_word(values + first * 8))
    store_word(overlay + stores * 24 + 8, size)
    store_word(overlay + stores * 24 + 16, value)
    return stores + 1


@native
def significant_bits(value):
    """Number of bits up to the highest set one."""
    bits = 0
    while value:
        value >>= 1
        bits += 1
    return bits


@native
def shifted(operation, value, amount):
    """Result of a Thumb shift by 0..255, value and result unsigned 32 bits."""
    if operation == OP_SHIFT_LEFT:
        return (value << amount) & MASK if amount < 32 else 0
    if operation == OP_SHIFT_RIGHT:
        return value >> amount if amount < 32 else 0
    if operation == OP_SHIFT_ARITHMETIC:
        signed = value - ((value & 0x80000000) << 1)
        return (signed >> min(amount, 31)) & MASK
    amount &= 31
    return ((value >> amount) | (value << (32 - amount))) & MASK


@native
def carry_out(operation, value, amount):
    """Carry of a shift by 1..32."""
    if operation == OP_SHIFT_LEFT:
        return (value >> (32 - amount)) & 1 if amount <= 32 else 0
    if operation == OP_SHIFT_RIGHT:
        return (value >> (amount - 1)) & 1 if amount <= 32 else 0
    if operation == OP_SHIFT_ARITHMETIC:
        return (value >> min(amount - 1, 31)) & 1
    return (value >> ((amount - 1) & 31)) & 1


@native
def add_flags(a, b, carry):
    """NZCV (bits 3..0) of a + b + carry."""
    total = a + b + carry
    result = total & MASK
    overflow = ((a ^ result) & (b ^ result)) >> 31 & 1
    return (result >> 31) << 3 | (result == 0) << 2 | (total >> 32) << 1 | overflow


@native
def holds(flags, condition):
    """1 when ``condition`` (Arm encoding) holds for NZCV ``flags``."""
    n, z, c, v = flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1
    group = condition >> 1
    if group == 0:
        result = z
    elif group == 1:
        result = c
    elif group == 2:
        result = n
    elif group == 3:
        result = v
    elif group == 4:
        result = c & (1 - z)
    elif group == 5:
        result = 1 - (n ^ v)
    elif group == 6:
        result = (1 - z) & (1 - (n ^ v))
    else:
        return 1
    return result ^ (condition & 1)


@native
def multiply_high(a, b):
    """Upper 32 bits of the unsigned product."""
    low = (a & 0xFFFF) * b
    high = (a >> 16) * b
    return (high + (low >> 16)) >> 16 & MASK


@native
def arithmetic(op, a, b):
    """Value of a two-operand row."""
    if a < 0 or b < 0:
        return UNKNOWN
    if op == OP_ADD:
        return (a + b) & MASK
    if op == OP_SUBTRACT:
        return (a - b) & MASK
    if op == OP_AND:
        return a & b
    if op == OP_OR:
        return a | b
    if op == OP_XOR:
        return a ^ b
    if op == OP_CLEAR:
        return a & (b ^ MASK)
    if op == OP_NOT:
        return a ^ MASK
    if op == OP_MULTIPLY:
        return (a * b) & MASK
    if op == OP_DIVIDE:
        return a // b if b else 0
    if op == OP_DIVIDE_SIGNED:
        return divide_signed(a, b)
    if op == OP_MULTIPLY_HIGH:
        return multiply_high(a, b)
    if op == OP_MULTIPLY_HIGH_SIGNED:
        high = multiply_high(a, b) - (b if a >> 31 else 0) - (a if b >> 31 else 0)
        return high & MASK
    if op == OP_REVERSE:
        return (a & 0xFF) << 24 | (a & 0xFF00) << 8 | (a >> 8) & 0xFF00 | a >> 24
    if op == OP_LEADING_ZEROS:
        return 32 - significant_bits(a)
    return shifted(op, a, b & 255)


@native
def magnitude(value):
    """Absolute value of a 32-bit two's-complement number."""
    return (MASK + 1 - value) & MASK if value & 0x80000000 else value


@native
def divide_signed(a, b):
    """SDIV: towards zero, 0 for a zero divisor."""
    if b == 0:
        return 0
    quotient = magnitude(a) // magnitude(b)
    return quotient if (a ^ b) & 0x80000000 == 0 else (MASK + 1 - quotient) & MASK


@native
def field(value, immediate, signed):
    """Bit field: immediate = lsb | width << 8."""
    if value < 0:
        return UNKNOWN
    lsb, width = immediate & 255, immediate >> 8
    result = (value >> lsb) & ((1 << width) - 1)
    if signed and result >> (width - 1):
        result |= MASK ^ ((1 << width) - 1)
    return result & MASK


@native
def operand_class(state, table, a, b, signed):
    """Cycles of an operand-dependent instruction from a 34 x 34 table over significant bits."""
    if a < 0 or b < 0:
        store_word(state + UNKNOWN_FACTS * 8, load_word(state + UNKNOWN_FACTS * 8) + 1)
        a, b = MASK, 1
    if signed:
        a, b = magnitude(a), magnitude(b)
    base = load_word(state + table * 8)
    return load_word(base + (significant_bits(a) * 34 + significant_bits(b)) * 8)


@native
def access_class(state, address, mask):
    """1 + 8 x region + the low address bits that matter."""
    if address < 0:
        store_word(state + UNKNOWN_FACTS * 8, load_word(state + UNKNOWN_FACTS * 8) + 1)
        return 1 + 8 * UNKNOWN_REGION
    row = find_region(state, address)
    region = load_word(row + REGION_INDEX * 8) if row else UNKNOWN_REGION
    return 1 + 8 * region + (address & mask)


@native
def logic_flags(result, carry, before):
    """NZCV after a flag-setting logical operation."""
    if result < 0:
        return UNKNOWN
    if before < 0:
        before = CARRY_LOST
    if carry == 2:
        before |= CARRY_LOST
    elif carry >= 0:
        before = (before & 1) | carry << 1
    return (result >> 31) << 3 | (result == 0) << 2 | (before & (CARRY_LOST | 3))


@native
def flags_row(state, values, op, first, second, immediate):
    """NZCV of a flags row."""
    if op == OP_FLAGS_LOGIC:
        carry = load_word(values + second * 8) if second >= 0 else -1
        before = load_word(values + immediate * 8) if immediate >= 0 else 0
        return logic_flags(load_word(values + first * 8), carry, before)
    a, b = load_word(values + first * 8), load_word(values + second * 8)
    if a < 0 or b < 0:
        return UNKNOWN
    carry = op == OP_FLAGS_SUBTRACT
    if immediate >= 0:
        carry = load_word(values + immediate * 8) >> 1 & 1
    return add_flags(a, b ^ MASK if op == OP_FLAGS_SUBTRACT else b, carry)


@native
def condition_row(state, flags, condition):
    """1 when the condition holds, or cannot be told."""
    if flags >= 0 and flags & CARRY_LOST and (condition >> 1 == 1 or condition >> 1 == 4):
        flags = UNKNOWN
    if flags < 0:
        store_word(state + UNKNOWN_FACTS * 8, load_word(state + UNKNOWN_FACTS * 8) + 1)
        return 1
    return holds(flags, condition)


@native
def special_row(state, register, pointer):
    """A register that only the engine can read."""
    call_register_read(load_word(state + REG_READ * 8), load_word(state + ENGINE * 8), register, pointer)
    return load_u32(pointer)


@native
def carry_row(values, first, second, immediate):
    """Carry of a shift by a value: -1 keeps the carry before, 2 is unknown."""
    a, amount = load_word(values + first * 8), load_word(values + second * 8)
    if a < 0 or amount < 0:
        return 2
    return carry_out(immediate, a, amount & 255) if amount & 255 else -1


@native
def load_row(state, overlay, stores, address, immediate):
    """Value of a load as the block sees it."""
    if address < 0:
        return UNKNOWN
    size = immediate & 255
    value = read_guest(state, address, size) if stores == 0 else read_overlaid(state, overlay, stores, address, size)
    return field(value, size * 8 << 8, True) if immediate >> 8 and value >= 0 else value


@native
def evaluate(state, program):
    """Run a fact program at block entry; leaves the classes in FACTS and returns their key."""
    values = load_word(state + SCRATCH * 8)
    overlay = values + VALUES_MAX * 8
    facts = load_word(state + FACTS * 8)
    registers = load_word(state + REGISTERS * 8)
    key, stores = 1, 0
    while True:
        op = load_word(program)
        if op == OP_END:
            break
        place = values + load_word(program + 8) * 8
        first, second, immediate = load_word(program + 16), load_word(program + 24), load_word(program + 32)
        program += ROW_WORDS * 8
        if op == OP_REGISTER:
            store_word(place, load_u32(registers + first * 4))
        elif op == OP_IMMEDIATE:
            store_word(place, immediate)
        elif op == OP_ADD:
            a, b = load_word(values + first * 8), load_word(values + second * 8)
            store_word(place, (a + b) & MASK if a >= 0 and b >= 0 else UNKNOWN)
        elif op == OP_LOAD:
            store_word(place, load_row(state, overlay, stores, load_word(values + first * 8), immediate))
        elif op in (OP_ACCESS, OP_EXECUTED, OP_DIVIDE_CLASS, OP_MULTIPLY_CLASS, OP_CODE):
            fact = fact_class(state, values, op, first, second, immediate)
            if op != OP_CODE:
                store_word(facts + (place - values), fact)
            key = key * KEY_FACTOR + fact + 1
        elif op in (OP_FLAGS_ADD, OP_FLAGS_SUBTRACT, OP_FLAGS_LOGIC):
            store_word(place, flags_row(state, values, op, first, second, immediate))
        elif op == OP_CONDITION:
            store_word(place, condition_row(state, load_word(values + first * 8), immediate))
        elif op == OP_SELECT:
            chosen = second if load_word(values + first * 8) else immediate
            store_word(place, load_word(values + chosen * 8))
        elif op in (OP_FIELD, OP_SIGNED_FIELD):
            store_word(place, field(load_word(values + first * 8), immediate, op == OP_SIGNED_FIELD))
        elif op == OP_STORE:
            condition = (immediate >> 8) - 1
            if condition < 0 or load_word(values + condition * 8) != 0:
                stores = lay_store(values, overlay, stores, first, second, immediate & 255)
        elif op == OP_FLAGS:
            store_word(place, special_row(state, APSR, place) >> 28)
        elif op == OP_SPECIAL:
            store_word(place, special_row(state, immediate, place))
        elif op == OP_CARRY_SHIFT:
            store_word(place, carry_row(values, first, second, immediate))
        else:
            store_word(place, arithmetic(op, load_word(values + first * 8), load_word(values + second * 8)))
    store_word(state + PROGRAM_KEY * 8, key)
    return key


@native
def fact_class(state, values, op, first, second, immediate):
    """Class of one fact row; ``immediate`` >> 8 - 1 is the slot of its condition, -1 for always."""
    if op == OP_CODE:
        return read_guest(state, immediate, 4)
    condition = (immediate >> 8) - 1
    if condition >= 0 and load_word(values + condition * 8) == 0:
        return 0
    if op == OP_EXECUTED:
        return 1
    if op == OP_ACCESS:
        return access_class(state, load_word(values + first * 8), immediate & 255)
    a, b = load_word(values + first * 8), load_word(values + second * 8)
    table = DIVIDE_TABLE if op == OP_DIVIDE_CLASS else MULTIPLY_TABLE
    return operand_class(state, table, a, b, immediate & 1)
