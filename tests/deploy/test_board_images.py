"""What boot ROMs read, and how a program ends where no debugger listens."""

from __future__ import annotations

import shutil
import struct
import subprocess
import threading

import pytest

from kernels_c import boot2, source
from mcusim import boards
from mcusim import program as programs
from mcusim.deploy.layout import support_of
from tests.support.firmware import build_firmware

needs_gcc = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
needs_qemu = pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")


def image(board_name: str):
    support = support_of(boards.load(board_name))
    sources = ["bring_up.c", "src/marks.c", *support.sources]
    elf = build_firmware(
        sources, support.core, fpu=support.fpu, layout=support.layout, console=support.console, defines=support.defines
    )
    return programs.load(elf)


def test_the_checksum_is_the_one_of_the_data_sheet():
    assert boot2.checksum(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2, which RP2040's ROM uses: check value of its catalogue


def test_the_second_stage_in_flash_has_its_checksum():
    stage = image("raspberry-pi-pico").read(0x1000_0000, 256)
    assert struct.unpack("<I", stage[252:])[0] == boot2.checksum(stage[:252])


@needs_gcc
def test_the_second_stage_is_the_one_of_its_source():
    assert source(boot2.RESULT).read_text() == boot2.as_c(boot2.with_checksum(boot2.assembled()))


def test_rp2350_finds_an_image_for_its_arm_cores():
    head = image("raspberry-pi-pico-2").read(0x1000_0000, 4096)
    words = struct.unpack_from(f"<{len(head) // 4}I", head)
    place = words.index(0xFFFFDED3)
    assert words[place : place + 5] == (0xFFFFDED3, 0x10210142, 0x000001FF, 0, 0xAB123579)


def test_imxrt_finds_how_to_read_its_flash_and_where_the_vectors_are():
    program = image("teensy-4.0")
    assert program.read(0x6000_0000, 4) == b"FCFB"
    assert struct.unpack("<2I", program.read(0x6000_1000, 8)) == (0x412000D1, 0x6000_2000)
    read = struct.unpack("<3I", program.read(0x6000_0080, 12))
    assert read == (0x0A1804EB, 0x32041EFF, 0x00002604)  # EBh, 24 bits on 4 lines, mode FFh, 4 dummy clocks, data


# The UART of the MPS2 machines of qemu-system-arm: Arm DAI 0386, CMSDK APB UART.
UNHEARD = """
#include "semihosting.h"
#define UART 0x40004000

static void say(const char *text)
{
    while (*text) {
        *(volatile unsigned *)UART = (unsigned char)*text++;
    }
}

int main(void)
{
    *(volatile unsigned *)(UART + 16) = 16;
    *(volatile unsigned *)(UART + 8) = 1;
    say("before, ");
    semihosting_call(SYS_WRITEC, "x");
    say("behind\\n");
    return 0;
}
"""


MACHINES = [("m0plus", "mps2-an385"), ("m3", "mps2-an385"), ("m4", "mps2-an386"), ("m7", "mps2-an500")]
"""QEMU has no Cortex-M0+ with memory there; a Cortex-M3 runs its code."""


@needs_qemu
@pytest.mark.parametrize("core,machine", MACHINES)
def test_a_semihosting_call_that_nobody_answers_is_stepped_over(core, machine, tmp_path):
    path = tmp_path / "unheard.c"
    path.write_text(UNHEARD)
    elf = build_firmware([path, "board/end.c"], core)
    command = ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-kernel", str(elf)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        process.kill()
    assert line.strip() == b"before, behind"
