"""Unicorn behind a small interface: memory on our own buffers, registers, native hooks, and why a run stopped."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import unicorn
from unicorn import arm_const as A
from unicorn import unicorn_const as U

from mcusim.errors import McusimError
from mcusim.machine.live_state import NO_ADDRESS, address_of, exclusive_monitor, it_state, register_file
from mcusim.machine.page_fill import PAGE_SHIFT, Pages, on_fill

NO_EXIT = 0xFFFFFFF1
"""A stop address that no program counter ever has."""

STACK_REGISTERS = {"msp": A.UC_ARM_REG_MSP, "psp": A.UC_ARM_REG_PSP}
SPECIAL_REGISTERS = {
    "xpsr": A.UC_ARM_REG_XPSR, "ipsr": A.UC_ARM_REG_IPSR, "control": A.UC_ARM_REG_CONTROL,
    "primask": A.UC_ARM_REG_PRIMASK, "basepri": A.UC_ARM_REG_BASEPRI, "faultmask": A.UC_ARM_REG_FAULTMASK,
    "fpscr": A.UC_ARM_REG_FPSCR, "msp": A.UC_ARM_REG_MSP, "psp": A.UC_ARM_REG_PSP, "sp": A.UC_ARM_REG_SP,
    "lr": A.UC_ARM_REG_LR, "pc": A.UC_ARM_REG_PC,
}  # fmt: skip
PAGE = 1 << PAGE_SHIFT
"""Unicorn's page of the M profile."""
LAST_ADDRESS = 0xFFFF_FFFF

library = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
_READ_TYPE = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)
_WRITE_TYPE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True)
class BadAccess:
    """An access that no memory answers: ``kind`` is ``"read"``, ``"write"`` or ``"fetch"``."""

    kind: str
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Why Unicorn came back. ``interrupt`` is QEMU's exception number or -1; ``error`` Unicorn's error or 0."""

    pc: int
    interrupt: int = -1
    error: int = 0
    access: BadAccess | None = None


ACCESS_KINDS = {
    U.UC_MEM_READ_UNMAPPED: "read", U.UC_MEM_READ_PROT: "read", U.UC_MEM_WRITE_UNMAPPED: "write",
    U.UC_MEM_WRITE_PROT: "write", U.UC_MEM_FETCH_UNMAPPED: "fetch", U.UC_MEM_FETCH_PROT: "fetch",
}  # fmt: skip


class Engine:
    """One emulated core. ``model`` is the name of a constant of ``unicorn.arm_const``, as cores give it."""

    def __init__(self, model: str) -> None:
        self.uc = unicorn.Uc(U.UC_ARCH_ARM, U.UC_MODE_THUMB)  # UC_MODE_MCLASS would force a Cortex-M33
        self.uc.ctl_set_cpu_model(getattr(A, model))
        self.handle = self.uc._uch
        self.address = address_of(self.uc)
        self.buffers: list[tuple[int, int, np.ndarray]] = []  # start, end, bytes; aliases appear once each
        self.writable: list[tuple[int, int]] = []  # start, end; whole pages
        self.keep: list[object] = []
        self.interrupt = -1
        self.access: BadAccess | None = None
        self.uc.hook_add(U.UC_HOOK_INTR, self._on_interrupt)
        self.invalid_hooks: list[int] = []
        self.watched = -1  # number of buffers when the hooks for bad accesses were set
        self.registers = register_file(self.uc)
        self.monitor = exclusive_monitor(self.uc, self.registers)
        self.pages = keep_stores_fast(self.uc, self.registers)

    # --- memory -----------------------------------------------------------------------------------------------------
    def map_memory(self, addresses: tuple[int, ...], size: int, writable: bool) -> np.ndarray:
        """Map ``size`` zeroed bytes at each of ``addresses`` (the same bytes at all); returns them as a uint8 array."""
        rounded = -(-size // PAGE) * PAGE
        buffer = mmap.mmap(-1, rounded)
        view = np.frombuffer(buffer, dtype=np.uint8)
        self.keep.append(buffer)
        for address in addresses:
            self._map(address, rounded, writable, view)
            self.buffers.append((address, address + size, view[:size]))
        return view[:size]

    def map_alias(self, addresses: tuple[int, ...], view: np.ndarray, writable: bool) -> np.ndarray:
        """Show memory that ``map_memory`` returned at further addresses."""
        for address in addresses:
            self._map(address, -(-view.size // PAGE) * PAGE, writable, view)
            self.buffers.append((address, address + view.size, view))
        return view

    def _map(self, address: int, size: int, writable: bool, view: np.ndarray) -> None:
        permissions = U.UC_PROT_ALL if writable else U.UC_PROT_READ | U.UC_PROT_EXEC
        self.uc.mem_map_ptr(address, size, permissions, view.ctypes.data)
        if writable:
            self.writable.append((address, address + size))
            self.pages.hold_data(address, address + size)

    def map_io(
        self, address: int, size: int, read: Callable[[int, int], int], write: Callable[[int, int, int], None]
    ) -> None:
        """Route accesses to ``size`` bytes (whole pages) to ``read(address, size)`` and ``write(address, size, value)``."""

        def on_read(_engine, offset, width, _data):
            return read(address + offset, width)

        def on_write(_engine, offset, width, value, _data):
            write(address + offset, width, value)

        callbacks = _READ_TYPE(on_read), _WRITE_TYPE(on_write)
        self.keep.append(callbacks)
        status = library.uc_mmio_map(
            self.handle, ctypes.c_uint64(address), ctypes.c_uint64(size), callbacks[0], None, callbacks[1], None
        )
        if status:
            raise McusimError(f"cannot map registers at 0x{address:08x}, {size} bytes: Unicorn status {status}")

    def find_buffer(self, address: int, size: int) -> tuple[np.ndarray, int] | None:
        """The bytes that hold ``address`` .. + ``size`` and the offset into them."""
        for start, end, view in self.buffers:
            if start <= address and address + size <= end:
                return view, address - start
        return None

    def read(self, address: int, size: int) -> bytes:
        """Guest memory; bytes outside of memory read as zero."""
        found = self.find_buffer(address, size)
        if found is not None:
            view, offset = found
            return view[offset : offset + size].tobytes()
        data = bytearray(size)
        for start, end, view in self.buffers:
            low, high = max(start, address), min(end, address + size)
            if low < high:
                data[low - address : high - address] = view[low - start : high - start].tobytes()
        return bytes(data)

    def room(self, address: int) -> int:
        """Bytes from ``address`` to the end of the memory that holds it, or of those that follow it without a gap."""
        end = address
        while (found := self.find_buffer(end, 1)) is not None:
            end += found[0].size - found[1]
        return end - address

    def write(self, address: int, data: bytes) -> bool:
        """Write guest memory (flash too), or several that touch, and drop translations of it; False when no memory is there."""
        if self.room(address) < len(data):
            return False
        left = np.frombuffer(data, dtype=np.uint8)
        start = address
        while left.size and (found := self.find_buffer(start, 1)) is not None:
            view, offset = found
            count = min(left.size, view.size - offset)
            view[offset : offset + count] = left[:count]
            start, left = start + count, left[count:]
        self.drop_translations(address, address + len(data))
        return True

    def drop_translations(self, start: int, end: int) -> None:
        """Make Unicorn translate ``start`` .. ``end`` anew; nothing was translated there yet is no error."""
        if self.pages.may_hold_code(start, end):
            with contextlib.suppress(unicorn.UcError):
                self.uc.ctl_remove_cache(start, end)

    # --- registers --------------------------------------------------------------------------------------------------
    def clear_exclusive(self) -> None:
        """Make the next STREX fail, as CLREX does."""
        if self.monitor is not None:
            self.monitor[0] = NO_ADDRESS

    def get(self, name: str) -> int:
        """Value of a special register."""
        return self.uc.reg_read(SPECIAL_REGISTERS[name]) & 0xFFFFFFFF

    def set(self, name: str, value: int) -> None:
        """Write a special register."""
        self.uc.reg_write(SPECIAL_REGISTERS[name], value & 0xFFFFFFFF)

    def set_xpsr(self, value: int) -> None:
        """Write flags, GE and the exception number; switches the stack pointer bank as the core does."""
        self.uc.reg_write(A.UC_ARM_REG_XPSR_NZCVQG, value & 0xFFFFFFFF)

    def float_registers(self) -> list[int]:
        """S0..S31 as bit patterns."""
        doubles = [self.uc.reg_read(A.UC_ARM_REG_D0 + number) for number in range(16)]
        return [word for double in doubles for word in (double & 0xFFFFFFFF, double >> 32)]

    def set_float_registers(self, words: list[int]) -> None:
        """Write the first ``len(words)`` (even) S registers."""
        for number in range(0, len(words), 2):
            self.uc.reg_write(A.UC_ARM_REG_D0 + number // 2, words[number] | words[number + 1] << 32)

    @staticmethod
    def function(name: str) -> int:
        """Address of a function of Unicorn's C interface."""
        return int(ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0)

    # --- running ----------------------------------------------------------------------------------------------------
    def add_block_hook(self, address: int, data: int) -> None:
        """Call the native function at ``address`` at every block entry with ``data`` as its last argument."""
        add_native_hook(self.uc, U.UC_HOOK_BLOCK, address, data)

    def run(self, pc: int, until: int = NO_EXIT) -> Stop:
        """Run from ``pc`` until something stops it."""
        self.interrupt, self.access = -1, None
        self._watch_bad_accesses()
        while True:
            self.pages.forget_fetch()
            status = library.uc_emu_start(
                self.handle, ctypes.c_uint64(pc | 1), ctypes.c_uint64(until), ctypes.c_uint64(0), ctypes.c_size_t(0)
            )
            pc = int(self.registers[15]) & 0xFFFFFFFF
            if not self._meets_new_code(status):
                return Stop(pc, self.interrupt, status, self.access)

    def _meets_new_code(self, status: int) -> bool:
        """Whether the run stopped because it came to a page that holds code after all; from now on it may."""
        if status != U.UC_ERR_EXCEPTION or self.interrupt >= 0 or not self.pages.allow_fetch():
            return False
        self.uc.ctl(U.UC_CTL_TLB_FLUSH, U.UC_CTL_IO_WRITE)
        return True

    def _watch_bad_accesses(self) -> None:
        """Hook accesses outside of memory, and writes to what cannot be written.

        Only there: a hook for bad accesses that covers RAM sends every store to it through Unicorn's slow path (page_fill.py).
        """
        if self.watched == len(self.buffers):
            return
        for hook in self.invalid_hooks:
            self.uc.hook_del(hook)
        self.watched = len(self.buffers)
        self.invalid_hooks = [
            self.uc.hook_add(U.UC_HOOK_MEM_INVALID, self._on_invalid, begin=begin, end=end)
            for begin, end in _between(self.writable)
        ]

    def stop(self) -> None:
        """Come back from ``run`` at the next block."""
        library.uc_emu_stop(self.handle)

    @property
    def thumb(self) -> bool:
        """False after a branch to an even address."""
        return bool(self.get("xpsr") & 0x01000000)

    def _on_interrupt(self, uc: unicorn.Uc, number: int, _data: object) -> None:
        self.interrupt = number
        uc.emu_stop()

    def _on_invalid(self, uc, access: int, address: int, size: int, value: int, data: object) -> bool:
        self.access = BadAccess(ACCESS_KINDS[access], address, size)
        return False


def add_native_hook(uc: unicorn.Uc, kind: int, address: int, data: int) -> None:
    """Make the native function at ``address`` a hook for all of memory, with ``data`` as its last argument."""
    handle = ctypes.c_size_t()
    status = library.uc_hook_add(
        uc._uch, ctypes.byref(handle), ctypes.c_int(kind), ctypes.c_void_p(address), ctypes.c_void_p(data),
        ctypes.c_uint64(1), ctypes.c_uint64(0),
    )  # fmt: skip
    if status:
        raise McusimError(f"uc_hook_add failed with status {status}")


def keep_stores_fast(uc: unicorn.Uc, registers: np.ndarray) -> Pages:
    """Let ``page_fill`` say which pages may hold code; returns what it knows, to be told of RAM."""
    pages = Pages(it_state(uc, registers))
    uc.ctl(U.UC_CTL_TLB_TYPE, U.UC_CTL_IO_WRITE, ctypes.c_int(U.UC_TLB_VIRTUAL))
    add_native_hook(uc, U.UC_HOOK_TLB_FILL, on_fill.address, pages.record.ctypes.data)
    return pages


def _between(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First and last address of what lies before, between and behind ``ranges`` (start, end)."""
    place = 0
    for start, end in sorted(ranges):
        if place < start:
            yield place, start - 1
        place = max(place, end)
    if place <= LAST_ADDRESS:
        yield place, LAST_ADDRESS
