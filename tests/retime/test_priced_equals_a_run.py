"""What is priced out of a saved profile against the program run again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import mcusim
from mcusim.errors import McusimError, RerunError
from mcusim.machine.what_if import WhatIf
from mcusim.report import saved_profile
from mcusim.report.retiming import Retiming
from tests.peripherals.test_board_firmware import BOARDS, source
from tests.support.boards import BUFFERED, PLACES, workload

CACHED = [(board, *BOARDS[board][:2]) for board in ("nano-33-ble", "nrf5340-dk", "raspberry-pi-pico", "frdm-mcxn947")]


def profile_of(elf, **arguments):
    """(report, saved profile) of a run."""
    kept = []
    report = mcusim.run(elf, save_profile=kept.append, **arguments)
    return report, kept[0]


@pytest.mark.parametrize("board", PLACES)
def test_other_wait_states_are_priced_as_a_run_with_them_would_be(board):
    elf = workload(board)
    _, profile = profile_of(elf, board=board)
    answers = mcusim.retime(profile, sweeps={"wait_states": [0, 1, 2, 3, 5, 9, 15]}, pure=True).answers
    for answer in answers:
        again = mcusim.run(elf, board=board, wait_states=answer.wait_states)
        assert answer.how == "priced"
        assert (answer.cycles, answer.seconds) == (again.cycles, pytest.approx(again.latency_seconds))
        assert answer.causes == again.causes
        assert {name: cycles for name, cycles in answer.functions.items() if cycles} == {
            row.name: row.self_cycles for row in again.functions
        }


@pytest.mark.parametrize("board", PLACES)
def test_the_saved_run_is_the_plain_run(board):
    """Where caches are on from reset, they fill while flash has no wait states yet; a plain run begins with them empty."""
    elf = workload(board)
    plain = mcusim.run(elf, board=board)
    report, profile = profile_of(elf, board=board)
    assert report.cycles == profile.cycles == mcusim.retime(profile).cycles
    assert report.cycles == pytest.approx(plain.cycles, rel=0.01 if board in BUFFERED else 0)
    assert report.cycles <= plain.cycles


def test_a_clock_brings_the_fewest_legal_wait_states_and_counts_from_reset(build_source):
    elf = workload("nucleo-l4r5zi")
    _, profile = profile_of(elf, board="nucleo-l4r5zi")
    hertz = [4_000_000, 20_000_000, 20_000_001, 80_000_000, 120_000_000]
    answers = mcusim.retime(profile, sweeps={"clock_hertz": hertz}, pure=True).answers
    assert [answer.wait_states for answer in answers] == [0, 0, 1, 3, 5]
    for answer in answers:
        again = mcusim.run(elf, board="nucleo-l4r5zi", clock_hertz=answer.clock_hertz, wait_states=answer.wait_states)
        assert (answer.cycles, again.clock_hertz) == (again.cycles, answer.clock_hertz)
        assert answer.seconds == pytest.approx(answer.cycles / answer.clock_hertz) == again.latency_seconds


def test_the_clock_of_the_flash_counts_where_it_is_not_the_core_s():
    _, profile = profile_of(workload("nucleo-h743zi"), board="nucleo-h743zi")
    with pytest.raises(McusimError, match="would run above 240,000,000 Hz"):
        mcusim.retime(profile, variant=WhatIf(clock_hertz=480_000_000))
    halved = replace(profile, flash=saved_profile.Flash(4, clock_ratio=2))
    assert mcusim.retime(halved, variant=WhatIf(clock_hertz=480_000_000)).answers[0].wait_states == 4


def test_a_clock_beyond_the_rating_is_refused_with_a_sentence():
    _, profile = profile_of(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi")
    with pytest.raises(McusimError, match=r"120000001|120,000,001 Hz is above what board nucleo-l4r5zi is rated for"):
        mcusim.retime(profile, variant=WhatIf(clock_hertz=120_000_001))
    answer = mcusim.retime(profile, variant=WhatIf(clock_hertz=120_000_000, wait_states=1)).answers[0]
    assert answer.notes == ("120,000,000 Hz needs 5 wait states on this board",)


@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "nucleo-h743zi", "nucleo-u575zi-q"])
def test_caches_and_placement_are_run_once_and_priced_from_there(board, monkeypatch):
    elf = workload(board)
    _, profile = profile_of(elf, board=board)
    retimed = mcusim.retime(profile, sweeps={"caches": [False], "wait_states": [0, 2, 4]})
    for answer in retimed.answers:
        again = mcusim.run(elf, board=board, caches=False, wait_states=answer.wait_states)
        assert answer.cycles == again.cycles
        assert "changing caches" in answer.why and "one re-run" in answer.why
        assert "caches off" in again.warnings[0] and "what-if" in again.warnings[0]
    name = {"nucleo-h743zi": "dtcm"}.get(board, "sram1")
    moved = mcusim.retime(profile, variant=WhatIf(placement=(("flash", name),))).answers[0]
    assert moved.how == "re-run"
    assert moved.cycles == mcusim.run(elf, board=board, placement=(("flash", name),)).cycles < retimed.cycles


def test_without_changes_the_answer_is_the_recorded_one():
    report, profile = profile_of(workload("nucleo-f446re"), board="nucleo-f446re")
    answer = mcusim.retime(profile, pure=True).answers[0]
    assert (answer.how, answer.cycles, answer.causes) == ("recorded", report.cycles, report.causes)
    assert answer.seconds == pytest.approx(report.latency_seconds)


def test_an_ideal_board_has_clocks_but_no_wait_states(build):
    report, profile = profile_of(build("recursion.c", "m4"), core="m4")
    answer = mcusim.retime(profile, variant=WhatIf(clock_hertz=7_000_000), pure=True).answers[0]
    assert (answer.how, answer.cycles, answer.seconds) == ("priced", report.cycles, pytest.approx(report.cycles / 7e6))
    with pytest.raises(McusimError, match="no flash whose wait states software sets"):
        mcusim.retime(profile, variant=WhatIf(wait_states=2))


POLLS = """
#include "cortex_m.h"
int main(void) {{
    REGISTER(0xE000E014) = 0xFFFFFF;
    REGISTER(0xE000E018) = 0;
    REGISTER(0xE000E010) = 5;
    {body}
    return 0;
}}
"""
STEERED = {
    "SysTick->VAL": POLLS.format(body="while (REGISTER(0xE000E018) > 0xFFFF00) { }"),
    "SysTick->CTRL": POLLS.format(body="volatile unsigned value = REGISTER(0xE000E010); (void)value;"),
    "DWT->CYCCNT": POLLS.format(
        body="REGISTER(0xE000EDFC) = 1u << 24; REGISTER(0xE0001000) |= 1;"
        " volatile unsigned value = REGISTER(0xE0001004); (void)value;"
    ),
    "SysTick->VAL, stopped": POLLS.format(
        body="REGISTER(0xE000E010) = 0; volatile unsigned value = REGISTER(0xE000E018); (void)value;"
    ),
    "DWT->CYCCNT, stopped": POLLS.format(
        body="REGISTER(0xE000EDFC) = 1u << 24; REGISTER(0xE0001000) |= 1; REGISTER(0xE0001000) &= ~1u;"
        " volatile unsigned value = REGISTER(0xE0001004); (void)value;"
    ),
    "tim2+0x24": POLLS.format(
        body="REGISTER(0x40021058) = 1; REGISTER(0x40000000) = 1; REGISTER(0x40000000) = 0;"
        " volatile unsigned value = REGISTER(0x40000024); (void)value;"
    ),
    "SysTick": POLLS.format(body='REGISTER(0xE000E014) = 100; REGISTER(0xE000E010) = 7; __asm volatile("wfi");')
    + "void SysTick_Handler(void) { REGISTER(0xE000E010) = 0; }",
}


@pytest.mark.parametrize("what", STEERED)
def test_a_program_that_looks_at_time_runs_again(build_source, what):
    elf = build_source(STEERED[what], "m4", layout=PLACES["nucleo-l4r5zi"].layout)
    report, profile = profile_of(elf, board="nucleo-l4r5zi")
    assert report.exit.reason == "exit"
    assert what.partition(",")[0] in [reason.what for reason in profile.steering]
    with pytest.raises(RerunError, match=r"time steers the run.*Without --pure it is re-run"):
        mcusim.retime(profile, variant=WhatIf(clock_hertz=80_000_000), pure=True)
    answer = mcusim.retime(profile, variant=WhatIf(clock_hertz=80_000_000)).answers[0]
    again = mcusim.run(elf, board="nucleo-l4r5zi", clock_hertz=80_000_000, wait_states=3)
    assert (answer.how, answer.cycles, answer.seconds) == ("re-run", again.cycles, again.latency_seconds)
    assert "time steers the run" in answer.why


def test_kinds_of_steering_are_told_apart(build_source, build):
    elf = build_source(STEERED["SysTick"], "m4", layout=PLACES["nucleo-l4r5zi"].layout)
    _, profile = profile_of(elf, board="nucleo-l4r5zi")
    assert {(reason.kind, reason.what) for reason in profile.steering} == {
        ("sleep", "WFI"), ("event", "SysTick"), ("interrupt", "SysTick"),
    }  # fmt: skip
    _, profile = profile_of(build("recursion.c", "m4"), core="m4", max_seconds=1e-3)
    assert [(reason.kind, reason.what) for reason in profile.steering] == [("limit", "--max-seconds")]


def test_a_counter_that_stands_still_steers_nothing(build_source):
    text = POLLS.format(body="volatile unsigned value = REGISTER(0xE0001004); (void)value;").replace(" = 5;", " = 0;")
    _, profile = profile_of(build_source(text, "m4"), core="m4")
    assert profile.steering == ()


def test_software_interrupts_of_their_own_accord_steer_nothing(build_source):
    text = '#include "cortex_m.h"\nint main(void) { __asm volatile("svc 0"); return 0; }\nvoid SVC_Handler(void) { }'
    _, profile = profile_of(build_source(text, "m4"), core="m4")
    assert profile.steering == () and profile.causes["exception"] > 0


def test_pure_refuses_what_needs_a_run():
    _, profile = profile_of(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi")
    for variant in (WhatIf(caches=False), WhatIf(prefetch=False), WhatIf(placement=(("flash", "sram2"),))):
        with pytest.raises(RerunError, match="without running the program again"):
            mcusim.retime(profile, variant=variant, pure=True)
    with pytest.raises(RerunError, match="is of board nucleo-l4r5zi"):
        mcusim.retime(profile, board="m4", pure=True)


def test_a_changed_program_is_not_run_in_place_of_the_old_one(tmp_path):
    elf = tmp_path / "program.elf"
    elf.write_bytes(workload("nucleo-l4r5zi").read_bytes())
    _, profile = profile_of(elf, board="nucleo-l4r5zi")
    elf.write_bytes(workload("nucleo-l4r5zi", ROUNDS=5).read_bytes())
    assert mcusim.retime(profile, variant=WhatIf(wait_states=1)).answers[0].how == "priced"
    with pytest.raises(RerunError, match="has changed since the profile was saved"):
        mcusim.retime(profile, variant=WhatIf(caches=False))


def test_a_changed_board_file_is_run_again(tmp_path):
    text = 'base = "nucleo-l4r5zi"\nname = "mine"\n'
    board = tmp_path / "mine.toml"
    board.write_text(text)
    elf = workload("nucleo-l4r5zi")
    _, profile = profile_of(elf, board=str(board))
    assert mcusim.retime(profile, variant=WhatIf(wait_states=1)).answers[0].how == "priced"
    board.write_text(text + "rated_hertz = 100_000_000\n")
    answer = mcusim.retime(profile, variant=WhatIf(wait_states=1)).answers[0]
    assert "the file of board mine has changed" in answer.why
    assert answer.cycles == mcusim.run(elf, board=board, wait_states=1).cycles


def test_a_profile_opens_no_folder_by_itself(tmp_path, build):
    _, profile = profile_of(build("recursion.c", "m4"), core="m4", semihosting_root=tmp_path)
    again = WhatIf(placement=(("flash", "ram"),))
    with pytest.raises(RerunError, match="a profile opens no folder by itself"):
        mcusim.retime(profile, variant=again)
    assert mcusim.retime(profile, variant=again, semihosting_root=tmp_path).answers[0].how == "re-run"


def test_a_profile_of_a_what_if_keeps_it():
    elf = workload("nucleo-l4r5zi")
    _, profile = profile_of(elf, board="nucleo-l4r5zi", caches=False, clock_hertz=10_000_000)
    answers = mcusim.retime(profile, sweeps={"wait_states": [None, 1, 3]}).answers
    assert [answer.how for answer in answers] == ["recorded", "priced", "priced"]
    for answer in answers[1:]:
        again = mcusim.run(elf, board="nucleo-l4r5zi", caches=False, clock_hertz=10_000_000, wait_states=answer.wait_states)
        assert (answer.cycles, answer.seconds) == (again.cycles, pytest.approx(again.latency_seconds))


def test_what_ifs_that_the_board_has_no_place_for_are_refused(build):
    elf = build("recursion.c", "m4")
    for arguments, sentence in (
        ({"wait_states": 2}, "no flash whose wait states software sets"),
        ({"caches": True}, "no flash whose caches software sets"),
        ({"placement": (("flash", "moon"),)}, "has no memory 'moon'; allowed: flash, ram"),
    ):
        with pytest.raises(McusimError, match=sentence):
            mcusim.run(elf, core="m4", **arguments)
    elf = workload("nucleo-h743zi")
    _, profile = profile_of(elf, board="nucleo-h743zi")
    with pytest.raises(McusimError, match="no flash whose prefetch buffer software sets"):
        mcusim.run(elf, board="nucleo-h743zi", prefetch=True)
    with pytest.raises(McusimError, match="aligned is nothing that a saved run can be asked; allowed: clock_hertz"):
        mcusim.retime(profile, variant=WhatIf(aligned=True))


@pytest.mark.parametrize(("board", "core", "layout"), CACHED, ids=[board for board, *_ in CACHED])
def test_caches_can_be_assumed_on_and_off_where_a_controller_of_its_own_switches_them(build, board, core, layout):
    """As the firmware left them is one of the two, and the two differ."""
    elf, waits = build("recursion.c", core, layout=layout), 3 if board == "frdm-mcxn947" else None
    runs = (mcusim.run(elf, board=board, caches=caches, wait_states=waits) for caches in (None, True, False))
    plain, on, off = (report.cycles for report in runs)
    assert on < off and plain in (on, off)


def test_answers_survive_json_without_loss():
    _, profile = profile_of(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi")
    retimed = mcusim.retime(profile, sweeps={"wait_states": [0, 3]})
    assert Retiming.from_json(retimed.to_json()) == retimed
    assert json.loads(retimed.to_json())["schema"] == "mcusim.retime/1"


def test_clock_epochs_move_with_the_wait_states(build_source):
    """MSI from 4 to 48 MHz on the way: each stretch keeps its clock, and its length follows from the wait states."""
    text = """
    #include "cortex_m.h"
    static int work(void) { volatile int sum = 0; for (int i = 0; i < 500; i++) sum += i; return sum; }
    int main(void) {
        work();
        REGISTER(0x40022000) = 2;
        REGISTER(0x40021000) = 0xBB;
        return work() == 0;
    }
    """
    elf = build_source(text, "m4", layout=PLACES["nucleo-l4r5zi"].layout)
    report, profile = profile_of(elf, board="nucleo-l4r5zi")
    assert [epoch.hertz for epoch in report.clock_epochs] == [4_000_000, 48_000_000]
    for answer in mcusim.retime(profile, sweeps={"wait_states": [0, 1, 2, 6]}, pure=True).answers:
        again = mcusim.run(elf, board="nucleo-l4r5zi", wait_states=answer.wait_states)
        assert (answer.cycles, answer.seconds) == (again.cycles, pytest.approx(again.latency_seconds, rel=1e-12))


@pytest.mark.parametrize("board", BOARDS)
def test_whole_board_programs_are_steered_and_run_again(board, build):
    """They poll oscillators and timers, print through a UART, and most take an interrupt."""
    core, layout, hertz, _ = BOARDS[board]
    elf = build(source(board), core, layout=layout)
    report, profile = profile_of(elf, board=board, max_seconds=1)
    assert report.exit.reason == "exit" and report.cycles == mcusim.run(elf, board=board, max_seconds=1).cycles
    kinds = {reason.kind for reason in profile.steering}
    assert "counter" in kinds and ("interrupt" in kinds) == bool(report.exceptions)
    answer = mcusim.retime(profile, variant=WhatIf(clock_hertz=hertz // 2)).answers[0]
    assert (answer.how, answer.notes[1:]) == ("re-run", ())
    assert answer.cycles < report.cycles  # a millisecond has fewer cycles
