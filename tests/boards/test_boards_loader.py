"""Board files: inheritance, quantities, and refusals that name file, key and what is allowed."""

from __future__ import annotations

import pickle

import pytest

from mcusim import boards
from mcusim.errors import BoardError

PLAIN = 'core = "m4"\n'


@pytest.fixture
def write(tmp_path):
    """Writes a board file and returns its path."""

    def write_file(text: str, name: str = "board.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


def refusal(path) -> str:
    with pytest.raises(BoardError) as caught:
        boards.load(path)
    return str(caught.value)


def test_a_board_file_is_loaded_by_path_and_named_after_its_file(write):
    board = boards.load(write(PLAIN, "mine.toml"))
    assert (board.name, board.core, board.memories, board.peripherals) == ("mine", "m4", (), ())


def test_sizes_and_addresses_may_be_integers_hexadecimal_strings_or_multiples_of_1024(write):
    rows = [("655360", 655360), ('"640K"', 655360), ('"0xA0000"', 655360), ('"2M"', 2 << 20), ("0x10_0000", 1 << 20)]
    for text, size in rows:
        board = boards.load(write(PLAIN + f'[memories.ram]\naddress = "0x2000_0000"\nsize = {text}\nkind = "ram"\n'))
        assert (board.memories[0].address, board.memories[0].size) == (0x20000000, size)


def test_a_board_takes_what_it_does_not_say_from_its_base(write):
    write(PLAIN + 'clock_hertz = 5\n[memories.ram]\naddress = 0\nsize = 64\nkind = "ram"\nslave = 3\n', "chip.toml")
    board = boards.load(write('base = "chip.toml"\n[memories.ram]\nsize = 128\n'))
    assert (board.clock_hertz, board.memories[0].size, board.memories[0].slave) == (5, 128, 3)


def test_a_board_can_remove_a_peripheral_of_its_base(write):
    path = write('base = "nucleo-l4r5zi"\n[peripherals.tim2]\nremove = true\n')
    names = {spec.name for spec in boards.load(path).peripherals}
    assert "tim2" not in names and "tim3" in names


def test_a_user_can_base_a_board_on_a_bundled_chip(write):
    board = boards.load(write('base = "stm32f407"\n[peripherals.rcc.parameters.clocks.hse]\nhertz = 25_000_000\n'))
    rcc = next(spec for spec in board.peripherals if spec.name == "rcc")
    assert rcc.parameters["clocks"]["hse"] == {"hertz": 25_000_000, "enabled": ["0x00", 16]}


def test_files_based_on_one_another_in_a_ring_are_refused(write):
    write('base = "board.toml"\n', "other.toml")
    assert "ring" in refusal(write('base = "other.toml"\n'))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["core", "missing"]),
        ('core = "m4"\ncolour = 1\n', ["colour", "unknown key", "allowed are", "clock_hertz"]),
        ('core = "m55"\n', ["core", "m55", "m33"]),
        (PLAIN + '[memories.ram]\naddress = 0\nsize = 1\nkind = "ram"\nwidth = 4\n', ["memories.ram.width", "kind"]),
        (PLAIN + '[memories.ram]\naddress = 0\nkind = "ram"\n', ["memories.ram.size", "missing"]),
        (PLAIN + '[memories.ram]\naddress = 0\nsize = "4 Kilo"\nkind = "ram"\n', ["memories.ram.size", "640K"]),
        (PLAIN + '[memories.ram]\naddress = 0\nsize = 0\nkind = "ram"\n', ["memories.ram.size", "0"]),
        (
            PLAIN + '[memories.ram]\naddress = 0x1_0000_0000\nsize = 1\nkind = "ram"\n',
            ["memories.ram.address", "32-bit"],
        ),
        (PLAIN + '[memories.ram]\naddress = 0\nsize = 1\nkind = "dram"\n', ["memories.ram.kind", "dram", "flash"]),
        (PLAIN + 'serial = "usart9"\n', ["serial", "usart9"]),
        (
            PLAIN + '[peripherals.u]\nmodel = "register-bank"\naddress = 0\ninterrupts = { a = 999 }\n',
            ["u.interrupts.a"],
        ),
        (PLAIN + "[peripherals.u]\naddress = 0\n", ["peripherals.u.model", "missing"]),
        (PLAIN + "bit_band = 1\n", ["bit_band", "true"]),
        (PLAIN + "priority_bits = 9\n", ["priority_bits", "2 to 8"]),
        (PLAIN + "clock_hertz = 0\n", ["clock_hertz"]),
        ('base = "stm32l9"\n', ["stm32l9", "stm32l4r5"]),
        ("core = \n", ["TOML"]),
    ],
)
def test_a_mistake_is_refused_with_file_key_and_what_is_allowed(write, text, parts):
    message = refusal(write(text))
    assert "board.toml" in message
    for part in parts:
        assert part in message


def test_overlapping_memories_and_peripherals_are_refused(write):
    text = PLAIN + '[memories.a]\naddress = 0\nsize = 64\nkind = "ram"\n[memories.b]\naddress = 32\nsize = 64\nkind = "ram"\n'
    assert "memories.b" in refusal(write(text)) and "memories.a" in refusal(write(text))


def test_an_alias_that_overlaps_another_memory_is_refused(write):
    text = '[memories.a]\naddress = 0\nsize = 64\nkind = "ram"\n'
    text += '[memories.b]\naddress = 0x100\nsize = 64\nkind = "ram"\naliases = [0x20]\n'
    assert "memories.a" in refusal(write(PLAIN + text))


def test_an_unknown_board_name_lists_the_known_ones():
    with pytest.raises(BoardError, match="nucleo-l4r5zi"):
        boards.load("nucleo-x")


def test_a_missing_or_binary_file_is_a_board_error(tmp_path):
    assert "missing.toml" in refusal(tmp_path / "missing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(tmp_path / "binary.toml")


def test_a_board_survives_pickling_for_worker_processes():
    board = boards.load("nucleo-l4r5zi")
    assert pickle.loads(pickle.dumps(board)) == board


FIRMWARE = PLAIN + """
[memories]
flash = { address = 0x0800_0000, size = "64K", kind = "flash" }
sram = { address = 0x2000_0000, size = "8K", kind = "ram" }
[firmware]
sources = ["clock_stm32g0.c"]
flash = "flash"
ram = ["sram"]
stack = "sram"
"""


def test_how_firmware_is_built_is_a_table(write):
    more = '[firmware.defines]\nPIN = 3\nNAME = "x"\n[firmware.headers]\nboot = "0x100"\n'
    firmware = boards.load(write(FIRMWARE + more)).firmware
    assert (firmware.sources, firmware.ram, firmware.stack) == (("clock_stm32g0.c",), ("sram",), "sram")
    assert (dict(firmware.defines), dict(firmware.headers)) == ({"PIN": 3, "NAME": "x"}, {"boot": 0x100})


@pytest.mark.parametrize(
    "wrong,words",
    [
        ('stack = "ccm"', "firmware.stack: 'ccm' is unknown; allowed are flash, sram"),
        ('stack = "sram"\nspeed = 3', "firmware.speed: unknown key; allowed are defines, flash"),
        ('stack = "sram"\ndefines = { A = 1.5 }', "firmware.defines.A: 1.5 is neither an integer nor text"),
        ("", "firmware.stack: is missing"),
    ],
)
def test_what_is_wrong_in_the_table_of_firmware_is_told(write, wrong, words):
    assert words in refusal(write(FIRMWARE.replace('stack = "sram"', wrong)))
