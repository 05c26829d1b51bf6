"""How many bus transfers an access takes."""

from __future__ import annotations


def extra_transfers(size: int, misalignment: int) -> int:
    """Further bus transfers of an unaligned access (M4-TRM 3.3.2): halfword at an odd byte 1, word 1 or, at an odd
    byte, 2."""
    if size == 2:
        return misalignment & 1
    if size == 4 and misalignment & 3:
        return 2 if misalignment & 1 else 1
    return 0
