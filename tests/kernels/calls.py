"""Calls of kernels as data: written out as one C program, which checks each answer and its surroundings itself."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import mcusim
from kernels_c import ROOT, source
from tests.support.firmware import KEPT, build_firmware

CORES = ("m0plus", "m4", "m7", "m33")
PLAIN = ("-O2", "-DNN_PLAIN_C")
FAST = ("-O2",)

C_TYPES: Mapping[str, str] = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
    "int64": "int64_t", "float32": "float",
}  # fmt: skip

HEAD = """
#include <stdint.h>
#include "arm_nnfunctions.h"
#include "nn_extra.h"
#include "uart.h"

enum { GUARD = 8, FILL = 0xA5 };
static uint8_t place[@LARGEST@ + 2 * GUARD + 4] __attribute__((aligned(8)));

static int check(const char *name, int status, int wanted_status, const uint8_t *output, const void *wanted, uint32_t size)
{
    const uint8_t *const expected = wanted;
    if (status != wanted_status) {
        uart_puts(name);
        uart_puts(": status ");
        uart_put_signed(status);
        uart_putc('\\n');
        return 1;
    }
    for (uint32_t i = 0; i < sizeof place; i++) {
        const int inside = place + i >= output && place + i < output + size;
        const uint8_t byte = inside && !wanted_status ? expected[place + i - output] : FILL;
        if (place[i] != byte) {
            uart_puts(name);
            uart_puts(": byte ");
            uart_put_signed((int32_t)(place + i - output));
            uart_puts(" is ");
            uart_put_signed((int8_t)place[i]);
            uart_puts(", not ");
            uart_put_signed((int8_t)byte);
            uart_putc('\\n');
            return 1;
        }
    }
    return 0;
}
"""

HOST_CONSOLE = '#include <stdio.h>\n#include "uart.h"\nvoid uart_putc(char character) { putchar(character); }\n'


@dataclass(frozen=True)
class Case:
    """``call`` is a C expression that gives a status; it may use the names of ``arrays``, and ``output``.

    ``declarations`` are C statements in front of it. ``shift`` moves arrays of int8 off their alignment, by bytes.
    ``status`` is what the call must give; where that is an error, nothing may be written.
    """

    name: str
    call: str
    output: np.ndarray
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    declarations: str = ""
    shift: int = 0
    status: int = 0

    def text(self) -> tuple[str, str]:
        """The arrays and the function of this case."""
        arrays = {**self.arrays, "wanted": self.output}
        constants = "".join(self.array(name, values) for name, values in arrays.items())
        pointers = "".join(f"    {self.pointer(name, values)}\n" for name, values in self.arrays.items())
        kind = C_TYPES[self.output.dtype.name]
        body = (
            f"    {kind} *const output = ({kind} *)(place + GUARD + {self.offset(self.output)});\n{pointers}"
            f"    __builtin_memset(place, FILL, sizeof place);\n    {self.declarations}\n    const int status = {self.call};\n"
            f"    return check(\"{self.name}\", status, {self.status}, (const uint8_t *)output, "
            f"{self.name}_wanted + {self.offset(self.output)}, {self.output.nbytes});\n"
        )
        return constants, f"static int {self.name}(void)\n{{\n{body}}}\n"

    def offset(self, values: np.ndarray) -> int:
        """Elements in front of an array, so that it starts off alignment."""
        return self.shift if values.dtype.itemsize == 1 else 0

    def array(self, name: str, values: np.ndarray) -> str:
        kind = C_TYPES[values.dtype.name]
        numbers = [*["0"] * self.offset(values), *(literal(value) for value in values.ravel())]
        return f"static const {kind} {self.name}_{name}[] __attribute__((aligned(8))) = {{{', '.join(numbers)}}};\n"

    def pointer(self, name: str, values: np.ndarray) -> str:
        return f"const {C_TYPES[values.dtype.name]} *const {name} = {self.name}_{name} + {self.offset(values)};"


def dims(shape: Sequence[int]) -> str:
    """The initialiser of a cmsis_nn_dims whose last dimensions are ``shape``."""
    return f"{{{', '.join(map(str, (1,) * (4 - len(shape)) + tuple(shape)))}}}"


def literal(value: np.generic) -> str:
    """A number as C writes it, exact."""
    if value.dtype.kind == "f":
        return f"{float(value).hex()}f"
    return "INT32_MIN" if value == -(2**31) else str(value)


def program(cases: Sequence[Case]) -> str:
    """The C program that runs all cases, and says how many agree."""
    largest = max(case.output.nbytes for case in cases)
    parts = [part for case in cases for part in case.text()]
    calls = "".join(f"    failed += {case.name}();\n" for case in cases)
    return (
        HEAD.replace("@LARGEST@", str(largest))
        + "".join(parts)
        + f"int main(void)\n{{\n    int failed = 0;\n{calls}    uart_put_signed({len(cases)} - failed);\n"
        + '    uart_puts(" agree\\n");\n    return failed != 0;\n}\n'
    )


def kernels(names: Sequence[str]) -> list[Path]:
    """The sources of kernels."""
    return [source(f"src/{name}.c") for name in names]


def check_on_host(cases: Sequence[Case], names: Sequence[str], folder: Path, include: str = "nn_extra.h") -> None:
    """The cases, in plain C on this computer."""
    (folder / "console.c").write_text(HOST_CONSOLE)
    (folder / "cases.c").write_text(f'#include "{include}"\n' + program(cases))
    found = shutil.which("cc")
    command = [found] if found else [sys.executable, "-m", "ziglang", "cc"]
    files = [folder / "console.c", folder / "cases.c", source("src/uart_text.c"), *kernels(names)]
    flags = ["-O1", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", f"-I{ROOT / 'include'}"]
    subprocess.run([*command, *flags, *map(str, files), "-o", str(folder / "cases")], check=True)
    answer = subprocess.run([folder / "cases"], capture_output=True, text=True, check=False)
    printed = answer.stdout + answer.stderr
    assert printed == f"{len(cases)} agree\n", printed


def check_on_target(cases: Sequence[Case], names: Sequence[str], core: str, flags: Sequence[str] = FAST) -> None:
    """The cases, on a simulated core."""
    text = program(cases)
    path = KEPT / f"cases_{hashlib.sha256(text.encode()).hexdigest()[:16]}.c"
    KEPT.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    elf = build_firmware([path, *kernels(names)], core, flags=flags)
    report = mcusim.run(elf, core=core)
    assert report.serial == f"{len(cases)} agree\n", report.serial

