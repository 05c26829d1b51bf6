"""A serial port: lines at 115200 baud, 8 data bits, no parity. Needs pyserial (extra ``board``)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from calibration.links.link import LinkError, Silence

BAUD = 115200
LONGEST_LINE = 4096
"""Bytes without an end that are let go: no line of ours is so long."""
SLICE_SECONDS = 0.05


class SerialLink:
    """A board's serial port. The firmware is put onto the board by other means: see ``flash``."""

    def __init__(self, port: str, patience: float = 3.0) -> None:
        self.port, self.patience = port, patience
        self.name, self.starts = f"serial port {port}", False
        self._serial: Any = None
        self._pending = bytearray()

    def flash(self, elf: Path) -> str:
        return f"{self.name}: the board has to run {elf} (flash it with your tool, or copy a .uf2 or .hex of it)"

    def open(self) -> None:
        serial = _pyserial()
        self.close()
        try:
            self._serial = serial.Serial(self.port, BAUD, timeout=SLICE_SECONDS, write_timeout=self.patience, exclusive=True)
            self._serial.reset_input_buffer()
        except (serial.SerialException, OSError, ValueError) as error:
            raise LinkError(f"{self.name}: cannot be opened: {_reason(error)}{_ports()}") from None

    def send(self, line: str) -> None:
        self._guarded(lambda port: port.write(f"{line}\n".encode("ascii")))

    def read_line(self, seconds: float) -> str:
        end = time.monotonic() + seconds
        while b"\n" not in self._pending:
            if time.monotonic() > end:
                raise Silence(f"{self.name}: silent for {seconds:g} s")
            self._pending += self._guarded(lambda port: port.read(max(1, port.in_waiting)))
            if len(self._pending) > LONGEST_LINE and b"\n" not in self._pending:
                self._pending.clear()
        line, _, rest = bytes(self._pending).partition(b"\n")
        self._pending = bytearray(rest)
        return line.rstrip(b"\r").decode("ascii", "replace")

    def close(self) -> None:
        self._pending.clear()
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def _guarded(self, action: Any) -> Any:
        serial = _pyserial()
        if self._serial is None:
            raise LinkError(f"{self.name}: is not open")
        try:
            return action(self._serial)
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: of a port closed by the system meanwhile
            raise LinkError(f"{self.name}: the board is gone: {_reason(error)}") from None


def _pyserial() -> Any:
    """pyserial, which only links to boards need."""
    try:
        import serial
    except ImportError:
        raise LinkError("serial ports need pyserial; pip install 'mcusim[board]' brings it") from None
    return serial


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _ports() -> str:
    """The ports that there are, for people."""
    from serial.tools import list_ports

    found = ", ".join(sorted(port.device for port in list_ports.comports())[:8])
    return f"; there are {found}" if found else "; there is no serial port on this machine"
