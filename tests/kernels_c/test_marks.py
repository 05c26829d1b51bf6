"""marks.h on the machine, where the cycle counter is exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mcusim

Build = Callable[..., Path]

PROGRAM = """
#include "marks.h"
#include "uart.h"

static void __attribute__((noinline)) wait(unsigned rounds)
{
    __asm__ volatile(".balign 8\\n1:\\tsubs %0, #1\\n\\tbne 1b" : "+l"(rounds) : : "cc");
}

static void again(void)
{
    MARK_BEGIN(shared);
    wait(50);
    MARK_END(shared);
}

int main(void)
{
    marks_start();
    for (int i = 0; i < 4; i++) {
        MARK_BEGIN(loop);
        wait(ROUNDS);
        MARK_END(loop);
    }
    MARK_BEGIN(outer);
    MARK_BEGIN(inner);
    wait(100);
    MARK_END(inner);
    MARK_END(outer);
    MARK_BEGIN(shared);
    wait(50);
    MARK_END(shared);
    again();
    if (0) {
        MARK_BEGIN(never);
        MARK_END(never);
    }
    marks_print(uart_putc);
    return 0;
}
"""

ALL_CORES = ["m0", "m0plus", "m3", "m4", "m7", "m33"]


def marks_of(text: str) -> dict[str, tuple[int, int]]:
    lines = [line.split() for line in text.splitlines()]
    assert all(line[0] == "#mark" for line in lines)
    return {name: (int(count), int(cycles)) for _, name, count, cycles in lines}


def run(build: Build, tmp_path: Path, core: str, rounds: int) -> dict[str, tuple[int, int]]:
    path = tmp_path / "marks_user.c"
    path.write_text(PROGRAM)
    elf = build([path, "src/marks.c"], core, defines={"ROUNDS": rounds})
    report = mcusim.run(elf, core=core)
    assert report.exit.code == 0
    return marks_of(report.serial)


@pytest.mark.parametrize("core", ALL_CORES)
def test_each_name_is_printed_once_in_order_of_first_use(build: Build, tmp_path: Path, core: str) -> None:
    marks = run(build, tmp_path, core, 1000)
    assert list(marks) == ["loop", "outer", "inner", "shared"]
    assert [count for count, _ in marks.values()] == [4, 1, 1, 2]


@pytest.mark.parametrize("core", ALL_CORES)
def test_the_cycles_of_a_loop_grow_with_its_rounds(build: Build, tmp_path: Path, core: str) -> None:
    """What two lengths differ by is free of the cost of the marks themselves: 4 x 1000 rounds of SUBS and BNE."""
    short, long = (run(build, tmp_path, core, rounds)["loop"][1] for rounds in (1000, 2000))
    cycles_of_a_round = (long - short) / 4000
    assert cycles_of_a_round == int(cycles_of_a_round)
    assert {"m0": 4, "m0plus": 3, "m3": 3, "m4": 3}.get(core, cycles_of_a_round) == cycles_of_a_round
    assert 1 <= cycles_of_a_round <= 4


@pytest.mark.parametrize("core", ["m0", "m4"])
def test_an_outer_mark_holds_its_inner_one(build: Build, tmp_path: Path, core: str) -> None:
    marks = run(build, tmp_path, core, 10)
    assert marks["inner"][1] < marks["outer"][1] < marks["inner"][1] + 400


def test_a_stretch_longer_than_systick_counts_is_whole_on_a_core_without_cycle_counter(
    build: Build, tmp_path: Path
) -> None:
    """5 million rounds of 4 cycles (M0: SUBS 1, BNE taken 3) are more than the 2^24 cycles of one turn of SysTick."""
    count, cycles = run(build, tmp_path, "m0", 5_000_000)["loop"]
    assert count == 4
    assert 80_000_000 <= cycles < 80_002_000
