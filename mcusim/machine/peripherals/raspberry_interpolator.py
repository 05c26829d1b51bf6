"""Interpolators of the RP chips' SIO: shift, mask, sign, add; blend and clamp.

Sources: RP2040 Datasheet 2.3.1.6; RP2350 Datasheet 3.1.10 (there the shift is a rotation).
"""

from __future__ import annotations

WORD = 0xFFFFFFFF
ACCUMULATORS, BASES, POPS, PEEKS, CONTROLS, ADDS, BOTH_BASES = 0x00, 0x08, 0x14, 0x20, 0x2C, 0x34, 0x3C
SIGNED, CROSS_INPUT, CROSS_RESULT, ADD_RAW, BLEND, CLAMP = (1 << bit for bit in (15, 16, 17, 18, 21, 22))
FULL = 2


def signed(word: int, bits: int = 32) -> int:
    """The low ``bits`` of ``word`` as a signed number."""
    word &= (1 << bits) - 1
    return word - (1 << bits) if word >> (bits - 1) else word


class Interpolator:
    """One interpolator. ``rotates``: the shift is a rotation; ``blends``, ``clamps``: the special mode that this one has."""

    def __init__(self, rotates: bool, blends: bool) -> None:
        self.rotates = rotates
        self.special = BLEND if blends else CLAMP
        self.accumulators, self.bases, self.controls = [0, 0], [0, 0, 0], [0, 0]

    def read(self, offset: int) -> int:
        if offset < BASES:
            return self.accumulators[offset // 4]
        if offset < POPS:
            return self.bases[(offset - BASES) // 4]
        if offset < CONTROLS:
            return self._result((offset - POPS) // 4 % 3, offset < PEEKS)
        if offset < ADDS:
            lane = (offset - CONTROLS) // 4
            return self.controls[lane] | (0 if lane else self._overflows())
        return self._masked((offset - ADDS) // 4) & WORD if offset < BOTH_BASES else 0

    def write(self, offset: int, value: int) -> None:
        if offset < BASES:
            self.accumulators[offset // 4] = value
        elif offset < POPS:
            self.bases[(offset - BASES) // 4] = value
        elif CONTROLS <= offset < ADDS:
            lane = (offset - CONTROLS) // 4
            self.controls[lane] = value & (0x1FFFFF | (0 if lane else self.special))
        elif ADDS <= offset < BOTH_BASES:
            lane = (offset - ADDS) // 4
            self.accumulators[lane] = (self.accumulators[lane] + value) & WORD
        elif offset == BOTH_BASES:
            for lane in (0, 1):
                half = value >> 16 * lane & 0xFFFF
                self.bases[lane] = signed(half, 16) & WORD if self.controls[lane] & SIGNED else half

    def _input(self, lane: int) -> int:
        return self.accumulators[lane ^ bool(self.controls[lane] & CROSS_INPUT)]

    def _shifted(self, lane: int) -> int:
        word, shift = self._input(lane), self.controls[lane] & 0x1F
        return (word >> shift | (word << (32 - shift) & WORD if self.rotates else 0)) & WORD

    def _masked(self, lane: int) -> int:
        """The shifted and masked input, signed where the lane says so."""
        control = self.controls[lane]
        low, high = control >> 5 & 0x1F, control >> 10 & 0x1F
        word = self._shifted(lane) & (2 << high) - 1 & ~((1 << low) - 1)
        return signed(word, high + 1) if control & SIGNED else word

    def _overflows(self) -> int:
        """OVERF0, OVERF1 and OVERF: bits of the shifted input above the mask."""
        over = [self._shifted(lane) >> (self.controls[lane] >> 10 & 0x1F) >> 1 != 0 for lane in (0, 1)]
        return over[0] << 23 | over[1] << 24 | any(over) << 25

    def _lanes(self) -> list[int]:
        """Results of lane 0, lane 1, and the full one."""
        masked = [self._masked(0), self._masked(1)]
        sums = [self.bases[lane] + (self._input(lane) if self.controls[lane] & ADD_RAW else masked[lane]) for lane in (0, 1)]
        mode = self.controls[0] & self.special
        if mode == BLEND:
            return [masked[1] & 0xFF, self._blend(masked[1] & 0xFF), self.bases[2] + masked[0]]
        if mode == CLAMP:
            sums[0] = self._clamp(masked[0])
        return [*sums, self.bases[2] + sum(masked)]

    def _blend(self, alpha: int) -> int:
        first, last = (signed(base) if self.controls[1] & SIGNED else base for base in self.bases[:2])
        return first + (alpha * (last - first) >> 8)

    def _clamp(self, value: int) -> int:
        low, high = (signed(base) if self.controls[0] & SIGNED else base for base in self.bases[:2])
        return low if value < low else min(value, high)

    def _result(self, which: int, pop: bool) -> int:
        results = [value & WORD for value in self._lanes()]
        if pop:
            crossed = [control & CROSS_RESULT for control in self.controls]
            self.accumulators = [results[1] if crossed[0] else results[0], results[0] if crossed[1] else results[1]]
        forced = 0 if which == FULL else (self.controls[which] >> 19 & 3) << 28
        return results[which] | forced
