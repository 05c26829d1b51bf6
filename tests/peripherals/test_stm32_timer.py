"""Timers: counts and flags at the cycle that prescaler, auto-reload and compare registers say."""

from __future__ import annotations

import pytest

from tests.peripherals.stm32_chip import Stm32Chip

CR1, SMCR, DIER, SR, EGR, CCMR1, CNT, PSC, ARR, RCR, CCR1, CCR2 = (
    0x00, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38,
)  # fmt: skip
CEN, UDIS, URS, OPM, DIR, ARPE, UIFREMAP = 1, 2, 4, 8, 1 << 4, 1 << 7, 1 << 11
UIF, CC1, CC2 = 1, 2, 4
UPDATE = 1


@pytest.fixture
def chip() -> Stm32Chip:
    """NUCLEO-L4R5ZI: timers count at 4 MHz, one tick a core cycle."""
    return Stm32Chip("nucleo-l4r5zi")


def start(chip: Stm32Chip, name: str = "tim3", *, psc: int = 0, arr: int = 0xFFFF, control: int = 0, dier: int = 0) -> None:
    """Program a timer as HALs do: load by an update event, clear the flag, enable."""
    chip.set(name, PSC, psc)
    chip.set(name, ARR, arr)
    chip.set(name, EGR, UPDATE)
    chip.set(name, SR, 0)
    chip.set(name, DIER, dier)
    chip.set(name, CR1, CEN | control)


def test_the_counter_advances_once_every_psc_plus_one_cycles(chip):
    start(chip, psc=3)
    chip.advance(17)
    assert chip.get("tim3", CNT) == 4
    chip.advance(3)
    assert chip.get("tim3", CNT) == 5


def test_the_counter_wraps_after_arr_and_sets_the_update_flag(chip):
    start(chip, psc=3, arr=9)
    chip.advance(39)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (9, 0)
    chip.advance(1)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (0, UIF)


def test_the_update_interrupt_comes_at_its_cycle_and_again_each_period(chip):
    start(chip, arr=99, dier=UIF)
    chip.advance(99)
    assert not chip.line("tim3")
    chip.advance(1)
    assert chip.line("tim3")
    chip.set("tim3", SR, 0)
    assert not chip.line("tim3")
    chip.advance(99)
    assert not chip.line("tim3")
    chip.advance(1)
    assert chip.line("tim3")


def test_a_late_acknowledgement_does_not_shift_the_following_periods(chip):
    start(chip, arr=99, dier=UIF)
    chip.advance(130)
    chip.set("tim3", SR, 0)
    chip.advance(69)
    assert not chip.line("tim3")
    chip.advance(1)
    assert chip.line("tim3")


def test_a_32_bit_timer_counts_beyond_16_bits(chip):
    start(chip, "tim2", arr=0xFFFFFFFF)
    chip.advance(70_000)
    assert chip.get("tim2", CNT) == 70_000


def test_a_16_bit_timer_wraps_at_65536(chip):
    start(chip)
    chip.advance(70_000)
    assert chip.get("tim3", CNT) == 70_000 - 65_536


def test_a_timer_left_alone_for_long_is_right_at_once(chip):
    start(chip, psc=1, arr=6)
    chip.advance(10**12 + 5)
    assert chip.get("tim3", CNT) == (10**12 + 5) // 2 % 7
    assert len(chip.agenda.heap) < 5


def test_stopping_keeps_the_count_and_starting_goes_on(chip):
    start(chip)
    chip.advance(50)
    chip.set("tim3", CR1, 0)
    chip.advance(50)
    assert chip.get("tim3", CNT) == 50
    chip.set("tim3", CR1, CEN)
    chip.advance(5)
    assert chip.get("tim3", CNT) == 55


def test_a_written_count_is_counted_from(chip):
    start(chip, psc=9)
    chip.advance(5)
    chip.set("tim3", CNT, 1000)
    chip.advance(10)
    assert chip.get("tim3", CNT) == 1001


def test_a_new_prescaler_waits_for_the_update_event(chip):
    start(chip, arr=9)
    chip.set("tim3", PSC, 9)
    chip.advance(9)
    assert chip.get("tim3", CNT) == 9
    chip.advance(1 + 25)
    assert chip.get("tim3", CNT) == 2


def test_a_preloaded_auto_reload_waits_for_the_update_event(chip):
    start(chip, arr=9, control=ARPE)
    chip.set("tim3", ARR, 4)
    chip.advance(9)
    assert chip.get("tim3", CNT) == 9
    chip.advance(1 + 5)
    assert chip.get("tim3", CNT) == 0


def test_an_auto_reload_without_preload_counts_at_once(chip):
    start(chip, arr=99)
    chip.advance(3)
    chip.set("tim3", ARR, 4)
    chip.advance(2)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (0, UIF)


def test_one_pulse_mode_stops_at_the_update_event(chip):
    start(chip, arr=9, control=OPM)
    chip.advance(25)
    assert (chip.get("tim3", CNT), chip.get("tim3", CR1) & CEN, chip.get("tim3", SR) & UIF) == (0, 0, UIF)


def test_an_update_by_software_restarts_count_and_prescaler(chip):
    start(chip, psc=9)
    chip.advance(25)
    chip.set("tim3", EGR, UPDATE)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (0, UIF)
    chip.advance(9)
    assert chip.get("tim3", CNT) == 0
    chip.advance(1)
    assert chip.get("tim3", CNT) == 1


def test_urs_keeps_a_software_update_from_setting_the_flag(chip):
    start(chip, control=URS)
    chip.set("tim3", EGR, UPDATE)
    assert chip.get("tim3", SR) & UIF == 0


def test_udis_keeps_the_counter_from_raising_updates(chip):
    start(chip, arr=9, control=UDIS)
    chip.advance(25)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (5, 0)


def test_counting_down_starts_at_arr_and_updates_at_underflow(chip):
    start(chip, arr=9, control=DIR)
    chip.set("tim3", EGR, UPDATE)
    chip.set("tim3", SR, 0)
    assert chip.get("tim3", CNT) == 9
    chip.advance(9)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (0, 0)
    chip.advance(1)
    assert (chip.get("tim3", CNT), chip.get("tim3", SR) & UIF) == (9, UIF)


def test_centre_aligned_counting_goes_up_and_down_and_updates_at_both_ends(chip):
    start(chip, arr=5, control=1 << 5)
    counts, updates = [], []
    for _ in range(11):
        counts.append(chip.get("tim3", CNT))
        updates.append(chip.get("tim3", SR) & UIF)
        chip.set("tim3", SR, 0)
        chip.advance(1)
    assert counts == [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]
    assert updates == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_the_repetition_counter_skips_updates(chip):
    chip.set("tim1", RCR, 2)
    start(chip, "tim1", arr=9)
    chip.advance(29)
    assert chip.get("tim1", SR) & UIF == 0
    chip.advance(1)
    assert chip.get("tim1", SR) & UIF


def test_a_compare_match_sets_its_flag_and_raises_the_interrupt(chip):
    chip.set("tim2", CCR1, 500)
    chip.set("tim2", CCR2, 700)
    start(chip, "tim2", arr=0xFFFFFFFF, dier=CC1)
    chip.advance(499)
    assert not chip.line("tim2")
    chip.advance(1)
    assert chip.line("tim2") and chip.get("tim2", SR) & (CC1 | CC2) == CC1
    chip.set("tim2", SR, ~CC1 & 0xFFFFFFFF)
    assert not chip.line("tim2")
    chip.advance(200)
    assert chip.get("tim2", SR) & CC2


def test_a_compare_value_moved_ahead_matches_again_in_the_same_period(chip):
    chip.set("tim2", CCR1, 100)
    start(chip, "tim2", arr=0xFFFFFFFF, dier=CC1)
    for expected in (100, 250, 400):
        chip.set("tim2", CCR1, expected)
        chip.set("tim2", SR, 0)
        chip.advance(expected - 1 - chip.get("tim2", CNT))
        assert not chip.line("tim2")
        chip.advance(1)
        assert chip.line("tim2")


def test_a_compare_value_that_has_passed_matches_in_the_next_period(chip):
    chip.set("tim3", CCR1, 50)
    start(chip, arr=99, dier=CC1)
    chip.advance(50)
    chip.set("tim3", SR, 0)
    chip.set("tim3", CCR1, 20)
    chip.advance(69)
    assert not chip.line("tim3")
    chip.advance(1)
    assert chip.line("tim3")


def test_a_capture_channel_never_matches(chip):
    chip.set("tim3", CCMR1, 1)
    chip.set("tim3", CCR1, 5)
    start(chip, arr=99)
    chip.advance(300)
    assert chip.get("tim3", SR) & CC1 == 0


def test_flags_can_be_set_by_software(chip):
    chip.set("tim3", DIER, CC1)
    chip.set("tim3", EGR, CC1)
    assert chip.get("tim3", SR) & CC1 and chip.line("tim3")


def test_advanced_timers_have_separate_lines(chip):
    chip.set("tim1", CCR1, 4)
    start(chip, "tim1", arr=9, dier=UIF | CC1)
    chip.advance(4)
    assert chip.line("tim1", "cc") and not chip.line("tim1", "up")
    chip.advance(6)
    assert chip.line("tim1", "up")


def test_timers_that_share_a_line_are_ored(chip):
    start(chip, "tim1", arr=9, dier=UIF)
    start(chip, "tim16", arr=19, dier=UIF)
    chip.advance(20)
    chip.set("tim16", SR, 0)
    assert chip.line("tim1", "up")
    chip.set("tim1", SR, 0)
    assert not chip.line("tim1", "up")


def test_the_update_flag_can_be_read_with_the_count(chip):
    start(chip, arr=9, control=UIFREMAP)
    chip.advance(13)
    assert chip.get("tim3", CNT) == 1 << 31 | 3


def test_a_clock_change_keeps_the_count_and_changes_the_rate(chip):
    start(chip, psc=3)
    chip.advance(40)
    chip.set("rcc", 0x08, 0b1000 << 4 | 0b100 << 8)  # HPRE /2, PPRE1 /2: timers at the core clock
    chip.advance(40)
    assert chip.get("tim3", CNT) == 20
    chip.set("rcc", 0x08, 0b101 << 8)  # HPRE /1, PPRE1 /4: timers at half the core clock
    chip.advance(40)
    assert chip.get("tim3", CNT) == 25


def test_an_unmodelled_slave_mode_is_warned_about(chip):
    chip.set("tim3", SMCR, 7)
    assert "slave" in chip.warnings[0]


def test_the_slow_twin_agrees_with_every_flag_and_count_of_a_mixed_run(chip):
    """A counter stepped tick by tick in plain Python, against the model that looks only now and then."""
    chip.set("tim3", CCR1, 3)
    start(chip, psc=2, arr=7)
    count, prescale, flags = 0, 0, 0
    for step in (1, 2, 5, 3, 11, 24, 50, 7, 100, 13):
        for _ in range(step):
            prescale = (prescale + 1) % 3
            if prescale == 0:
                count = (count + 1) % 8
                flags |= (UIF if count == 0 else 0) | (CC1 if count == 3 else 0)
        chip.advance(step)
        assert (chip.get("tim3", CNT), chip.get("tim3", SR) & (UIF | CC1)) == (count, flags)
        if step % 2:
            flags = 0
            chip.set("tim3", SR, 0)
