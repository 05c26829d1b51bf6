"""Measurements and programs of ours in the layout of the published ones."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kernels_c.toolchain import Layout

TIMED_LOOP = """
static volatile unsigned *const DEMCR = (unsigned *)0xE000EDFC;
static volatile unsigned *const CTRL = (unsigned *)0xE0001000;
static volatile unsigned *const CYCCNT = (unsigned *)0xE0001004;
static void call(int number, const void *argument)
{
    register int r0 __asm__("r0") = number;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}
int main(void)
{
    char text[32] = "cycles: ";
    int at = 8;
    *DEMCR |= 1u << 24;
    *CTRL |= 1;
    const unsigned begin = *CYCCNT;
    for (volatile int turn = 0; turn < 1000; turn++) {
    }
    const unsigned spent = *CYCCNT - begin;
    for (unsigned place = 1000000; place; place /= 10)
        text[at++] = (char)('0' + spent / place % 10);
    text[at++] = '\\n';
    text[at] = 0;
    call(4, text); /* SYS_WRITE0 */
    return 0;
}
"""
TABLES: Mapping[str, Sequence[str]] = {
    "pqm4_l4r5zi_cycles.csv": ("scheme", "implementation", "operation", "cycles_mean", "text_bytes"),
    "embench_f407_16mhz.csv": ("benchmark", "cycles_total", "global_scale_factor", "text_bytes"),
    "crypto_m4_cycles.csv": ("function", "cycles"),
    "mlperf_tiny_firmware.csv": ("board", "submitter", "benchmark", "git_blob", "hardware_notes", "measured_latency_s"),
}


def write_table(folder: Path, name: str, *rows: Sequence[object]) -> None:
    """One table of measurements."""
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TABLES[name])
        writer.writerows(rows)


LAYOUT = Layout(flash_origin=0x0800_0000, flash_bytes=0x10_0000, ram_bytes=0x1_0000)
"""Fits every board of the measurements."""


def add_program(build_source: Callable[..., Path], folder: Path, place: str, text: str = TIMED_LOOP) -> Path:
    """The timed loop, at ``place`` in the folder of programs."""
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(build_source(text, "m4", layout=LAYOUT), path)
    return path
