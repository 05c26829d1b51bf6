"""What would be otherwise: a clock, memory timing and places of data that a run assumes, without touching the firmware."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Move:
    """Code and data from ``start`` up to ``end`` answer as the board's memory ``region`` does."""

    start: int
    end: int
    region: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Assumptions of a run, from reset on, over what the firmware programs. None, False and empty assume nothing.

    ``clock_hertz``: the core runs at that rate; buses keep their ratio to it and peripherals their rate in hertz.
    ``wait_states`` of the flash; ``fewest_wait_states``: no more than its clock needs by the board's table, and with
    ``clock_hertz`` as many as that needs, its bus divided until the flash can follow. ``caches`` of the core and in front
    of flash, and ``prefetch`` of the flash, are on or off. ``placement`` pairs a memory with the one that it answers
    like; ``moves``: parts of memories that lie elsewhere. ``aligned``: no access is misaligned.
    """

    clock_hertz: int | None = None
    wait_states: int | None = None
    caches: bool | None = None
    prefetch: bool | None = None
    placement: tuple[tuple[str, str], ...] = ()
    fewest_wait_states: bool = False
    moves: tuple[Move, ...] = ()
    aligned: bool = False

    def assumes(self, name: str) -> bool:
        """True where the field ``name`` holds an assumption."""
        return bool(getattr(self, name) != getattr(AS_IT_IS, name))

    def and_also(self, other: WhatIf) -> WhatIf:
        """Both at once; where they differ, ``other`` counts."""
        chosen = {each.name: getattr(other if other.assumes(each.name) else self, each.name) for each in fields(self)}
        chosen |= {name: getattr(self, name) + getattr(other, name) for name in ("placement", "moves")}
        return WhatIf(**chosen)

    def described(self) -> list[str]:
        """Each assumption in words."""
        switch = {True: "on", False: "off"}
        found = []
        if self.clock_hertz is not None:
            found.append(f"a core clock of {self.clock_hertz:,} Hz")
        if self.wait_states is not None:
            found.append(f"{self.wait_states} wait states of the flash")
        if self.fewest_wait_states:
            found.append("the fewest wait states of the flash")
        if self.caches is not None:
            found.append(f"caches {switch[self.caches]}")
        if self.prefetch is not None:
            found.append(f"prefetch {switch[self.prefetch]}")
        found += [f"memory {name} as fast as {other}" for name, other in self.placement]
        found += [f"0x{move.start:08x}..0x{move.end:08x} as fast as {move.region}" for move in self.moves]
        return found + (["no misaligned access"] if self.aligned else [])


AS_IT_IS = WhatIf()
"""No assumption."""
