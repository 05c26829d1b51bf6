"""A board's peripherals whose DMA masters also reach registers."""

from __future__ import annotations

from tests.peripherals.board_chip import BoardChip


class Stm32Chip(BoardChip):
    """A BoardChip; a DMA access to a peripheral's address goes to its registers, as on the bus."""

    def read_memory(self, address: int, size: int) -> bytes:
        if self._is_register(address):
            return self.load(address, size).to_bytes(size, "little")
        return super().read_memory(address, size)

    def write_memory(self, address: int, data: bytes) -> None:
        if self._is_register(address):
            self.store(address, int.from_bytes(data, "little"), len(data))
        else:
            super().write_memory(address, data)

    def base(self, name: str) -> int:
        """Address of a peripheral."""
        return next(spec.address for spec in self.board.peripherals if spec.name == name)

    def set(self, name: str, offset: int, value: int, size: int = 4) -> None:
        """The core stores to a register."""
        self.store(self.base(name) + offset, value, size)

    def get(self, name: str, offset: int, size: int = 4) -> int:
        """The core loads from a register."""
        return self.load(self.base(name) + offset, size)

    def line(self, name: str, line: str = "global") -> bool:
        """Level of an interrupt line of a peripheral at the NVIC."""
        spec = next(spec for spec in self.board.peripherals if spec.name == name)
        return self.lines.get(spec.interrupts[line], False)

    def _is_register(self, address: int) -> bool:
        return any(spec.address <= address < spec.address + spec.size for spec in self.board.peripherals)
