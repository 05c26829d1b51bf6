"""Energy tables of boards: fitted to published rows, judged by rows left out, and equal to what the board files hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import energy_fidelity, fidelity
from calibration import energy_rows, fit_energy
from calibration.energy_rows import IMAGE, OWN, EnergyRow, stretched
from mcusim import boards
from mcusim.errors import McusimError

ROWS = energy_rows.read()


def made_up(name: str, joules_of, events_of: str = IMAGE, **events) -> EnergyRow:
    row = EnergyRow(name, "nucleo-h7a3zi-q", "made up", 3.0, 280e6, 1.0, 1.0, events_of, events)
    return replace(row, joules=joules_of(events))


def test_board_files_hold_what_the_fit_of_the_recorded_rows_gives():
    for name, table in fit_energy.tables(ROWS).items():
        energy = boards.load(name).energy
        assert energy is not None
        priced = {(kind, what): figure.value for kind, row in energy.joules.items() for what, figure in row.items()}
        assert priced == pytest.approx(table.joules, rel=1e-3), name
        assert energy.supply_volts in {row.supply_volts for row in table.rows}
        assert all(figure.source.startswith(f"fitted, n = {len(table.rows)}") for row in energy.joules.values()
                   for figure in row.values())  # fmt: skip


def test_the_events_foretell_rows_left_out_better_than_constant_power():
    for name in ("nucleo-l4r5zi", "nucleo-u575zi-q", "nucleo-h7a3zi-q"):
        table = fit_energy.tables(ROWS)[name]
        assert fit_energy.rms(table.errors) < 0.6 * fit_energy.rms(table.constant_power), name
        assert np.median(np.abs(table.errors)) <= 0.05 and max(map(abs, table.errors)) <= 0.10, name


def test_boards_of_the_same_silicon_share_a_table():
    table = fit_energy.tables(ROWS)["nucleo-l4r5zi"]
    assert {row.board for row in table.rows} == {"nucleo-l4r5zi", "nucleo-l4r5zi-single-bank"}
    assert boards.load("nucleo-l4r5zi-single-bank").energy == boards.load("nucleo-l4r5zi").energy


def test_hidden_prices_come_back_and_the_right_events_are_chosen():
    def joules(events):
        return 4e-10 * sum(events["cycles"].values()) + 7e-10 * (events["hit"]["data_cache"] + events["miss"]["data_cache"])

    generator = np.random.default_rng(1)
    rows = []
    for number in range(9):
        hits, stalls, searched = (int(value) for value in generator.integers(10_000, 900_000, 3))
        rows.append(made_up(
            f"row {number}", joules, cycles={"active": 1_000_000, "stall": stalls},
            hit={"data_cache": hits, "instruction_cache": 5},
            miss={"data_cache": 100, "instruction_cache": 5}, ways={"data_cache": searched, "instruction_cache": 9},
        ))  # fmt: skip
    table = fit_energy.best("nucleo-h7a3zi-q", rows)
    assert table.candidate == "look-ups of data"
    assert table.joules["cycles", "active"] == pytest.approx(4e-10, rel=1e-3)
    assert table.joules["hit", "data_cache"] == pytest.approx(7e-10, rel=1e-3)
    assert [table.of(row) for row in rows] == pytest.approx([row.joules for row in rows], rel=1e-3)


def test_a_row_that_is_grossly_wrong_has_no_say():
    rows = [row for row in ROWS if row.board == "nucleo-u575zi-q"]
    wrong = [replace(rows[0], joules=3 * rows[0].joules), *rows[1:]]
    sound, robust = (fit_energy.fitted("nucleo-u575zi-q", "ways", each).joules for each in (rows, wrong))
    assert robust["cycles", "active"] == pytest.approx(sound["cycles", "active"], rel=0.1)


def test_events_of_other_kernels_keep_stalls_and_misses_and_stretch_to_the_measured_cycles():
    events = {"cycles": {"active": 900.0, "stall": 100.0}, "miss": {"icache": 7.0}, "hit": {"icache": 90.0}}
    assert stretched(events, 1900.0) == {
        "cycles": {"active": 1800.0, "stall": 100.0}, "miss": {"icache": 7.0}, "hit": {"icache": 180.0},
    }  # fmt: skip


def test_the_file_of_rows_reads_as_it_was_written(tmp_path):
    (tmp_path / "rows.csv").write_text(energy_rows.text_of(ROWS))
    assert energy_rows.read(tmp_path / "rows.csv") == ROWS
    assert energy_rows.FILE.read_text() == energy_rows.text_of(ROWS)
    assert {row.events_of for row in ROWS} == {IMAGE, OWN}


@pytest.mark.parametrize(("old", "new", "message"), [
    ("energy/1", "energy/2", "line 1: met"),
    (",1.8,", ",-1.8,", "line 11: met"),
    (",1.8,", ",volts,", "line 11: met"),
    ('""cycles""', '""cycle""', "line 3: met"),
])  # fmt: skip
def test_a_damaged_file_of_rows_is_refused_with_its_line(tmp_path, old, new, message):
    (tmp_path / "rows.csv").write_text(energy_rows.FILE.read_text().replace(old, new, 1))
    with pytest.raises(McusimError, match=message):
        energy_rows.read(tmp_path / "rows.csv")


def test_the_command_prints_candidates_and_writes_tables(tmp_path, capsys):
    assert fit_energy.main(["--toml", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "nucleo-h7a3zi-q: 8 rows, taken: look-ups of data" in printed and "constant power of the other rows" in printed
    assert "[energy.joules.ways]" in (tmp_path / "nucleo-u575zi-q.toml").read_text()


def test_folders_that_lack_something_are_refused_in_a_line(tmp_path, capsys):
    assert fit_energy.main(["--rows", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_fidelity_of_energy_shows_every_row_beside_constant_power(tmp_path, capsys):
    assert fidelity.main(["--energy", "--markdown", str(tmp_path / "energy.md")]) == 0
    text = (tmp_path / "energy.md").read_text()
    assert text in capsys.readouterr().out
    errors = list(energy_fidelity.of_fitted_rows(ROWS))
    assert len(errors) == 27 and text.count(" mJ |") == 27
    assert max(abs(each.error) for each in errors) < 0.10


def test_rows_that_no_board_can_price_are_refused(tmp_path):
    file = tmp_path / "unseen.csv"
    file.write_text("#mcusim.measurements/1\nname,quantity,value,unit,board,source\nx,energy,1,mJ,openmv-h7-r2,bench\n")
    with pytest.raises(McusimError, match="needs a board with an energy table, and a program"):
        list(energy_fidelity.of_unseen_rows(file, ROWS))
