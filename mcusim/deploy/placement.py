"""Where weights and the arena of a firmware go."""

from __future__ import annotations

from dataclasses import dataclass

FLASH = "flash"
RAM = "ram"


@dataclass(frozen=True, slots=True)
class Placement:
    """``weights``, ``kernels``: ``"flash"``, ``"ram"`` or a bank of the board (``"dtcm"``): there they are copied at start.

    The arena's memories are those of its plan; ``"ram"`` is the board's main one.
    """

    weights: str = FLASH
    kernels: str = FLASH

    @property
    def in_ram(self) -> bool:
        """Whether weights take RAM."""
        return self.weights != FLASH

    @property
    def moves(self) -> bool:
        """Whether anything is copied from flash."""
        return bool(self.memories)

    @property
    def memories(self) -> frozenset[str]:
        """Where they take RAM."""
        return frozenset((self.weights, self.kernels)) - {FLASH}

    @property
    def weights_attribute(self) -> str:
        """What stands in front of a weight array in C, with a blank behind it; "" for none."""
        return {FLASH: "", RAM: "IN_MEMORY(data) "}.get(self.weights, f"IN_MEMORY({self.weights}) ")

    @property
    def weights_section(self) -> str:
        """Section of the weights in assembly, without the array's name."""
        return {FLASH: ".rodata", RAM: ".data"}.get(self.weights, f".{self.weights}")


IN_FLASH = Placement()
