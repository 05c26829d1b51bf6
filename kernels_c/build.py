"""Build a program of ours: ``python -m kernels_c.build demo --core m7 --output build/demo.elf``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kernels_c import kernels
from kernels_c.toolchain import TARGETS, find_compiler
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
    parser.add_argument("--compiler", default="", help="gcc or zig; without it the first one found")
    options = parser.parse_args(arguments)
    try:
        compiler = find_compiler(options.compiler)
        compiler.compile(PROGRAMS[options.program], options.output, options.core)
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: built for {options.core} by {compiler.name} {compiler.version}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
