"""A board as data: core, clock, memories, peripherals. Loaded from one TOML file each, see ``mcusim.boards.load``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcusim.boards.core_timing import CoreNumber
from mcusim.boards.energy_table import EnergyTable

OTHER_REGIONS = ("io port", "registers", "system", "other")
"""Where accesses go that meet no memory of a board."""


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """A range of memory. ``kind`` is ``"flash"``, ``"ram"``, ``"tcm"``, ``"rom"`` or ``"external"``.

    ``aliases`` are further base addresses at which the same bytes appear. ``controller`` names the peripheral whose
    registers set this region's wait states (a flash controller), else ``""``. ``slave`` numbers the bus-matrix slave.
    ``alias_of`` names the region whose bytes this one shows on another bus, with timing of its own (flash on the ITCM
    bus of an STM32F7). ``bus`` names the core's port it hangs on (``"itcm"``, ``"dtcm"``, ``"axi"``, ``"ahb"``,
    ``"code"``, ``"system"``), ``clock`` the named clock it runs from, ``""`` for the core's. ``cache`` names the
    peripheral that caches it. ``opening_cycles``: extra core cycles of a load that no access to this memory directly
    precedes. ``extra_wait_states``: those that a read was measured to take beyond what software sets, or short of it.
    """

    name: str
    address: int
    size: int
    kind: str
    aliases: tuple[int, ...] = ()
    controller: str = ""
    slave: int = 0
    writable: bool = True
    executable: bool = True
    source: str = ""
    alias_of: str = ""
    bus: str = ""
    clock: str = ""
    cache: str = ""
    opening_cycles: int = 0
    extra_wait_states: int = 0


@dataclass(frozen=True, slots=True)
class PeripheralSpec:
    """A peripheral: its model (see ``mcusim.machine.peripherals``), place, interrupt lines and the model's parameters.

    ``aliases`` are further base addresses at which the same registers appear (secure and non-secure view).
    """

    name: str
    model: str
    address: int
    size: int = 0x400
    interrupts: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Firmware:
    """How firmware of ours is built for a board: table ``[firmware]`` of its file.

    ``sources`` are files of kernels_c/board, ``defines`` their parameters. Code lies in memory ``flash``; ``ram`` are the
    memories that .data, .bss and heap take, which must touch one another in that order; the stack takes the top of ``stack``.
    ``sizes`` are bytes of memories of which firmware gets less than there is. ``headers`` maps sections that the boot ROM
    reads to their offsets in flash, ``vectors_offset`` is the vector table's.
    """

    sources: tuple[str, ...]
    flash: str
    ram: tuple[str, ...]
    stack: str
    defines: Mapping[str, int | str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    headers: Mapping[str, int] = field(default_factory=dict)
    vectors_offset: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """Everything about a board that is not firmware. Frequencies in hertz, sizes in bytes.

    ``timing`` are numbers of the core's table as this board has them, by name (``mcusim.cores.numbers``).
    """

    name: str
    core: str
    description: str = ""
    mcu: str = ""
    clock_hertz: int = 1_000_000
    rated_hertz: int = 0
    clock_peripheral: str = ""
    fpu: str = ""
    memories: tuple[MemoryRegion, ...] = ()
    peripherals: tuple[PeripheralSpec, ...] = ()
    vector_table: int | None = None
    serial: str = ""
    interrupt_count: int = 240
    priority_bits: int = 8
    bit_band: bool = False
    systick_reference_hertz: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    ideal: bool = False
    firmware: Firmware | None = None
    energy: EnergyTable | None = None
    timing: Mapping[str, CoreNumber] = field(default_factory=dict)
