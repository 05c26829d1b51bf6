"""Assemble and compile the ROM images of this folder: ``python build.py`` writes NAME.hex beside the sources.

Needs arm-none-eabi-gcc. The images are part of the package, so that a simulation needs no compiler.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = {
    "rp2040": ("cortex-m0plus", ("rp2040.S",)),
    "rp2350": ("cortex-m33", ("rp2350.S",)),
}
LINE_BYTES = 32


def assemble(name: str) -> bytes:
    """The image ``name`` from its sources, from address 0."""
    core, sources = SOURCES[name]
    with tempfile.TemporaryDirectory() as folder:
        elf, image = Path(folder) / "rom.elf", Path(folder) / "rom.bin"
        paths = [str(HERE / source) for source in sources]
        command = [
            "arm-none-eabi-gcc",
            f"-mcpu={core}",
            "-mthumb",
            "-Os",
            "-ffreestanding",
            "-nostdlib",
            "-nostartfiles",
        ]
        subprocess.run([*command, "-Wl,-Ttext=0,-e,0", *paths, "-o", str(elf)], check=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(image)], check=True)
        return image.read_bytes()


def format_hex(name: str, image: bytes) -> str:
    """The image as text, for people and for ``mcusim.machine.boot.read_rom``."""
    lines = [image[start : start + LINE_BYTES].hex() for start in range(0, len(image), LINE_BYTES)]
    return "\n".join([f"# {name}: {len(image)} bytes from {', '.join(SOURCES[name][1])}", *lines, ""])


def main() -> None:
    for name in sys.argv[1:] or SOURCES:
        (HERE / f"{name}.hex").write_text(format_hex(name, assemble(name)), encoding="ascii")


if __name__ == "__main__":
    main()
