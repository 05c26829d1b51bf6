"""Flash controllers of STM32: wait states, prefetch and caches as state that pricing reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import UnsupportedError
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_bank import (
    BitField,
    RegisterBank,
    read_field,
    read_offset,
)
from mcusim.pricing.memory import Chain

RESETS = {"instruction_cache_reset": "instruction", "data_cache_reset": "data"}
"""Parameters that name reset bits of the accelerator's caches."""


@dataclass(frozen=True, slots=True)
class FlashTiming:
    """How flash answers as the firmware has programmed it.

    ``read_bytes`` come with one flash read, which takes ``wait_states`` + 1 cycles of the bus clock named ``clock``
    (the core's where empty). ``instruction_lines`` and ``data_lines`` of ``line_bytes`` are the accelerator's caches,
    which count only while ``instruction_cache`` and ``data_cache`` are on. Where ``accelerated_bus`` is set, prefetch
    and caches serve only regions on that bus (STM32F7: the ITCM bus). ``ways`` of the caches, 0 for fully associative;
    ``unified``: data go through the instruction cache; ``data_buffer``: repeated reads of one word without a cache are
    free. ``programmable``: wait states and buffers are register fields, so that others could have been programmed;
    ``has_prefetch``: prefetch has an enable bit.
    ``clock_bound``: the memory runs from a clock of its own, and its wait states follow from the core's. ``next_cycles``:
    core cycles of each further word of one read where it is not another access to the array, ``whole_line``: a miss fetches
    all of its line. ``buffer_bytes``: of the controller's read buffer, out of which words come without wait states.
    ``chain``: reads that go on where the last one ended. ``kept``: the caches keep what they hold while they are off.
    ``policy``: which line they replace, ``miss_cycles``: of a miss in one of them beyond the wait states.
    """

    wait_states: int = 0
    prefetch: bool = False
    instruction_cache: bool = False
    data_cache: bool = False
    read_bytes: int = 8
    line_bytes: int = 8
    instruction_lines: int = 0
    data_lines: int = 0
    clock: str = ""
    accelerated_bus: str = ""
    ways: int = 0
    unified: bool = False
    data_buffer: bool = True
    critical_word_first: bool = True
    programmable: bool = False
    has_prefetch: bool = False
    clock_bound: bool = False
    next_cycles: int | None = None
    whole_line: bool = False
    buffer_bytes: int = 0
    chain: Chain | None = None
    kept: bool = False
    policy: str = "lru"
    miss_cycles: int = 0


class FlashController(RegisterBank):
    """FLASH: access control, unlock keys, option words.

    Fields [register, bit, width]: ``latency``, ``prefetch``, ``instruction_cache``, ``data_cache``;
    ``instruction_cache_reset`` and ``data_cache_reset`` empty a cache that is off. ``geometry``
    gives the other numbers of FlashTiming; where ``wide`` = [register, bit, value, table] is set, its table replaces
    them while the field has that value (bank mode). ``keys`` lists [key register, first key, second key, control
    register, lock bit]. ``start`` lists fields whose setting starts an erase, which is not modelled and stops the
    run.
    """

    PARAMETERS: ClassVar[frozenset[str]] = RegisterBank.PARAMETERS | {
        "latency", "prefetch", "instruction_cache", "data_cache", "geometry", "wide", "keys", "start", *RESETS,
    }  # fmt: skip

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        place, values = f"peripheral '{spec.name}'", spec.parameters
        names = ("latency", "prefetch", "instruction_cache", "data_cache")
        self._fields: dict[str, BitField] = {name: read_field(values[name], place) for name in names if name in values}
        self._resets = {cache: read_field(values[name], place) for name, cache in RESETS.items() if name in values}
        self._keys = [tuple(read_offset(entry, place) for entry in key) for key in values.get("keys", ())]
        self._start = [read_field(entry, place) for entry in values.get("start", ())]
        self._half: dict[int, bool] = {}
        super().__init__(chip, spec)
        self._timing = self.timing()

    def timing(self) -> FlashTiming:
        """The flash's timing as the registers stand."""
        flags: dict[str, Any] = {name: bool(self.field(field)) for name, field in self._fields.items() if name != "latency"}
        latency = self._fields.get("latency")
        wait_states = self.field(latency) if latency else 0
        return FlashTiming(
            wait_states=wait_states, programmable=latency is not None, has_prefetch="prefetch" in self._fields,
            kept=bool(self._resets), **flags, **self._geometry(),
        )  # fmt: skip

    def reset_registers(self) -> None:
        super().reset_registers()
        self._tell()

    _timing: FlashTiming | None = None

    def write_register(self, offset: int, value: int) -> None:
        for key in self._keys:
            if offset == key[0]:
                self._unlock(key, value)
                return
        super().write_register(offset, value)
        self._refuse_erase(offset)
        self._tell()
        self._empty_caches(offset)

    def _geometry(self) -> dict[str, Any]:
        geometry, wide = dict(self.parameter("geometry", {})), self.parameter("wide")
        if wide and self.field(read_field(wide[:2], self.spec.name)) == wide[2]:
            geometry.update(wide[3])
        return geometry

    def _tell(self) -> None:
        timing = self.timing()
        if self._timing is not None and timing != self._timing:
            self._timing = timing
            self.chip.timing_changed()

    def _empty_caches(self, offset: int) -> None:
        """ICRST and DCRST work while their cache is off (RM0090 3.9.1, RM0440 3.7.1; ARTRST: RM0385)."""
        for cache, field in self._resets.items():
            if field.offset == offset and self.field(field) and not self.field(self._fields[f"{cache}_cache"]):
                self.chip.empty_cache(f"{self.spec.name}.{cache}")

    def _unlock(self, key: tuple[int, ...], value: int) -> None:
        offset, first, second, control, bit = key
        if self._half.pop(offset, False) and value == second:
            self.set_field(BitField(control, bit), 0)
        else:
            self._half[offset] = value == first

    def _refuse_erase(self, offset: int) -> None:
        for field in self._start:
            if field.offset == offset and self.field(field):
                raise UnsupportedError(f"peripheral '{self.spec.name}': erasing flash is not modelled")
