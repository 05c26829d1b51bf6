"""Our firmware prints the same on qemu-system-arm, an independent implementation of the architecture."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import mcusim
from kernels_c import kernels

pytestmark = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")

# Machines of qemu-system-arm with memory at the places of kernels_c.toolchain.Layout().
MACHINES = {"m3": "mps2-an385", "m4": "mps2-an386", "m7": "mps2-an500"}

# Firmware whose output does not depend on time. Not here: faults.c, since QEMU 7.2 clears the destination of a trapped
# division and accepts SMLAD on a Cortex-M3, and what needs DWT or ITM, which its MPS2 machines lack.
FIRMWARE = ["nvic.c", "vector_table.c", "reset.c", "recursion.c", "memory_functions.c"]


def on_qemu(elf: Path, core: str) -> str:
    # -icount ties QEMU's clock to executed instructions instead of the host's time.
    command = ["qemu-system-arm", "-M", MACHINES[core], "-icount", "shift=5", "-semihosting", "-nographic"]
    answer = subprocess.run(
        [*command, "-kernel", str(elf)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True
    )
    return answer.stdout.decode() + answer.stderr.decode()


@pytest.mark.parametrize("core", MACHINES)
@pytest.mark.parametrize("firmware", FIRMWARE)
def test_firmware_prints_the_same_on_qemu(build: Callable[..., Path], firmware: str, core: str) -> None:
    elf = build(firmware, core)
    report = mcusim.run(elf, core=core)
    assert report.exit.code == 0
    assert on_qemu(elf, core).strip() == report.serial.strip()


# What mpu.c prints depends on the number of regions, which the chip's maker chooses.
@pytest.mark.parametrize("core", MACHINES)
@pytest.mark.parametrize("firmware", ["scheduler.c", "mpu.c"])
def test_firmware_passes_on_both(build: Callable[..., Path], firmware: str, core: str) -> None:
    elf = build(firmware, core)
    assert mcusim.run(elf, core=core).serial.endswith("passed\n")
    assert on_qemu(elf, core).strip().endswith("passed")


def test_a_convolution_gives_the_same_features_on_both(build: Callable[..., Path]) -> None:
    elf = build(["demo/main.c", "src/marks.c", *map(str, kernels())], "m7")
    ours, theirs = mcusim.run(elf, core="m7").serial.splitlines(), on_qemu(elf, "m7").strip().splitlines()
    assert ours[0] == theirs[0]
    assert ours[1].split(", SysTick")[0] == theirs[1].split(", SysTick")[0]
