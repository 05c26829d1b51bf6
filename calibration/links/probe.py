"""A debug probe that pyOCD knows, for flashing, and the serial port beside it. Needs pyocd and pyserial (extra ``board``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calibration.links.link import LinkError
from calibration.links.serial_port import SerialLink


class ProbeLink(SerialLink):
    """Flashes with the one probe that is connected, then talks over ``port``; "" is the port of the same USB device.

    ``target`` is pyOCD's name of the chip, "" where it knows the board by its probe.
    """

    def __init__(self, target: str, port: str) -> None:
        super().__init__(port)
        self.target = target
        self.name = "pyOCD"

    def flash(self, elf: Path) -> str:
        pyocd = _pyocd()
        probe = _only_probe(pyocd)
        options = {"target_override": self.target} if self.target else {}
        try:
            with pyocd.Session(probe, options=options) as session:
                pyocd.FileProgrammer(session).program(str(elf), file_format="elf")
                session.target.reset()
        except (pyocd.Error, OSError) as error:
            raise LinkError(f"pyOCD: {elf} cannot be flashed: {error}") from None
        self.port = self.port or _port_of(probe.unique_id)
        self.name = f"{probe.description}, serial port {self.port}"
        return ""


def _pyocd() -> Any:
    """What is used of pyOCD, which takes a second to import."""
    try:
        from pyocd.core.exceptions import Error
        from pyocd.core.helpers import ConnectHelper
        from pyocd.core.session import Session
        from pyocd.flash.file_programmer import FileProgrammer
    except ImportError:
        raise LinkError("debug probes need pyocd; pip install 'mcusim[board]' brings it") from None
    from types import SimpleNamespace

    return SimpleNamespace(Error=Error, ConnectHelper=ConnectHelper, Session=Session, FileProgrammer=FileProgrammer)


def _only_probe(pyocd: Any) -> Any:
    probes = pyocd.ConnectHelper.get_all_connected_probes(blocking=False, print_wait_message=False)
    if len(probes) != 1:
        found = ", ".join(f"{probe.description} ({probe.unique_id})" for probe in probes) or "none"
        raise LinkError(f"pyOCD: needs one debug probe; connected: {found}")
    return probes[0]


def _port_of(unique_id: str) -> str:
    """The serial port of the USB device with this serial number."""
    try:
        from serial.tools import list_ports
    except ImportError:
        raise LinkError("serial ports need pyserial; pip install 'mcusim[board]' brings it") from None
    ports = [port.device for port in list_ports.comports() if port.serial_number == unique_id]
    if len(ports) != 1:
        raise LinkError(f"pyOCD: probe {unique_id} has {len(ports)} serial ports; say with --port which one is the board's")
    return str(ports[0])
