"""RP2040's second stage of boot as C: ``python -m kernels_c.boot2`` writes board/boot2_rp2040.c from the assembly beside it.

Needs arm-none-eabi-gcc and -objcopy. The result is kept, so that a build for the board needs no other tools than any.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

from kernels_c import ROOT, source

SOURCE, RESULT = "board/boot2_rp2040.S", "board/boot2_rp2040.c"
STAGE_BYTES = 256
"""Of which the last four are a checksum (RP2040 Datasheet 2.8.1.3.1)."""
POLYNOMIAL = 0x04C11DB7


def checksum(data: bytes) -> int:
    """CRC-32 as RP2040's ROM reckons it: most significant bit first, from ones, not inverted at the end (2.8.1.3.1)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (POLYNOMIAL if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def assembled() -> bytes:
    """The stage from its source."""
    with tempfile.TemporaryDirectory() as folder:
        made, image = Path(folder) / "boot2.o", Path(folder) / "boot2.bin"
        subprocess.run(["arm-none-eabi-gcc", "-c", str(source(SOURCE)), "-o", str(made)], check=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(made), str(image)], check=True)
        return image.read_bytes()


def with_checksum(code: bytes) -> bytes:
    """The stage as it lies in flash. ValueError where it is too long."""
    if len(code) > STAGE_BYTES - 4:
        raise ValueError(f"the second stage has {len(code)} bytes; at most {STAGE_BYTES - 4} fit")
    padded = code.ljust(STAGE_BYTES - 4, b"\0")
    return padded + struct.pack("<I", checksum(padded))


def as_c(stage: bytes) -> str:
    """C source of the stage."""
    words = struct.unpack(f"<{len(stage) // 4}I", stage)
    rows = [", ".join(f"0x{word:08X}" for word in words[start : start + 8]) for start in range(0, len(words), 8)]
    body = "".join(f"    {row},\n" for row in rows)
    return (
        f"/* Made from {Path(SOURCE).name} by `python -m kernels_c.boot2`; the last word is the ROM's checksum. */\n"
        "#include <stdint.h>\n\n"
        '__attribute__((section(".boot2"), used)) const uint32_t boot2[64] = {\n' + body + "};\n"
    )


if __name__ == "__main__":
    (ROOT / RESULT).write_text(as_c(with_checksum(assembled())))
