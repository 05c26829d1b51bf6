from __future__ import annotations

from dataclasses import replace

import pytest

from calibration.cases import Case
from calibration.fit_core import PARAMETERS, Changed, judge, loss, main, refit
from mcusim import boards, cores
from tests.calibration.samples import add_program, write_table

FAMILIES = {"a1": "a", "a2": "a", "b": "b"}


def test_every_value_of_every_parameter_makes_another_core_or_board():
    core, board = cores.load("m4"), boards.load("nucleo-l4r5zi")
    for number, parameter in enumerate(PARAMETERS):
        current = parameter.current(core, board)
        assert current in parameter.values
        for value in set(parameter.values) - {current}:
            changed = Changed(((number, value),))(core, board)
            assert changed != (core, board)
            assert parameter.current(*changed) == value


def test_families_count_alike_and_no_error_counts_more_than_five_percent():
    assert loss({"a1": 0.01, "a2": -0.03, "b": 0.5}, FAMILIES) == pytest.approx((0.02 + 0.05) / 2)
    assert loss({"a1": 0.01, "a2": -0.03, "b": 0.5}, FAMILIES, without="b") == pytest.approx(0.02)


def test_the_value_with_the_least_error_is_best_and_the_family_that_alone_wants_it_is_named():
    tried = {"1": {"a1": 0.01, "a2": 0.01, "b": 0.04}, "2": {"a1": 0.02, "a2": 0.02, "b": 0.0}}
    verdict = judge("rule", "1", tried, FAMILIES)
    assert verdict.best == "2"
    assert verdict.unsettled == ("b",)


def test_a_tie_leaves_the_table_as_it_is():
    tried = {"2": {"a1": 0.01}, "1": {"a1": -0.01}}
    assert judge("rule", "1", tried, {"a1": "a"}).best == "1"


def test_a_family_is_foretold_by_a_fit_that_never_saw_it():
    errors = {
        (): {"a1": 0.02, "a2": 0.02, "b": 0.0},
        ((0, 1),): {"a1": 0.01, "a2": 0.01, "b": 0.04},  # helps a, hurts b
        ((1, 1),): {"a1": 0.019, "a2": 0.02, "b": 0.0},  # helps a a little, but not on top of the first
        ((0, 1), (1, 1)): {"a1": 0.015, "a2": 0.01, "b": 0.04},
    }
    changes = [(0, 1), (1, 1)]
    assert refit(changes, errors.__getitem__, FAMILIES, without="b") == ((0, 1),)
    assert refit(changes, errors.__getitem__, FAMILIES, without="a") == ()


def test_with_one_family_there_is_nothing_to_fit_to():
    assert refit([(0, 1)], {}.__getitem__, {"a1": "a"}, without="a") == ()


def test_without_programs_the_command_says_so(tmp_path, capsys):
    for name in ("measurements", "programs"):
        (tmp_path / name).mkdir()
    assert main(["--measurements", str(tmp_path / "measurements"), "--programs", str(tmp_path / "programs")]) == 2
    assert "no measurement at zero wait states" in capsys.readouterr().err


def test_the_command_prints_a_line_for_each_rule(tmp_path, build_source, capsys, monkeypatch):
    monkeypatch.setattr("calibration.fit_core.PARAMETERS", PARAMETERS[:1])
    write_table(tmp_path / "measurements", "crypto_m4_cycles.csv", ("X25519", 10_000))
    add_program(build_source, tmp_path / "programs", "x25519.elf")
    output = tmp_path / "fit.json"
    arguments = ["--measurements", str(tmp_path / "measurements"), "--programs", str(tmp_path / "programs")]
    assert main([*arguments, "--jobs", "1", "--json", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "refill of B<cc>, flags under way" in printed
    assert "each foretold by the other families" in printed
    assert '"schema": "mcusim.calibration.fit_core/1"' in output.read_text()


def test_cases_are_plain_data(tmp_path):
    case = Case("name", "family", tmp_path, "m4", "zero wait states", 1.0, True)
    assert replace(case, cycles=2.0).cycles == 2.0
    assert not case.is_image
