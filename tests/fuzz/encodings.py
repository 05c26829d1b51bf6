"""Random Thumb instructions: patterns of the Armv7-M and Armv8-M Mainline ARM, chapter A5, with random bits for ``x``."""

from __future__ import annotations

import random

NARROW = (
    "000xxxxxxxxxxxxx", "001xxxxxxxxxxxxx", "010000xxxxxxxxxx", "010001xxxxxxxxxx", "01001xxxxxxxxxxx", "0101xxxxxxxxxxxx",
    "011xxxxxxxxxxxxx", "100xxxxxxxxxxxxx", "1010xxxxxxxxxxxx", "1011xxxxxxxxxxxx", "1100xxxxxxxxxxxx", "1101xxxxxxxxxxxx",
)  # fmt: skip
FORWARD = ("1101xxxx000xxxxx", "11100000000xxxxx", "101100x1000xxxxx", "101110x1000xxxxx")
"""Conditional and unconditional branches and CBZ, CBNZ over at most 64 bytes forward."""
BACKWARD = ("1101xxxx1111xxxx", "111001111111xxxx")
WIDE = (
    "1110100xx0xxxxxxxxxxxxxxxxxxxxxx",  # LDM, STM
    "1110100xx1xxxxxxxxxxxxxxxxxxxxxx",  # LDRD, STRD, exclusives, TBB, TBH, acquire and release
    "111010001101xxxx11110000000xxxxx",  # TBB, TBH
    "111010000101xxxxxxxx1111xxxxxxxx",  # LDREX
    "111010000100xxxxxxxxxxxxxxxxxxxx",  # STREX
    "1110101xxxxxxxxxxxxxxxxxxxxxxxxx",  # shifted register
    "11101100xxxxxxxxxxxx101xxxxxxxxx",  # VLDM, VSTM, VPUSH, VPOP
    "11101101xxxxxxxxxxxx101xxxxxxxxx",  # VLDR, VSTR
    "11101110xxxxxxxxxxxx101xxxx0xxxx",  # VFP arithmetic
    "11101110xxxxxxxxxxxx101xxxx1xxxx",  # VFP transfers, VMSR, VMRS
    "11101110xxxxxxxxxxxxxxxxxxxxxxxx",  # CDP, MRC, MCR
    "1110110xxxxxxxxxxxxxxxxxxxxxxxxx",  # LDC, STC, MRRC, MCRR
    "11110x0xxxxxxxxx0xxxxxxxxxxxxxxx",  # modified immediate
    "11110x1xxxxxxxxx0xxxxxxxxxxxxxxx",  # plain immediate
    "11110xxxxxxxxxxx1xxxxxxxxxxxxxxx",  # branches and miscellaneous control
    "111100111000xxxx10001xxxxxxxxxxx",  # MSR
    "111100111110111110xxxxxxxxxxxxxx",  # MRS
    "111100111011111110001111xxxxxxxx",  # barriers, CLREX
    "111100111010111110000xxxxxxxxxxx",  # hints, CPS
    "11111000xxxxxxxxxxxxxxxxxxxxxxxx",  # single loads and stores
    "11111001xxxxxxxxxxxxxxxxxxxxxxxx",  # signed loads
    "11111010xxxxxxxxxxxxxxxxxxxxxxxx",  # shifts by register, parallel arithmetic
    "11111011xxxxxxxxxxxxxxxxxxxxxxxx",  # multiply, divide
    "11111110xxxxxxxxxxxx101xxxxxxxxx",  # VSEL, VMAXNM, VRINT
    "1111110xxxxxxxxxxxxxxxxxxxxxxxxx",  # coprocessor 2
)
IT = "10111111xxxxxxxx"
"""IT of every shape, and the hints (NOP, YIELD, WFE, WFI, SEV) where the mask is zero."""


def fill(pattern: str, chance: random.Random) -> int:
    """A value of ``pattern`` with random bits for ``x``."""
    bits = "".join(str(chance.getrandbits(1)) if bit == "x" else bit for bit in pattern)
    return int(bits, 2)


def halfwords(pattern: str, chance: random.Random) -> bytes:
    """An instruction of ``pattern`` as it lies in memory."""
    value = fill(pattern, chance)
    if len(pattern) == 16:
        return value.to_bytes(2, "little")
    return (value >> 16).to_bytes(2, "little") + (value & 0xFFFF).to_bytes(2, "little")


def instruction(chance: random.Random) -> bytes:
    """Any instruction, half of them 16 bits wide; now and then no instruction at all."""
    choice = chance.random()
    if choice < 0.02:
        return chance.randbytes(2)
    if choice < 0.10:
        return halfwords(chance.choice(FORWARD), chance)
    if choice < 0.12:
        return halfwords(chance.choice(BACKWARD), chance)
    return halfwords(chance.choice(NARROW if choice < 0.55 else WIDE), chance)
