"""Register banks as data, and the small peripherals: GPIO, EXTI, RNG, CRC, FLASH, ICACHE, HSEM, LPTIM, RTC."""

from __future__ import annotations

import binascii

import pytest

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import BoardError, UnsupportedError
from mcusim.machine.peripherals import create
from mcusim.machine.peripherals.stm32_flash import FlashTiming
from mcusim.machine.peripherals.stm32_icache import CacheTiming
from tests.peripherals.stm32_chip import Stm32Chip


@pytest.fixture
def chip() -> Stm32Chip:
    return Stm32Chip("nucleo-l4r5zi")


def bank(chip: Stm32Chip, **parameters):
    return create(chip, PeripheralSpec("bank", "register-bank", 0x4000_0000, parameters=parameters))


class TestRegisterBank:
    def test_a_register_reads_as_last_written_and_counts_as_unmodelled_unless_it_has_a_reset_value(self, chip):
        registers = bank(chip, reset={"0x00": 7})
        registers.write(0x10, 4, 5)
        assert (registers.read(0, 4), registers.read(0x10, 4)) == (7, 5)
        assert registers.unmodelled == {0x10: 2}

    def test_a_peripheral_that_nobody_models_counts_every_access(self, chip):
        spec = PeripheralSpec("sai1", "unmodelled", 0x4001_5400, parameters={"reset": {"0x00": 7}})
        registers = create(chip, spec)
        registers.write(0, 4, 3)
        assert registers.read(0, 4) == 3 and registers.unmodelled == {0: 2}

    def test_bytes_and_halfwords_are_parts_of_their_register(self, chip):
        registers = bank(chip, reset={"0x00": 0x11223344})
        registers.write(1, 1, 0xAB)
        registers.write(2, 2, 0xCDEF)
        assert (registers.read(0, 4), registers.read(2, 1), registers.read(0, 2)) == (0xCDEFAB44, 0xEF, 0xAB44)

    def test_a_ready_field_follows_its_enable_both_ways_and_over_several_steps(self, chip):
        registers = bank(chip, reset={"0x00": 0, "0x04": 0, "0x08": 0},
                         follow=[["0x00", 4, "0x04", 8, 2], ["0x04", 8, "0x08", 0]])  # fmt: skip
        registers.write(0, 4, 3 << 4)
        assert (registers.read(4, 4), registers.read(8, 4)) == (3 << 8, 1)
        registers.write(0, 4, 0)
        assert (registers.read(4, 4), registers.read(8, 4)) == (0, 0)

    def test_read_only_write_one_to_clear_and_self_clearing_bits(self, chip):
        registers = bank(chip, reset={"0x00": 0xFF}, read_only={"0x00": 0x0F}, clear_by_one={"0x00": 0x30},
                         self_clearing={"0x00": 0x80})  # fmt: skip
        registers.write(0, 4, 0x90)
        assert registers.read(0, 4) == 0x0F | 0x20

    def test_ones_written_to_a_clear_register_clear_another(self, chip):
        registers = bank(chip, reset={"0x00": 0xF, "0x04": 0}, clear_through=[["0x04", "0x00"]])
        registers.write(4, 4, 5)
        assert (registers.read(0, 4), registers.read(4, 4)) == (0xA, 0)

    @pytest.mark.parametrize("follow", [[[0, 1, 2]], [["a", 0, 0, 0]], ["no"]])
    def test_a_malformed_field_is_refused(self, chip, follow):
        with pytest.raises(BoardError, match="bank"):
            bank(chip, follow=follow)

    def test_constants_cannot_be_written(self, chip):
        before = chip.load(0x1FFF7590)
        chip.store(0x1FFF7590, 0)
        assert chip.load(0x1FFF7590) == before != 0


class TestGpio:
    MODER, PUPDR, IDR, ODR, BSRR, BRR = 0x00, 0x0C, 0x10, 0x14, 0x18, 0x28

    def test_set_and_reset_act_on_single_pins_and_set_wins(self, chip):
        chip.set("gpiob", self.BSRR, 0b0110)
        chip.set("gpiob", self.BSRR, 0b0010 << 16 | 0b0010 | 0b0100 << 16)
        assert chip.get("gpiob", self.ODR) == 0b0010
        chip.set("gpiob", self.BRR, 0b0010)
        assert chip.get("gpiob", self.ODR) == 0

    def test_outputs_read_back_and_inputs_read_their_pull_up(self, chip):
        chip.set("gpiob", self.MODER, 0b0001)
        chip.set("gpiob", self.PUPDR, 0b0100)
        chip.set("gpiob", self.ODR, 0b0101)
        assert chip.get("gpiob", self.IDR) == 0b0011

    def test_the_board_can_drive_an_input(self, chip):
        spec = PeripheralSpec("gpioc", "stm32-gpio", 0x4800_0800, parameters={"inputs": {"13": 1}})
        assert create(chip, spec).read(self.IDR, 4) == 1 << 13

    def test_ports_start_in_analog_mode_but_for_the_debug_pins(self, chip):
        assert (chip.get("gpioa", self.MODER), chip.get("gpiob", self.MODER)) == (0xABFF_FFFF, 0xFFFF_FEBF)


class TestExti:
    def test_a_software_trigger_pends_its_line_until_a_one_is_written(self, chip):
        chip.set("exti", 0x00, 1 << 12)
        chip.set("exti", 0x10, 1 << 12)
        assert chip.line("exti", "10-15") and chip.get("exti", 0x14) == 1 << 12
        chip.set("exti", 0x14, 1 << 12)
        assert not chip.line("exti", "10-15") and chip.get("exti", 0x14) == 0

    def test_a_masked_line_pends_without_interrupt(self, chip):
        chip.set("exti", 0x10, 1)
        assert chip.get("exti", 0x14) == 1 and not chip.line("exti", "0")


class TestRng:
    def test_words_come_one_after_the_other_and_are_the_same_in_every_run(self):
        runs = []
        for _ in range(2):
            chip = Stm32Chip("stm32f4discovery")
            chip.set("rng", 0x00, 1 << 2)
            words = []
            while len(words) < 3:
                if chip.get("rng", 0x04) & 1:
                    words.append(chip.get("rng", 0x08))
                chip.advance(1)
            runs.append(words)
        assert runs[0] == runs[1] and len(set(runs[0])) == 3

    def test_no_word_is_ready_while_it_is_off(self, chip):
        chip.advance(10_000)
        assert chip.get("rng", 0x04) == 0 and chip.get("rng", 0x08) == 0

    def test_the_interrupt_tells_of_a_word(self, chip):
        chip.set("rng", 0x00, 1 << 2 | 1 << 3)
        chip.advance(1000)
        assert chip.line("rng")
        chip.get("rng", 0x08)
        assert not chip.line("rng")


class TestCrc:
    DR, CR, INIT, POL = 0x00, 0x08, 0x10, 0x14
    TEXT = b"123456789"

    def feed(self, chip, data: bytes) -> int:
        for byte in data:
            chip.set("crc", self.DR, byte, 1)
        return chip.get("crc", self.DR)

    def test_the_reset_settings_compute_crc_32_mpeg_2(self, chip):
        assert self.feed(chip, self.TEXT) == 0x0376E6E7

    def test_reversal_gives_the_crc_of_zip(self, chip):
        chip.set("crc", self.CR, 1 << 5 | 1 << 7 | 1)
        assert self.feed(chip, self.TEXT) ^ 0xFFFFFFFF == binascii.crc32(self.TEXT) == 0xCBF43926

    def test_a_16_bit_polynomial_gives_crc_16_ccitt(self, chip):
        chip.set("crc", self.POL, 0x1021)
        chip.set("crc", self.CR, 1 << 3)
        chip.set("crc", self.INIT, 0xFFFF)
        assert self.feed(chip, self.TEXT) == 0x29B1

    def test_words_equal_their_bytes_most_significant_first(self, chip):
        chip.set("crc", self.DR, 0x31323334)
        by_word = chip.get("crc", self.DR)
        chip.set("crc", self.CR, 1)
        assert self.feed(chip, b"1234") == by_word

    def test_the_unit_of_an_f4_takes_whole_words(self):
        chip = Stm32Chip("stm32f4discovery")
        chip.set("crc", self.DR, 0x00000031)
        assert chip.get("crc", self.DR) == self.mpeg2(bytes([0, 0, 0, 0x31]))

    @staticmethod
    def mpeg2(data: bytes) -> int:
        """CRC-32/MPEG-2 by zlib's reflected CRC-32: the same polynomial on reversed bits."""
        mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
        return int(f"{binascii.crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2)


class TestFlash:
    ACR, KEYR, CR, SR = 0x00, 0x08, 0x14, 0x10

    def test_wait_states_prefetch_and_caches_are_what_the_firmware_programmed(self, chip):
        flash = chip.peripheral("flash")
        expected = {"programmable": True, "has_prefetch": True, "kept": True}
        assert flash.timing() == FlashTiming(0, False, True, True, 8, 32, 32, 8, **expected)
        chip.set("flash", self.ACR, 5 | 1 << 8 | 1 << 9)
        assert flash.timing() == FlashTiming(5, True, True, False, 8, 32, 32, 8, **expected)
        assert chip.timing_changes == 1

    def test_a_cache_is_emptied_by_its_reset_bit_while_it_is_off(self, chip):
        chip.set("flash", self.ACR, 1 << 9 | 1 << 11 | 1 << 12)  # ICEN; ICRST and DCRST
        assert chip.emptied == [("flash.data", None, None)]
        chip.set("flash", self.ACR, 1 << 11)
        assert chip.emptied[1:] == [("flash.instruction", None, None)]

    def test_a_write_that_changes_no_timing_tells_nobody(self, chip):
        chip.set("flash", self.ACR, chip.get("flash", self.ACR) | 1 << 13)
        assert chip.timing_changes == 0

    def test_single_bank_mode_reads_twice_as_wide(self):
        assert Stm32Chip("nucleo-l4r5zi-single-bank").peripheral("flash").timing().read_bytes == 16

    def test_the_control_register_unlocks_by_its_two_keys_in_order(self, chip):
        assert chip.get("flash", self.CR) >> 31 == 1
        chip.set("flash", self.KEYR, 0xCDEF89AB)
        chip.set("flash", self.KEYR, 0x45670123)
        assert chip.get("flash", self.CR) >> 31 == 1
        chip.set("flash", self.KEYR, 0xCDEF89AB)
        assert chip.get("flash", self.CR) >> 31 == 0

    @pytest.mark.parametrize(("board", "register", "value", "wait_states"), [
        ("nucleo-u575zi-q", 0x00, 4, 4), ("nucleo-h743zi", 0x00, 4, 4), ("f746g-disco", 0x00, 7, 7),
        ("nucleo-g0b1re", 0x00, 2, 2), ("stm32f4discovery", 0x00, 5, 5),
    ])  # fmt: skip
    def test_the_latency_field_of_each_family(self, board, register, value, wait_states):
        chip = Stm32Chip(board)
        chip.set("flash", register, value)
        assert chip.peripheral("flash").timing().wait_states == wait_states

    def test_an_h7_starts_with_seven_wait_states_and_its_flash_runs_from_the_bus_clock(self):
        timing = Stm32Chip("nucleo-h743zi").peripheral("flash").timing()
        assert (timing.wait_states, timing.read_bytes, timing.clock) == (7, 32, "ahb")


class TestInstructionCache:
    CR, SR, FCR = 0x00, 0x04, 0x0C

    def test_enable_and_ways_are_timing(self):
        chip = Stm32Chip("nucleo-u575zi-q")
        cache = chip.peripheral("icache")
        assert cache.timing() == CacheTiming(False, 8192, 16, 2)
        chip.set("icache", self.CR, 1)
        assert cache.timing() == CacheTiming(True, 8192, 16, 1) and chip.timing_changes == 1

    def test_an_invalidation_is_over_at_once_and_tells_by_its_flag(self):
        chip = Stm32Chip("nucleo-u575zi-q")
        chip.set("icache", self.CR, 0b110)
        assert (chip.get("icache", self.SR), chip.get("icache", self.CR)) == (2, 0b100)
        chip.set("icache", self.FCR, 2)
        assert chip.get("icache", self.SR) == 0

    def test_an_invalidation_empties_the_simulated_cache(self):
        chip = Stm32Chip("nucleo-u575zi-q")
        chip.set("icache", self.CR, 0b110)
        assert chip.emptied == [("icache", None, None)]

    def test_the_monitors_count_while_they_are_enabled_and_are_reset_by_software(self):
        chip = Stm32Chip("nucleo-u575zi-q")
        chip.set("icache", self.CR, 5 | 3 << 16)
        chip.lookups = (1000, 10, 200, 20)
        assert (chip.get("icache", 0x10), chip.get("icache", 0x14)) == (1200, 30)
        chip.set("icache", self.CR, 5)
        chip.lookups = (2000, 90_000, 200, 20)
        assert (chip.get("icache", 0x10), chip.get("icache", 0x14)) == (1200, 30)
        chip.set("icache", self.CR, 5 | 3 << 18)
        chip.set("icache", self.CR, 5 | 3 << 16)
        assert (chip.get("icache", 0x10), chip.get("icache", 0x14)) == (0, 0)
        chip.lookups = (2001, 190_000, 200, 20)
        assert (chip.get("icache", 0x10), chip.get("icache", 0x14)) == (1, 0xFFFF)  # misses stay at 16 bits


class TestHardwareSemaphores:
    def test_a_read_lock_succeeds_once_and_a_release_by_its_owner_frees_it(self):
        chip = Stm32Chip("nucleo-h743zi")
        assert chip.get("hsem", 0x80) == 0x8000_0300
        chip.set("hsem", 0x00, 0x0100)
        assert chip.get("hsem", 0x00) == 0x8000_0300
        chip.set("hsem", 0x00, 0x0300)
        assert chip.get("hsem", 0x00) == 0 and chip.get("hsem", 0x108) == 1


class TestLowPowerTimer:
    ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT = range(0x00, 0x20, 4)

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        """LPTIM1 on PCLK1: 4 MHz, divided by 4."""
        chip = Stm32Chip("nucleo-l4r5zi")
        chip.set("lptim1", self.CFGR, 2 << 9)
        chip.set("lptim1", self.IER, 0b11)
        chip.set("lptim1", self.CR, 1)
        return chip

    def test_it_counts_to_arr_and_matches_cmp(self, chip):
        chip.set("lptim1", self.ARR, 99)
        chip.set("lptim1", self.CMP, 30)
        chip.set("lptim1", self.CR, 1 | 4)
        chip.advance(4 * 30 - 1)
        assert not chip.line("lptim1")
        chip.advance(1)
        assert chip.line("lptim1") and chip.get("lptim1", self.CNT) == 30
        chip.set("lptim1", self.ICR, 0b01)
        assert not chip.line("lptim1")
        chip.advance(4 * 70)
        assert chip.line("lptim1") and chip.get("lptim1", self.ISR) & 0b11 == 0b10

    def test_register_updates_are_acknowledged(self, chip):
        chip.set("lptim1", self.ARR, 99)
        chip.set("lptim1", self.CMP, 30)
        assert chip.get("lptim1", self.ISR) & 0b11000 == 0b11000

    def test_single_mode_stops_after_one_period(self, chip):
        chip.set("lptim1", self.ARR, 9)
        chip.set("lptim1", self.CR, 1 | 2)
        chip.advance(4 * 25)
        assert chip.get("lptim1", self.CNT) == 0


class TestRealTimeClock:
    TR, DR, ISR, PRER = 0x00, 0x04, 0x0C, 0x10

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        """RTC on LSE."""
        chip = Stm32Chip("nucleo-l4r5zi")
        chip.set("rcc", 0x90, 1 | 1 << 8 | 1 << 15)
        return chip

    def test_time_passes_at_one_second_per_second(self, chip):
        chip.advance_seconds(3.5)
        assert chip.get("rtc", self.TR) == 0x000003

    def test_initialisation_mode_is_acknowledged_and_sets_the_calendar(self, chip):
        chip.set("rtc", self.ISR, 0x80)
        assert chip.get("rtc", self.ISR) & 0x40
        chip.set("rtc", self.TR, 0x235958)
        chip.set("rtc", self.DR, 0x24 << 16 | 2 << 13 | 0x12 << 8 | 0x31)  # Tuesday, 31 December 2024
        chip.set("rtc", self.ISR, 0)
        chip.advance_seconds(3)
        assert chip.get("rtc", self.TR) == 0x000001
        assert chip.get("rtc", self.DR) == 0x25 << 16 | 3 << 13 | 0x0101


def test_starting_a_flash_erase_is_refused_with_a_sentence(chip):
    chip.set("flash", 0x08, 0x45670123)
    chip.set("flash", 0x08, 0xCDEF89AB)
    with pytest.raises(UnsupportedError, match="erasing flash is not modelled"):
        chip.set("flash", 0x14, 1 << 16 | 2)
