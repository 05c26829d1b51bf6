"""Commanded firmware: bodies by name, over whatever console the board has."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import pytest

import mcusim
from calibration.microbenchmarks.firmware import Microbenchmarks, microbenchmarks_of
from calibration.microbenchmarks.rehearsal import run_on
from calibration.microbenchmarks.results import read
from mcusim import boards
from tests.calibration.microbenchmark_boards import built, serial_of


@lru_cache
def commanded(board: str) -> tuple[Microbenchmarks, Path]:
    made = microbenchmarks_of(boards.load(board), energy_seconds=0, commanded=True)
    return made, made.build(Path(tempfile.mkdtemp()))


def told(board: str, *commands: str) -> list[str]:
    """Answers to the commands, typed once the board is ready, without the lines #done."""
    made, elf = commanded(board)
    send = [(b"#ready\n", "".join(f"{command}\n" for command in (*commands, "end")).encode())]
    report = mcusim.run(elf, board=made.board, send=send)
    assert report.exit.reason == "exit" and report.exit.code == 0
    first, *answers = report.serial.split("#ready\n")
    assert not first and len(answers) == 1
    return [answer.partition("\n")[2] if number else answer for number, answer in enumerate(answers[0].split("#done "))][:-1]


def test_a_body_is_timed_as_in_rounds() -> None:
    in_rounds = read(serial_of("m0")).rounds[-1]
    _, _, bodies = built("m0")
    for timed, answer in zip(bodies, told("m0", *(f"run {timed.body.name} 2" for timed in bodies)), strict=True):
        assert read(answer).rounds == 2 * ({timed.body.name: in_rounds[timed.body.name]},)


def test_it_says_what_it_is_and_what_it_has() -> None:
    made, _ = commanded("m0")
    identity, names = told("m0", "identify", "list")
    assert identity == f"#firmware mcusim.microbenchmarks/1 {made.build_number:08x} {len(made.bodies)}\n"
    assert names.split() == [word for body in made.bodies for word in ("#body", body.name)]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("run alux 2", "no such body"),
        ("run al 2", "no such body"),
        ("run", "no such body"),
        ("run alu", "rounds"),
        ("run alu 0", "rounds"),
        ("run alu 65", "rounds"),
        ("run alu 99999999999", "rounds"),
        ("", "no such command"),
        ("runalu 2", "no such command"),
        ("run alu 1" + 200 * "1", "rounds"),
    ],
)
def test_what_it_does_not_understand_is_said(command: str, error: str) -> None:
    assert told("m0", command) == [f"#error {error}\n"]


def test_an_answer_ends_with_the_hash_of_its_bytes() -> None:
    made, elf = commanded("m0")
    printed = mcusim.run(elf, board=made.board, send=[(b"#ready\n", b"run alu 1\nend\n")]).serial
    body, _, hash = printed.removeprefix("#ready\n").partition("#done ")
    value = 0x811C9DC5
    for byte in body.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    assert hash == f"{value:08x}\n"


@pytest.mark.slow
@pytest.mark.parametrize("board", [name for name in boards.names() if boards.load(name).firmware is not None])
def test_every_board_that_can_be_built_for_hears_commands(board: str) -> None:
    made, elf = commanded(board)
    printed = mcusim.run(elf, board=made.board, send=[(b"#ready\n", b"run alu 1\n")], until=b"#done", max_seconds=2).serial
    assert list(read(printed).rounds[0]) == ["alu"]


def test_a_rehearsal_times_bodies_as_their_names_do_and_only_those_that_are_chosen() -> None:
    made, elf = commanded("m0")
    names = [body.name for body in made.bodies]
    answers = told("m0", *(f"run {name} 1" for name in names))
    said = {name: read(answer).rounds[0][name] for name, answer in zip(names, answers, strict=True)}
    assert run_on(made, elf, made.board) == said
    assert run_on(made, elf, made.board, chosen={"load", "alu"}) == {name: said[name] for name in ("alu", "load")}


def test_a_cold_body_is_as_cold_the_second_time() -> None:
    made, elf = commanded("nucleo-u575zi-q")

    def timed(body: str) -> list[int]:
        send = [(b"#ready\n", f"run {body} 2\n".encode())]
        return [each[body] for each in read(mcusim.run(elf, board=made.board, send=send, until=b"#done").serial).rounds]

    cold, warm = timed("lines"), timed("lines_again")
    assert cold[0] == cold[1] > 1.5 * max(warm)
