"""The bundled boards: every one loads, its peripherals can be built, and facts from the manuals hold."""

from __future__ import annotations

import pytest

from mcusim import boards
from mcusim.machine.peripherals import MODELS, create
from tests.peripherals.board_chip import BoardChip

IDEAL = {"m0", "m0plus", "m3", "m4", "m7", "m33"}
REAL = sorted(set(boards.names()) - IDEAL)
STM32 = [name for name in REAL if boards.load(name).mcu.startswith("STM32")]

REQUIRED = {
    "nucleo-l4r5zi", "nucleo-u575zi-q", "b-u585i-iot02a", "nucleo-u385rg-q", "nucleo-h7a3zi-q", "nucleo-h743zi",
    "stm32h747i-disco", "f746g-disco", "nucleo-f746zg", "nucleo-g0b1re", "stm32f4discovery", "nucleo-f446re",
    "openmv-h7-r2",
}  # fmt: skip

RESET_HERTZ = {
    "nucleo-l4r5zi": 4_000_000,  # MSI range 6
    "nucleo-u575zi-q": 4_000_000,  # MSIS range 4
    "nucleo-u385rg-q": 12_000_000,  # 24 MHz / 2
    "nucleo-h7a3zi-q": 64_000_000,  # HSI
    "nucleo-h743zi": 64_000_000,
    "f746g-disco": 16_000_000,  # HSI
    "nucleo-g0b1re": 16_000_000,
    "stm32f4discovery": 16_000_000,
    "nucleo-f446re": 16_000_000,
}

INTERRUPTS = [  # from the CMSIS device headers
    ("nucleo-l4r5zi", "lpuart1", "global", 70), ("nucleo-l4r5zi", "tim2", "global", 28),
    ("nucleo-l4r5zi", "tim1", "up", 25), ("nucleo-l4r5zi", "dma2", "6", 68), ("nucleo-l4r5zi", "exti", "10-15", 40),
    ("nucleo-u575zi-q", "usart1", "global", 61), ("nucleo-u575zi-q", "gpdma1", "0", 29),
    ("nucleo-u575zi-q", "tim5", "global", 48), ("nucleo-u385rg-q", "usart1", "global", 61),
    ("f746g-disco", "usart1", "global", 37), ("f746g-disco", "tim5", "global", 50), ("f746g-disco", "dma2", "7", 70),
    ("nucleo-h7a3zi-q", "usart3", "global", 39), ("nucleo-h743zi", "lptim1", "global", 93),
    ("nucleo-h743zi", "dma1", "7", 47), ("nucleo-g0b1re", "usart2", "global", 28),
    ("nucleo-g0b1re", "dma1", "4-7", 11), ("nucleo-g0b1re", "tim1", "cc", 14),
    ("stm32f4discovery", "usart2", "global", 38), ("stm32f4discovery", "tim1", "up", 25),
    ("nucleo-f446re", "usart6", "global", 71),
]  # fmt: skip

FLASH_KILOBYTES = {  # word that firmware reads the flash size from (CMSIS FLASHSIZE_BASE)
    "nucleo-l4r5zi": (0x1FFF75E0, 2048), "nucleo-u575zi-q": (0x0BFA07A0, 2048), "nucleo-u385rg-q": (0x0BFA07A0, 1024),
    "f746g-disco": (0x1FF0F442, 1024), "nucleo-h743zi": (0x1FF1E880, 2048), "nucleo-h7a3zi-q": (0x08FFF80C, 2048),
    "nucleo-g0b1re": (0x1FFF75E0, 512), "stm32f4discovery": (0x1FFF7A22, 1024), "nucleo-f446re": (0x1FFF7A22, 512),
}  # fmt: skip


def spec_of(board: str, name: str):
    return next(spec for spec in boards.load(board).peripherals if spec.name == name)


def test_every_board_that_the_project_names_is_there():
    assert set(boards.names()) >= REQUIRED | IDEAL


@pytest.mark.parametrize("name", sorted(IDEAL))
def test_an_ideal_board_has_its_core_and_no_memories_of_its_own(name):
    board = boards.load(name)
    assert (board.core, board.ideal, board.memories) == (name, True, ())
    assert board.bit_band == (name in ("m3", "m4"))


@pytest.mark.parametrize("name", REAL)
def test_every_board_names_its_sources_and_a_vector_table_in_memory(name):
    board = boards.load(name)
    starts = [(start, region.size) for region in board.memories for start in (region.address, *region.aliases)]
    assert board.documents and board.mcu and board.rated_hertz
    assert all(region.source for region in board.memories)
    assert any(start <= (board.vector_table or 0) < start + size for start, size in starts)


@pytest.mark.parametrize("name", REAL)
def test_every_peripheral_model_of_a_board_exists_and_takes_its_parameters(name):
    chip = BoardChip(name)
    assert all(isinstance(chip.peripherals[spec.name], MODELS[spec.model]) for spec in chip.board.peripherals)


@pytest.mark.parametrize("name", STM32)
def test_the_clock_tree_at_reset_gives_the_clock_that_the_board_states(name):
    chip = BoardChip(name)
    assert chip.clock_hertz("ahb") == chip.board.clock_hertz == chip.peripheral("rcc").clock_hertz("core")


@pytest.mark.parametrize(("name", "hertz"), RESET_HERTZ.items())
def test_the_core_starts_from_the_oscillator_of_the_manual(name, hertz):
    assert boards.load(name).clock_hertz == hertz


@pytest.mark.parametrize("name", STM32)
def test_every_clock_dma_controller_and_request_that_a_peripheral_names_exists(name):
    chip = BoardChip(name)
    for spec in chip.board.peripherals:
        values = spec.parameters
        assert chip.clock_hertz(values.get("clock", "core")) >= 0
        wanted = [*values.get("dma", ()), *(source.split(".")[0] for source in values.get("requests", {}).values())]
        wanted += [values["mux"]] if "mux" in values else []
        assert all(name in chip.peripherals for name in wanted)


@pytest.mark.parametrize("name", STM32)
def test_the_default_serial_port_can_be_typed_into(name):
    chip = BoardChip(name)
    assert hasattr(chip.peripheral(chip.board.serial), "receive")


@pytest.mark.parametrize(("board", "peripheral", "line", "number"), INTERRUPTS)
def test_interrupt_numbers_are_those_of_the_device_header(board, peripheral, line, number):
    assert spec_of(board, peripheral).interrupts[line] == number


@pytest.mark.parametrize(("board", "place"), FLASH_KILOBYTES.items())
def test_the_flash_size_word_agrees_with_the_memory_map(board, place):
    address, kilobytes = place
    chip = BoardChip(board)
    flash = next(region for region in chip.board.memories if region.name == "flash")
    assert chip.load(address, 2) == kilobytes == flash.size >> 10


def test_a_peripheral_with_an_unknown_parameter_is_refused(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text('base = "nucleo-l4r5zi"\n[peripherals.tim2.parameters]\nspeed = 3\n')
    board = boards.load(path)
    spec = next(spec for spec in board.peripherals if spec.name == "tim2")
    with pytest.raises(Exception, match=r"unknown parameter 'speed'; allowed are .*clock"):
        create(BoardChip("nucleo-l4r5zi"), spec)


def test_flash_of_an_stm32f7_shows_on_two_buses_with_timing_of_its_own():
    regions = {region.name: region for region in boards.load("f746g-disco").memories}
    assert (regions["flash"].address, regions["flash_itcm"].address) == (0x08000000, 0x00200000)
    assert (regions["flash_itcm"].alias_of, regions["flash_itcm"].bus) == ("flash", "itcm")
