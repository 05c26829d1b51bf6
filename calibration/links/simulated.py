"""A simulated board in a process of its own, talked to over a pseudo-terminal like over a serial port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from calibration.links.link import LinkError
from calibration.links.serial_port import SerialLink

PATIENCE = 120.0
"""Seconds in which a simulated board answers: its UART is simulated as well."""


class SimulatedLink:
    """Starts ``python -m calibration.simulated_board`` with these options, and connects to the port that it names."""

    def __init__(self, options: Sequence[str]) -> None:
        self.options, self.patience = tuple(options), PATIENCE
        self.name, self.starts = "simulated board", True
        self._process: subprocess.Popen[str] | None = None
        self._port = SerialLink("")

    def flash(self, elf: Path) -> str:
        self.options = (*self.options, "--elf", str(elf))
        return ""

    def open(self) -> None:
        self.close()
        command = [sys.executable, "-m", "calibration.simulated_board", *self.options, "--with-parent"]
        # a session of its own: Ctrl-C is for this process
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            raise LinkError(f"{self.name}: ended at once with exit code {self._process.wait()}")
        self._port = SerialLink(port, self.patience)
        self._port.open()

    def send(self, line: str) -> None:
        self._port.send(line)

    def read_line(self, seconds: float) -> str:
        return self._port.read_line(seconds)

    def close(self) -> None:
        self._port.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None
