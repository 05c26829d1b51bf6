"""Arm semihosting (Arm IHI 0100): console, time, exit, and files below one directory the user opened.

SYS_SYSTEM is refused: firmware never runs commands of the host. Without ``root`` every file but the console is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, cast

OPEN_MODES = ("r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b")
STOPPED_APPLICATION_EXIT = 0x20026
FAILED = 0xFFFFFFFF
STRING_MAX = 1 << 16
FILES_MAX = 64
NOTES_MAX, NOTE_NAME = 50, 200
"""How many different refusals are told, and how much of a file's name."""


class Host(Protocol):
    """What semihosting needs of the machine."""

    def read_memory(self, address: int, size: int) -> bytes: ...
    def write_memory(self, address: int, data: bytes) -> None: ...
    def memory_room(self, address: int) -> int: ...
    def console(self, data: bytes) -> None: ...
    def seconds(self) -> float: ...
    def exit_firmware(self, code: int) -> None: ...
    def heap_bounds(self) -> tuple[int, int, int, int]: ...


class Semihosting:
    """Handles one call after the other: ``call(operation, parameter) -> R0``."""

    def __init__(self, host: Host, root: str | Path | None, command_line: str = "") -> None:
        self.host, self.command_line = host, command_line
        self.root = None if root is None else Path(root).resolve()
        self.files: dict[int, BinaryIO | None] = {}
        self.next_handle = 1
        self.typed = bytearray()
        self.error_number = 0
        self.refused: dict[str, None] = {}
        self.operations: dict[int, Callable[[int], int]] = {
            0x01: self._open, 0x02: self._close, 0x03: self._write_character, 0x04: self._write_string, 0x05: self._write,
            0x06: self._read, 0x07: self._read_character, 0x08: lambda p: 0, 0x09: self._is_tty, 0x0A: self._seek,
            0x0C: self._length, 0x0E: self._remove, 0x0F: self._rename, 0x10: self._clock, 0x11: self._time,
            0x12: self._system, 0x13: lambda _: self.error_number, 0x15: self._command_line, 0x16: self._heap,
            0x18: self._exit, 0x20: self._exit_extended, 0x30: self._elapsed, 0x31: self._tick_frequency,
        }  # fmt: skip

    def call(self, operation: int, parameter: int) -> int:
        """Result of a semihosting call; unknown operations return -1."""
        handler = self.operations.get(operation)
        if handler is None:
            self._refuse(f"semihosting operation 0x{operation:02x} is not supported")
            return FAILED
        return handler(parameter) & 0xFFFFFFFF

    def _refuse(self, text: str) -> None:
        if len(self.refused) < NOTES_MAX:
            self.refused[text] = None

    def close(self) -> None:
        """Close what the firmware left open."""
        for file in self.files.values():
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()
        self.files.clear()

    def _words(self, address: int, count: int) -> list[int]:
        data = self.host.read_memory(address, 4 * count)
        return [int.from_bytes(data[4 * place : 4 * place + 4], "little") for place in range(count)]

    def _string(self, address: int, length: int) -> str:
        room = min(length, STRING_MAX, self.host.memory_room(address))
        return self.host.read_memory(address, room).decode("utf-8", "replace")

    # --- console --------------------------------------------------------------------------------------------------------
    def _write_character(self, parameter: int) -> int:
        self.host.console(self.host.read_memory(parameter, 1))
        return 0

    def _read_character(self, _parameter: int) -> int:
        """The next character that was typed; 0 where none is left, so that programs ask again."""
        return self.typed.pop(0) if self.typed else 0

    def _write_string(self, parameter: int) -> int:
        text = bytearray()
        while len(text) < STRING_MAX:
            chunk = self.host.read_memory(parameter + len(text), 64)  # zeros behind the end of memory
            end = chunk.find(0)
            text += chunk if end < 0 else chunk[:end]
            if end >= 0:
                break
        self.host.console(bytes(text))
        return 0

    # --- files ----------------------------------------------------------------------------------------------------------
    def _open(self, parameter: int) -> int:
        address, mode, length = self._words(parameter, 3)
        name = self._string(address, length)
        if mode >= len(OPEN_MODES) or len(self.files) >= FILES_MAX:
            return self._fail(22)
        if name == ":tt":
            return self._add(None)
        path = self._inside(name)
        if path is None:
            return self._fail(13)
        try:
            return self._add(cast(BinaryIO, open(path, OPEN_MODES[mode].replace("b", "") + "b")))
        except OSError as error:
            return self._fail(error.errno or 5)

    def _add(self, file: BinaryIO | None) -> int:
        handle = self.next_handle
        self.next_handle += 1
        self.files[handle] = file
        return handle

    def _inside(self, name: str) -> Path | None:
        """``name`` below the opened directory, links resolved; None (and a note) for anything else."""
        if self.root is not None and "\0" not in name:
            with contextlib.suppress(OSError, ValueError):
                path = (self.root / name).resolve()
                if path != self.root and path.is_relative_to(self.root):
                    return path
        shown = name if len(name) <= NOTE_NAME else f"{name[:NOTE_NAME]}..."
        self._refuse(f"firmware asked for the file {shown!r}; allowed: files below --semihosting-root")
        return None

    def _fail(self, number: int) -> int:
        self.error_number = number
        return FAILED

    def _close(self, parameter: int) -> int:
        handle = self._words(parameter, 1)[0]
        if handle not in self.files:
            return self._fail(9)
        file = self.files.pop(handle)
        if file is not None:
            file.close()
        return 0

    def _write(self, parameter: int) -> int:
        handle, address, length = self._words(parameter, 3)
        if handle not in self.files:
            return self._fail(9) and length
        remaining = length
        while remaining:
            start = address + length - remaining
            room = min(remaining, STRING_MAX, self.host.memory_room(start))
            if not room:
                return remaining
            chunk = self.host.read_memory(start, room)
            file = self.files[handle]
            if file is None:
                self.host.console(chunk)
            else:
                try:
                    file.write(chunk)
                except (OSError, ValueError):
                    return remaining
            remaining -= len(chunk)
        return 0

    def _read(self, parameter: int) -> int:
        handle, address, length = self._words(parameter, 3)
        file = self.files.get(handle)
        if file is None:
            return length  # the console has no input
        try:
            data = file.read(min(length, 1 << 24))
        except (OSError, ValueError):
            return length
        self.host.write_memory(address, data)
        return length - len(data)

    def _is_tty(self, parameter: int) -> int:
        handle = self._words(parameter, 1)[0]
        return int(handle in self.files and self.files[handle] is None)

    def _seek(self, parameter: int) -> int:
        handle, position = self._words(parameter, 2)
        file = self.files.get(handle)
        if file is None:
            return self._fail(9)
        file.seek(position)
        return 0

    def _length(self, parameter: int) -> int:
        file = self.files.get(self._words(parameter, 1)[0])
        if file is None:
            return 0
        here = file.tell()
        end = file.seek(0, 2)
        file.seek(here)
        return end

    def _remove(self, parameter: int) -> int:
        address, length = self._words(parameter, 2)
        path = self._inside(self._string(address, length))
        try:
            if path is not None:
                path.unlink()
                return 0
        except OSError as error:
            return self._fail(error.errno or 5)
        return self._fail(13)

    def _rename(self, parameter: int) -> int:
        first, first_length, second, second_length = self._words(parameter, 4)
        paths = self._inside(self._string(first, first_length)), self._inside(self._string(second, second_length))
        try:
            if paths[0] is not None and paths[1] is not None:
                paths[0].rename(paths[1])
                return 0
        except OSError as error:
            return self._fail(error.errno or 5)
        return self._fail(13)

    # --- time, exit, environment ------------------------------------------------------------------------------------------
    def _clock(self, _parameter: int) -> int:
        return int(self.host.seconds() * 100)

    def _time(self, _parameter: int) -> int:
        return int(self.host.seconds())  # simulated time since reset: runs stay reproducible

    def _elapsed(self, parameter: int) -> int:
        self.host.write_memory(parameter, int(self.host.seconds() * 1_000_000).to_bytes(8, "little"))
        return 0

    def _tick_frequency(self, _parameter: int) -> int:
        return 1_000_000

    def _system(self, _parameter: int) -> int:
        self._refuse("firmware asked to run a command of the host (SYS_SYSTEM); never allowed")
        return FAILED

    def _command_line(self, parameter: int) -> int:
        address, room = self._words(parameter, 2)
        text = self.command_line.encode()[: max(room - 1, 0)] + b"\0"
        if room < len(text):
            return FAILED
        self.host.write_memory(address, text)
        self.host.write_memory(parameter + 4, (len(text) - 1).to_bytes(4, "little"))
        return 0

    def _heap(self, parameter: int) -> int:
        block = self._words(parameter, 1)[0]
        self.host.write_memory(block, b"".join(value.to_bytes(4, "little") for value in self.host.heap_bounds()))
        return 0

    def _exit(self, parameter: int) -> int:
        self.host.exit_firmware(0 if parameter == STOPPED_APPLICATION_EXIT else 1)
        return 0

    def _exit_extended(self, parameter: int) -> int:
        reason, code = self._words(parameter, 2)
        self.host.exit_firmware(code if reason == STOPPED_APPLICATION_EXIT else 1)
        return 0
