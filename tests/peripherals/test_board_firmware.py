"""Small programs of ours on whole boards: clock set-up, serial output, timers and interrupts, through the real machine."""

from __future__ import annotations

import re

import pytest

import mcusim
from kernels_c.toolchain import Layout

RP_SRAM, KIB = 0x20000000, 1024
BOARDS = {
    # board: (core, place in memory, core clock, greeting)
    "raspberry-pi-pico": ("m0plus", Layout(0x10000000, 64 * KIB, RP_SRAM, 256 * KIB), 125_000_000, "hello from pico"),
    "raspberry-pi-pico-2": ("m33", Layout(0x10000000, 64 * KIB, RP_SRAM, 512 * KIB), 150_000_000, "hello from pico 2"),
    "nano-33-ble": ("m4", Layout(0, 64 * KIB, RP_SRAM, 256 * KIB), 64_000_000, "hello from nano"),
    "nrf5340-dk": ("m33", Layout(0, 64 * KIB, RP_SRAM, 512 * KIB), 128_000_000, "hello from nrf5340"),
    "teensy-4.0": ("m7", Layout(0x60002000, 64 * KIB, RP_SRAM, 128 * KIB), 600_000_000, "hello from teensy"),
    "frdm-mcxn947": ("m33", Layout(0, 64 * KIB, RP_SRAM, 416 * KIB), 150_000_000, "hello from mcx"),
}


def source(board: str) -> str:
    return f"boards/{re.sub('[-.]', '_', board)}.c"


@pytest.fixture(scope="module", params=BOARDS)
def booted(request, build):
    board = request.param
    core, layout, hertz, greeting = BOARDS[board]
    report = mcusim.run(build(source(board), core, layout=layout), board=board, max_seconds=1, timeout_seconds=120)
    return board, report, hertz, greeting


def test_the_program_greets_through_its_uart_and_ends(booted):
    _, report, _, greeting = booted
    lines = report.serial.split("\r\n")
    assert lines[0] == greeting
    assert "done" in lines
    assert (report.exit.reason, report.exit.code) == ("exit", 0)


def test_a_millisecond_of_the_chips_timer_is_its_share_of_core_cycles(booted):
    _, report, hertz, _ = booted
    match = re.search(r"cycles in a millisecond (\d+)", report.serial)
    assert match is not None
    # Both ends are seen by polling, from flash: allow the time of one turn of the loop.
    assert int(match[1]) == pytest.approx(hertz / 1000, rel=0.004)


def test_the_core_clock_is_what_the_program_set_up(booted):
    _, report, hertz, _ = booted
    assert report.clock_hertz == hertz


def test_nothing_that_the_program_touches_is_unmodelled(booted):
    board, report, _, _ = booted
    assert [use for use in report.unmodelled if use.peripheral] == [], board


def test_the_divider_of_rp2040_and_the_coprocessor_of_rp2350_answer(booted):
    board, report, _, _ = booted
    expected = {"raspberry-pi-pico": ["quotient 58823", "remainder 12"], "raspberry-pi-pico-2": ["pin 1"]}
    for line in expected.get(board, []):
        assert line in report.serial
