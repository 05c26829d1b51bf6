"""Clock control: clocks worked out by hand from the reference manuals' formulas, and the flags that HALs wait for."""

from __future__ import annotations

import pytest

from mcusim.errors import BoardError, McusimError
from mcusim.machine.peripherals.clock_tree import ClockTree
from tests.peripherals.stm32_chip import Stm32Chip


def program_l4_pll(chip: Stm32Chip) -> None:
    """MSI 4 MHz / 1 * 60 / 2 = 120 MHz."""
    chip.set("rcc", 0x0C, 1 | 60 << 8 | 0 << 25 | 1 << 24)  # PLLSRC = MSI, PLLM = 1, PLLN = 60, PLLR = 2
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)


def test_an_l4_runs_from_its_pll_once_the_firmware_switches():
    chip = Stm32Chip("nucleo-l4r5zi")
    program_l4_pll(chip)
    assert chip.get("rcc", 0x00) >> 25 & 1 == 1 and chip.hertz == 4_000_000
    chip.set("rcc", 0x08, 3)
    assert (chip.hertz, chip.get("rcc", 0x08) >> 2 & 3) == (120_000_000, 3)


def test_bus_prescalers_divide_and_timers_run_at_twice_a_divided_bus():
    chip = Stm32Chip("nucleo-l4r5zi")
    program_l4_pll(chip)
    chip.set("rcc", 0x08, 3 | 0b1000 << 4 | 0b101 << 8)  # HPRE /2, PPRE1 /4, PPRE2 /1
    rates = [chip.clock_hertz(name) for name in ("core", "apb1", "apb1_timers", "apb2", "apb2_timers", "systick")]
    assert rates == [60_000_000, 15_000_000, 30_000_000, 60_000_000, 60_000_000, 7_500_000]


def test_an_oscillator_that_the_board_does_not_have_never_gets_ready_and_cannot_be_switched_to():
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 16)  # HSEON
    chip.set("rcc", 0x08, 2)
    assert chip.get("rcc", 0x00) >> 17 & 1 == 0
    assert (chip.get("rcc", 0x08) >> 2 & 3, chip.hertz) == (0, 4_000_000)


def test_a_switch_that_waits_for_its_clock_is_carried_out_when_the_clock_starts():
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("rcc", 0x08, 1)
    assert chip.hertz == 4_000_000
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 8)  # HSION
    assert (chip.hertz, chip.get("rcc", 0x08) >> 2 & 3) == (16_000_000, 1)


def test_switching_off_the_clock_that_the_core_runs_from_stops_the_run_with_a_sentence():
    chip = Stm32Chip("nucleo-l4r5zi")
    with pytest.raises(McusimError, match="switched off the clock"):
        chip.set("rcc", 0x00, 0)


def test_msi_ranges_come_from_the_run_register_only_when_it_is_selected():
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("rcc", 0x00, 0x0B0 | 1)
    assert chip.hertz == 4_000_000
    chip.set("rcc", 0x00, 0x0B0 | 1 << 3 | 1)
    assert chip.hertz == 48_000_000


def test_a_u5_multiplies_by_whole_and_fractional_parts():
    chip = Stm32Chip("nucleo-u575zi-q")
    chip.set("rcc", 0x28, 1 | 1 << 4 | 1 << 18)  # PLL1: MSIS, fraction on, R on
    chip.set("rcc", 0x34, 79 | 1 << 24)  # N = 80, R = 2
    chip.set("rcc", 0x38, 4096 << 3)  # + 4096 / 8192
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)
    chip.set("rcc", 0x1C, 3)
    assert chip.hertz == 161_000_000  # 4 MHz * 80.5 / 2


def test_a_u3_runs_at_96_mhz_from_its_first_msi_oscillator():
    chip = Stm32Chip("nucleo-u385rg-q")
    chip.set("rcc", 0x08, 1 << 23)  # MSIRGSEL, MSISSEL = 0, MSISDIV = 0
    assert chip.hertz == 96_000_000


def test_an_f7_derives_216_mhz_from_the_boards_crystal_and_timers_follow_timpre():
    chip = Stm32Chip("f746g-disco")
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 16)
    assert chip.get("rcc", 0x00) >> 17 & 1 == 1
    chip.set("rcc", 0x04, 25 | 432 << 6 | 0 << 16 | 1 << 22 | 9 << 24)  # 25 MHz / 25 * 432 / 2
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)
    chip.set("rcc", 0x08, 2 | 0b101 << 10 | 0b100 << 13)  # APB1 /4, APB2 /2
    assert [chip.clock_hertz(name) for name in ("core", "apb1", "apb2")] == [216_000_000, 54_000_000, 108_000_000]
    assert chip.clock_hertz("apb1_timers") == 108_000_000
    chip.set("rcc", 0x8C, 1 << 24)
    assert [chip.clock_hertz(name) for name in ("apb1_timers", "apb2_timers")] == [216_000_000, 216_000_000]
    assert chip.clock_hertz("pll1_q") == 48_000_000


@pytest.mark.parametrize(("board", "crystal", "n", "hertz"), [
    ("nucleo-h7a3zi-q", 8_000_000, 70, 280_000_000), ("nucleo-h743zi", 8_000_000, 120, 480_000_000),
    ("openmv-h7-r2", 12_000_000, 80, 480_000_000),
])  # fmt: skip
def test_an_h7_runs_its_bus_at_half_the_core_clock(board, crystal, n, hertz):
    chip = Stm32Chip(board)
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 16)
    chip.set("rcc", 0x28, 2 | 1 << 4)  # PLLSRC = HSE, DIVM1 = 1
    chip.set("rcc", 0x30, (n - 1) | 1 << 9)  # N, P = 2
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)
    chip.set("rcc", 0x18, 0b1000)  # HPRE /2
    chip.set("rcc", 0x10, 3)
    assert crystal * n // 2 == hertz == chip.hertz
    assert chip.clock_hertz("ahb") == hertz // 2


def test_a_g0_divides_and_multiplies_its_internal_oscillator():
    chip = Stm32Chip("nucleo-g0b1re")
    chip.set("rcc", 0x0C, 2 | 8 << 8 | 1 << 28 | 1 << 29)  # HSI16 / 1 * 8 / 2
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)
    chip.set("rcc", 0x08, 2)
    assert (chip.hertz, chip.get("rcc", 0x08) >> 3 & 7) == (64_000_000, 2)


@pytest.mark.parametrize(("board", "n", "hertz"), [
    ("stm32f4discovery", 336, 168_000_000), ("nucleo-f446re", 360, 180_000_000),
])  # fmt: skip
def test_an_f4_runs_at_its_rated_clock(board, n, hertz):
    chip = Stm32Chip(board)
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 16)
    chip.set("rcc", 0x04, 8 | n << 6 | 1 << 22)  # 8 MHz / 8 * N / 2
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 24)
    chip.set("rcc", 0x08, 2 | 0b101 << 10)
    assert chip.hertz == chip.board.rated_hertz == hertz
    assert chip.clock_hertz("apb1_timers") == hertz // 2


def test_a_kernel_clock_follows_its_selection():
    chip = Stm32Chip("nucleo-l4r5zi")
    assert chip.clock_hertz("lpuart1") == 4_000_000
    chip.set("rcc", 0x00, chip.get("rcc", 0x00) | 1 << 8)
    chip.set("rcc", 0x88, 2 << 10)  # CCIPR.LPUART1SEL = HSI16
    assert chip.clock_hertz("lpuart1") == 16_000_000
    chip.set("rcc", 0x88, 3 << 10)  # LSE, off
    assert chip.clock_hertz("lpuart1") == 0


def test_a_reset_bit_resets_its_peripheral():
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("usart2", 0x0C, 35)
    chip.set("rcc", 0x38, 1 << 17)  # APB1RSTR1.USART2RST
    assert chip.get("usart2", 0x0C) == 0


def test_a_system_reset_goes_back_to_the_reset_clock():
    chip = Stm32Chip("nucleo-l4r5zi")
    program_l4_pll(chip)
    chip.set("rcc", 0x08, 3)
    chip.peripheral("rcc").reset_registers()
    assert chip.hertz == 4_000_000


@pytest.mark.parametrize(("clocks", "message"), [
    ({"a": {"hertz": 1, "from": "b"}}, "exactly one"),
    ({"a": {"from": "b"}}, "'b' is unknown"),
    ({"a": {"select": ["b"]}, "b": {"hertz": 1}}, "needs the field"),
    ({"a": {"hertz": 1, "colour": 2}}, "colour.*allowed"),
    ({"a": {"hertz": 1, "divide": {"plus": 1}}}, "factor"),
    ({"a": {"hertz": 1, "enabled": [0]}}, "no field"),
    ({"a": {"hertz": 1, "enabled": ["x", 0]}}, "no register offset"),
])  # fmt: skip
def test_a_mistake_in_a_clock_tree_is_refused(clocks, message):
    with pytest.raises(BoardError, match=message):
        ClockTree(clocks, lambda offset: 0, "rcc")


def test_a_reserved_prescaler_setting_is_refused_when_the_clock_is_asked_for():
    clocks = {"a": {"hertz": 8}, "b": {"from": "a", "divide": {"field": [0, 0, 2], "values": [1, 2]}}}
    with pytest.raises(McusimError, match="setting 3 is reserved"):
        ClockTree(clocks, lambda offset: 3, "rcc").rate("b")


def test_an_unknown_clock_lists_the_known_ones():
    with pytest.raises(BoardError, match="unknown clock 'c'; known are a"):
        ClockTree({"a": {"hertz": 8}}, lambda offset: 0, "rcc").rate("c")


class TestResetFlags:
    """CSR of STM32L4R5: PINRSTF 26, SFTRSTF 28, IWDGRSTF 29, WWDGRSTF 30, RMVF 23."""

    PIN, SOFTWARE, IWDG, REMOVE = 1 << 26, 1 << 28, 1 << 29, 1 << 23

    def test_a_reset_by_the_firmware_sets_the_software_flag(self):
        chip = Stm32Chip("nucleo-l4r5zi")
        assert chip.get("rcc", 0x94) & (self.PIN | self.SOFTWARE) == self.PIN
        chip.peripheral("rcc").reset_registers()
        assert chip.get("rcc", 0x94) & (self.PIN | self.SOFTWARE) == self.PIN | self.SOFTWARE

    def test_a_bite_of_the_watchdog_sets_its_flag(self):
        chip = Stm32Chip("nucleo-l4r5zi")
        chip.set("iwdg", 0x00, 0xCCCC)
        chip.advance_seconds(1)
        chip.peripheral("rcc").reset_registers()
        assert chip.resets and chip.get("rcc", 0x94) & (self.SOFTWARE | self.IWDG) == self.IWDG

    def test_flags_stay_until_the_firmware_removes_them_all(self):
        chip = Stm32Chip("nucleo-l4r5zi")
        chip.peripheral("rcc").reset_registers()
        chip.set("rcc", 0x94, 0x600)
        assert chip.get("rcc", 0x94) & self.SOFTWARE
        chip.set("rcc", 0x94, 0x600 | self.REMOVE)
        assert chip.get("rcc", 0x94) == 0x600
