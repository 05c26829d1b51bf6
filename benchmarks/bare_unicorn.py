"""A program on Unicorn with nothing around it: the speed that pricing is measured against."""

from __future__ import annotations

import time
from pathlib import Path

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const

from mcusim.machine.engine import keep_stores_fast
from mcusim.machine.live_state import register_file

PAGE = 0x1000
RAM = (0x2000_0000, 0x0010_0000)
BREAKPOINT = 7
"""Unicorn's number of the exception that BKPT raises."""
SYS_WRITEC, SYS_EXIT_EXTENDED = 0x03, 0x20


class BareUnicorn:
    """One run of an ELF without exceptions, peripherals or counters; semihosting serves output and exit only.

    ``quick``: with the machine's way of keeping stores fast (mcusim/machine/page_fill.py).
    """

    def __init__(self, elf: Path, *, quick: bool = False) -> None:
        self.exit_code: int | None = None
        self.engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.engine.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M4)
        self.engine.mem_map(*RAM)
        self.engine.mem_map(0, 0x0040_0000)
        with elf.open("rb") as file:
            for segment in ELFFile(file).iter_segments("PT_LOAD"):
                self.engine.mem_write(segment["p_paddr"], segment.data())
        self.engine.hook_add(unicorn.UC_HOOK_INTR, self.serve)
        # CPACR is no memory here: the write of the startup code must land somewhere, and the FPU works without it.
        self.engine.mem_map(0xE000_0000, 0x0010_0000)
        if quick:
            self.pages = keep_stores_fast(self.engine, register_file(self.engine))
            self.pages.hold_data(RAM[0], RAM[0] + RAM[1])

    def serve(self, engine: unicorn.Uc, number: int, _: object) -> None:
        """Semihosting, or the end of the run."""
        operation = engine.reg_read(arm_const.UC_ARM_REG_R0)
        if number != BREAKPOINT or operation == SYS_EXIT_EXTENDED:
            self.exit_code = self.word(engine.reg_read(arm_const.UC_ARM_REG_R1) + 4) if number == BREAKPOINT else -1
            engine.emu_stop()
        else:
            engine.reg_write(arm_const.UC_ARM_REG_PC, engine.reg_read(arm_const.UC_ARM_REG_PC) + 2 | 1)

    def word(self, address: int) -> int:
        """A word of memory."""
        return int.from_bytes(self.engine.mem_read(address, 4), "little")

    def run(self) -> float:
        """Seconds from reset to exit."""
        self.engine.reg_write(arm_const.UC_ARM_REG_SP, self.word(0))
        begin = time.perf_counter()
        self.engine.emu_start(self.word(4), 0xFFFF_FFFE)
        seconds = time.perf_counter() - begin
        if self.exit_code != 0:
            raise RuntimeError(f"the program ended with {self.exit_code} on bare Unicorn")
        return seconds
