"""Watchdogs reset the chip when they are not refreshed, at the time that the manuals' formulas give."""

from __future__ import annotations

import pytest

from tests.peripherals.stm32_chip import Stm32Chip

KR, PR, RLR, SR, WINR = 0x00, 0x04, 0x08, 0x0C, 0x10
CR, CFR, WSR = 0x00, 0x04, 0x08


@pytest.fixture
def chip() -> Stm32Chip:
    """NUCLEO-L4R5ZI at 4 MHz, LSI 32 kHz on: 125 core cycles a tick of LSI."""
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("rcc", 0x94, chip.get("rcc", 0x94) | 1)
    return chip


def start_independent(chip: Stm32Chip, prescaler: int, reload: int) -> None:
    for value in (0xCCCC, 0x5555):
        chip.set("iwdg", KR, value)
    chip.set("iwdg", PR, prescaler)
    chip.set("iwdg", RLR, reload)
    chip.set("iwdg", KR, 0xAAAA)


def test_the_independent_watchdog_resets_after_its_reload_value_has_run_down(chip):
    start_independent(chip, 1, 99)  # 100 ticks of 32 kHz / 8: 100 * 8 * 125 cycles
    chip.advance(100_000 - 1)
    assert chip.resets == []
    chip.advance(1)
    assert chip.resets == ["independent watchdog"]


def test_a_refresh_starts_it_over(chip):
    start_independent(chip, 1, 99)
    for _ in range(5):
        chip.advance(60_000)
        chip.set("iwdg", KR, 0xAAAA)
    assert chip.resets == []


def test_its_registers_are_locked_without_the_key(chip):
    chip.set("iwdg", PR, 3)
    assert chip.get("iwdg", PR) == 0


def test_a_refresh_before_the_window_resets(chip):
    start_independent(chip, 0, 999)
    chip.set("iwdg", KR, 0x5555)
    chip.set("iwdg", WINR, 500)
    chip.advance(400 * 4 * 125)
    chip.set("iwdg", KR, 0xAAAA)
    assert chip.resets == ["independent watchdog refreshed before its window"]


def test_its_update_flags_read_ready(chip):
    assert chip.get("iwdg", SR) == 0


def test_a_watchdog_that_was_never_started_never_resets(chip):
    chip.advance(10**9)
    assert chip.resets == []


def test_the_window_watchdog_counts_down_and_resets_below_0x40(chip):
    chip.set("wwdg", CFR, 0x7F)
    chip.set("wwdg", CR, 0x80 | 0x44)  # five steps of 4096 cycles to 0x3F
    chip.advance(2 * 4096)
    assert chip.get("wwdg", CR) == 0x80 | 0x42
    chip.advance(3 * 4096 - 1)
    assert chip.resets == []
    chip.advance(1)
    assert chip.resets == ["window watchdog"]


def test_the_early_wake_up_interrupt_comes_at_0x40(chip):
    chip.set("wwdg", CFR, 0x7F | 1 << 9)
    chip.set("wwdg", CR, 0x80 | 0x44)
    chip.advance(4 * 4096)
    assert chip.line("wwdg") and chip.get("wwdg", WSR) == 1
    chip.set("wwdg", WSR, 0)
    assert not chip.line("wwdg")


def test_the_window_watchdog_must_not_be_refreshed_above_its_window(chip):
    chip.set("wwdg", CFR, 0x50)
    chip.set("wwdg", CR, 0x80 | 0x7F)
    chip.set("wwdg", CR, 0x80 | 0x7F)
    assert chip.resets == ["window watchdog refreshed before its window"]
