"""Tables of operand-dependent cycles, indexed by significant bits of magnitudes."""

from __future__ import annotations

from collections.abc import Callable

from mcusim.cores.core import TABLE_SIZE, Table


def square(cycles: Callable[[int, int], int]) -> Table:
    """Table of ``cycles(bits of the first operand, bits of the second)``."""
    return tuple(tuple(cycles(first, second) for second in range(TABLE_SIZE)) for first in range(TABLE_SIZE))


def early_termination(dividend_bits: int, divisor_bits: int) -> int:
    """Cycles of SDIV and UDIV on M3 and M4, 2..12.

    Any operand 0: 2; dividend shorter than divisor: 3; otherwise by the difference d in bits (measured:
    compendium.i-0.nl, "Division timing", which prints its closed form as an image only). Four quotient bits per cycle
    and the ceiling of 12 at d = 31 (M4-TRM Table 3-1) leave two fits, 4 + ceil(d/4) and 5 + floor(d/4). The second is
    taken: it is four cycles plus one for each four bits of a quotient of d + 1 bits.  # unverified on silicon
    """
    if dividend_bits == 0 or divisor_bits == 0:
        return 2
    if dividend_bits < divisor_bits:
        return 3
    return min(12, 5 + (dividend_bits - divisor_bits) // 4)


def long_multiply_m3(first_bits: int, second_bits: int) -> int:
    """Cycles of UMULL and SMULL on M3, 3..5 by size of the operands (M3-TRM Table 18-1 prints the range only).

    An operand of 0: 3; one that fits in 16 bits: 4; otherwise 5.  # unverified on silicon
    """
    if first_bits == 0 or second_bits == 0:
        return 3
    return 4 if min(first_bits, second_bits) <= 16 else 5
