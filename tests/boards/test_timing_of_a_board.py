"""Table ``[timing]`` of a board file: numbers of the core's table as this board has them."""

from __future__ import annotations

from pathlib import Path

import pytest

import mcusim
from calibration.microbenchmarks.parameters import parameters_of
from mcusim import boards, cores
from mcusim.cores.numbers import numbers_of, with_number
from mcusim.errors import BoardError
from mcusim.isa.kind import Kind
from mcusim.run import core_of


def board_file(folder: Path, timing: str, base: str = "m4") -> Path:
    path = folder / "mine.toml"
    path.write_text(f'base = "{base}"\n[timing]\n{timing}\n')
    return path


def test_numbers_take_the_place_of_the_core_table(tmp_path):
    board = boards.load(board_file(tmp_path, 'load.cycles = { value = 3, source = "bench", standard_error = 0.01 }\n'
                                             'rules.load_bubble = { value = 0, source = "bench" }'))  # fmt: skip
    given = board.timing["load.cycles"]
    assert (given.value, given.source, given.standard_error) == (3, "bench", 0.01)
    core, table = core_of(board), cores.load("m4")
    assert (core.timing[Kind.LOAD].cycles, core.rules.load_bubble) == (3, 0)
    assert core.timing[Kind.STORE] == table.timing[Kind.STORE] and table.timing[Kind.LOAD].cycles != 3


def test_a_board_based_on_another_has_its_numbers(tmp_path):
    first = board_file(tmp_path, 'load.cycles = { value = 3, source = "bench" }\nalu.cycles = { value = 2, source = "bench" }')
    (tmp_path / "next.toml").write_text('base = "mine.toml"\n[timing]\nload.cycles = { value = 4, source = "other bench" }\n')
    board = boards.load(tmp_path / "next.toml")
    assert {name: number.value for name, number in board.timing.items()} == {"load.cycles": 4, "alu.cycles": 2}
    assert boards.load(first).timing["load.cycles"].value == 3


def test_programs_are_priced_with_them(tmp_path, build):
    elf = build("workload.c", "m0")
    usual = mcusim.run(elf, board="m0").cycles
    slower = board_file(tmp_path, 'store.cycles = { value = 5, source = "bench" }', "m0")
    assert mcusim.run(elf, board=slower).cycles > usual


@pytest.mark.parametrize(
    ("timing", "message"),
    [
        ('load.cyles = { value = 3, source = "x" }', "mine.toml: timing.load.cyles: core m4 has no such.* are load"),
        ('bogus = { value = 3, source = "x" }', "timing.bogus: core m4 has no such number; allowed begin with address, alu,"),
        ('load.cycles = { value = 0, source = "x" }', "timing.load.cycles: 0 cycles are not allowed; allowed are 1 to 1000"),
        ('load.cycles = { value = 1001, source = "x" }', "1001 cycles are not allowed"),
        ('load.cycles = { value = -1, source = "x" }', "timing.load.cycles.value: -1 is negative"),
        ('load.cycles = { value = 1.5, source = "x" }', "timing.load.cycles.value: 1.5 is neither"),
        ("load.cycles = { value = 1 }", "timing.load.cycles.source: is missing"),
        ('load.cycles = { source = "x" }', "timing.load.cycles.value: is missing"),
        ('load.cycles = { value = 1, source = "x", sd = 1 }', "timing.load.cycles.sd: unknown key"),
        ('load.cycles = { value = 1, source = "x", standard_error = -1 }', "standard_error: -1 is not allowed"),
        ("load.cycles = 3", "timing.load.cycles: 3 is not a table"),
        ("[[timing.load]]", "timing.load: .* is not a table"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path, timing, message):
    with pytest.raises(BoardError, match=message):
        core_of(boards.load(board_file(tmp_path, timing)))


@pytest.mark.parametrize("name", cores.NAMES)
def test_every_parameter_that_is_fitted_can_stand_in_a_board_file(name):
    core = cores.load(name)
    numbers = numbers_of(core)
    for parameter in parameters_of(core):
        assert numbers[parameter.name].value == parameter.value
        assert with_number(core, parameter.name, parameter.value + 2) == parameter.change(core, parameter.value + 2)
