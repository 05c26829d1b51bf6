"""Live state inside Unicorn that its interface does not give, or only by a call that costs more than a whole block hook.

It is found by writing patterns through the interface and searching for them in the structures that the engine points to. These
are read through /proc/self/mem, which answers a bad address with an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from collections.abc import Callable, Iterator

import numpy as np
import unicorn
from unicorn import arm_const as A

from mcusim.errors import McusimError
from mcusim.machine.page_fill import PAGE_SHIFT

UC_BYTES, CPU_BYTES = 4096, 1 << 16
"""How much of Unicorn's own structure, and of each that it points to, is searched for the register file."""
STATE_BYTES = 1 << 13
"""How much behind R0 is certainly the core's state (the monitor lies 3776 bytes behind in 2.1.4, EPSR.IT 548)."""
USER_SPACE = 1 << 47
PATTERN = 0x5EED0000
"""What R0 holds while the register file is searched for."""
MONITOR_PROBE = bytes.fromhex("51e8000f bff32f8f")
"""LDREX R0, [R1]; CLREX"""
PROBE_PAGE, PAGE = 0x1EEDA000, 1 << PAGE_SHIFT
NO_ADDRESS = (1 << 64) - 1
IT_PATTERNS = 0xA5, 0x5A, 0x3C
THUMB = 1 << 24


def address_of(uc: unicorn.Uc) -> int:
    """Address of the engine's own structure."""
    return int(uc._uch.value or 0)  # type: ignore[union-attr]


def register_file(uc: unicorn.Uc) -> np.ndarray:
    """R0..R15 as a live array; R0 to R12 are zero afterwards."""
    pattern = [PATTERN + 0x01030709 * number & 0xFFFFFFFF for number in range(13)]
    for number, value in enumerate(pattern):
        uc.reg_write(A.UC_ARM_REG_R0 + number, value)
    address = _search(address_of(uc), np.array(pattern, dtype="<u4").tobytes(), lambda a: _is_register_zero(uc, a))
    registers = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint32)), (16,))
    registers[:13] = 0
    return registers


def _is_register_zero(uc: unicorn.Uc, address: int) -> bool:
    """True when the word at ``address`` follows R0. A stale copy of the pattern, which anything may overwrite, does not."""
    probe = ctypes.c_uint32.from_address(address)
    uc.reg_write(A.UC_ARM_REG_R0, PATTERN ^ 0xFFFFFFFF)
    follows = probe.value == PATTERN ^ 0xFFFFFFFF
    uc.reg_write(A.UC_ARM_REG_R0, PATTERN)
    return follows and probe.value == PATTERN


def it_state(uc: unicorn.Uc, registers: np.ndarray) -> int:
    """Address of EPSR.IT, a 32-bit word. The one near the registers that follows several values written to XPSR."""
    places = set(range(0, STATE_BYTES, 4))
    for value in IT_PATTERNS:
        uc.reg_write(A.UC_ARM_REG_XPSR, (value & 3) << 25 | value >> 2 << 10 | THUMB)
        words = np.frombuffer(_state_bytes(registers), "<u4")
        places &= {int(index) * 4 for index in np.flatnonzero(words == value)}
    uc.reg_write(A.UC_ARM_REG_XPSR, THUMB)
    if len(places) != 1:
        raise _not_found("EPSR.IT")
    return registers.ctypes.data + places.pop()


def exclusive_monitor(uc: unicorn.Uc, registers: np.ndarray) -> np.ndarray | None:
    """Address held by the local exclusive monitor as a live 64-bit word; None on a core without LDREX.

    Of the words near the core's state that hold the address and value which LDREX has just read (copies of them may lie there
    too), it is the one that CLREX changes to no address.
    """
    address, value = PROBE_PAGE + len(MONITOR_PROBE), PROBE_PAGE ^ 0xC1EA5E00
    pattern = np.array([address, value], dtype="<u8").tobytes()
    uc.mem_map(PROBE_PAGE, PAGE)
    uc.mem_write(PROBE_PAGE, MONITOR_PROBE + value.to_bytes(4, "little"))
    registers[1] = address
    try:
        uc.emu_start(PROBE_PAGE | 1, PROBE_PAGE + 4)
        before = _state_bytes(registers)
        uc.emu_start(PROBE_PAGE + 4 | 1, address)
        after = _state_bytes(registers)
    except unicorn.UcError:
        return None
    finally:
        uc.mem_unmap(PROBE_PAGE, PAGE)
        registers[:16] = 0
    places = [match.start() for match in re.finditer(re.escape(pattern), before)]
    live = [place for place in places if after[place : place + 8] == NO_ADDRESS.to_bytes(8, "little")]
    if len(live) != 1:
        raise _not_found("exclusive monitor")
    pointer = ctypes.cast(registers.ctypes.data + live[0], ctypes.POINTER(ctypes.c_uint64))
    return np.ctypeslib.as_array(pointer, (1,))


def _not_found(what: str) -> McusimError:
    return McusimError(f"{what} not found in Unicorn {unicorn.__version__}; 2.1.4 is known to work")


def _state_bytes(registers: np.ndarray) -> bytes:
    """What lies behind R0 in this process."""
    with _own_memory() as memory:
        return _peek(memory, registers.ctypes.data, STATE_BYTES)


def _search(engine: int, pattern: bytes, confirmed: Callable[[int], bool]) -> int:
    """Address of ``pattern`` in the structures that the engine points to, ``confirmed`` to be live."""
    with _own_memory() as memory:
        words = np.frombuffer(_peek(memory, engine, UC_BYTES), dtype="<u8")
        for word in words.tolist():
            data = _peek(memory, word, CPU_BYTES)
            place = data.find(pattern)
            while place >= 0:
                if confirmed(word + place):
                    return word + place
                place = data.find(pattern, place + 4)
    raise _not_found("register file")


@contextlib.contextmanager
def _own_memory() -> Iterator[int]:
    """File descriptor of this process's memory."""
    try:
        memory = os.open("/proc/self/mem", os.O_RDONLY)
    except OSError as error:
        raise McusimError(f"the native hooks need Linux's /proc/self/mem: {error.strerror}") from None
    try:
        yield memory
    finally:
        os.close(memory)


def _peek(memory: int, address: int, size: int) -> bytes:
    """Up to ``size`` bytes at ``address``, whole words: fewer where the mapped memory ends."""
    if not 0 < address < USER_SPACE:
        return b""
    try:
        data = os.pread(memory, size, address)
    except OSError:
        return b""
    return data[: len(data) // 8 * 8]
