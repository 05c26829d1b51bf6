"""Build a program of ours: ``python -m kernels_c.build demo --core m7 --output build/demo.elf``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kernels_c import kernels
from kernels_c.toolchain import GENERIC, TARGETS, Layout, find_compiler
from mcusim.errors import McusimError

PROGRAMS: Mapping[str, Sequence[str]] = {
    "demo": ("demo/main.c", "src/marks.c", *map(str, kernels())),
}
"""Sources of each program, besides startup, console and library."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when the ELF is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", choices=sorted(PROGRAMS))
    parser.add_argument("--core", choices=sorted(TARGETS), required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--flash", type=memory, metavar="ADDRESS:BYTES", help="of a board; usually 0x00000000:0x400000")
    parser.add_argument("--ram", type=memory, metavar="ADDRESS:BYTES", help="of a board; usually 0x20000000:0x100000")
    parser.add_argument("--compiler", default="", help="gcc or zig; without it the first one found")
    options = parser.parse_args(arguments)
    try:
        compiler = find_compiler(options.compiler)
        compiler.compile(PROGRAMS[options.program], options.output, options.core, layout=placed(options.flash, options.ram))
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: built for {options.core} by {compiler.name} {compiler.version}")
    return 0


def memory(text: str) -> tuple[int, int]:
    """Address and bytes of ``0x24000000:0x80000``. argparse.ArgumentTypeError for anything else."""
    try:
        address, size = (int(part, 0) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: ADDRESS:BYTES, as 0x24000000:0x80000") from None
    if address < 0 or size < 1 or address + size > 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie within 4 GiB")
    return address, size


def placed(flash: tuple[int, int] | None, ram: tuple[int, int] | None) -> Layout:
    """The generic layout, with these memories where they are given."""
    (flash_origin, flash_bytes), (ram_origin, ram_bytes) = (
        flash or (GENERIC.flash_origin, GENERIC.flash_bytes), ram or (GENERIC.ram_origin, GENERIC.ram_bytes),
    )  # fmt: skip
    return Layout(flash_origin, flash_bytes, ram_origin, ram_bytes)


if __name__ == "__main__":
    raise SystemExit(main())
