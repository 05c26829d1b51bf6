"""DMA request multiplexer of STM32. Sources: RM0432, RM0444, RM0433."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile, offsets

CSR, CFR, RG0CR, RGSR, RGCFR = 0x80, 0x84, 0x100, 0x140, 0x144


def is_requested(chip, source: str) -> bool:
    """Whether ``source``, "peripheral.line", asks for a DMA transfer."""
    name, _, line = source.partition(".")
    asked = getattr(chip.peripheral(name), "dma_request", None)
    return bool(asked and asked(line))


class RequestMultiplexer(RegisterFile):
    """DMAMUX: each channel forwards the request that its DMAREQ_ID selects.

    ``requests`` maps a request number to "peripheral.line". Not modelled: synchronisation, request generators.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"requests"})
    RESET: ClassVar = dict.fromkeys((*offsets(0x00, 16), CSR, *offsets(RG0CR, 8), RGSR), 0)
    READS: ClassVar = {CFR: lambda self: 0, RGCFR: lambda self: 0}
    WRITES: ClassVar = {CFR: lambda self, value: None, RGCFR: lambda self, value: None}

    def requested(self, channel: int) -> bool:
        """Whether the request routed to ``channel`` (from 0) stands now."""
        source = self.parameter("requests", {}).get(str(self.stored(4 * channel) & 0x7F))
        return source is not None and is_requested(self.chip, source)
