"""What holds of every board whose memories have wait states or caches."""

from __future__ import annotations

import pytest

from mcusim import boards
from mcusim.machine.profile import profile_of
from mcusim.pricing import causes
from tests.support.walks import F4, F7, G0, ICACHE, L4, U5, WALKERS, Walker, set_up_xip

CCR, CACHES_ON, CACHES_OFF = 0xE000ED14, 0x00030200, 0x00000200
WAIT_STATES = {
    # board: register, value without wait states, most wait states
    "nucleo-l4r5zi": (L4, 0x600, 5), "nucleo-l4r5zi-single-bank": (L4, 0x600, 5), "nucleo-f446re": (F4, 0x600, 5),
    "stm32f4discovery": (F4, 0, 5), "nucleo-g0b1re": (G0, 0x40200, 2), "nucleo-u575zi-q": (U5, 0, 4),
    "nucleo-u385rg-q": (U5, 0, 4), "nucleo-f746zg": (F7, 0, 7), "nucleo-h743zi": (0x52002000, 0x30, 4),
    "nucleo-h7a3zi-q": (0x52002000, 0x30, 6), "frdm-mcxn947": (0x40043008, 0, 3),
}  # fmt: skip
CACHES = {
    # board: register, value with the caches on, value with them off; all other registers alike
    "nucleo-l4r5zi": (L4, 0x605, 0x005), "nucleo-l4r5zi-single-bank": (L4, 0x605, 0x005), "nucleo-f446re": (F4, 0x605, 0x005),
    "stm32f4discovery": (F4, 0x605, 0x005), "nucleo-u575zi-q": (ICACHE, 5, 4), "nucleo-u385rg-q": (ICACHE, 5, 4),
    "nucleo-f746zg": (CCR, CACHES_ON, CACHES_OFF), "nucleo-h743zi": (CCR, CACHES_ON, CACHES_OFF),
    "nucleo-h7a3zi-q": (CCR, CACHES_ON, CACHES_OFF), "teensy-4.0": (CCR, CACHES_ON, CACHES_OFF),
    "nano-33-ble": (0x4001E540, 1, 0), "nrf5340-dk": (0x50001500, 1, 0), "frdm-mcxn947": (0x40000824, 0, 1),
    "raspberry-pi-pico": (0x14000000, 1, 0), "raspberry-pi-pico-2": (0x400C8000, 0x83, 0x80),
}  # fmt: skip
SETUP = {
    # what else is programmed before, so that flash is slow
    "nucleo-u575zi-q": (U5, 4), "nucleo-u385rg-q": (U5, 4), "nucleo-f746zg": (F7, 7), "frdm-mcxn947": (0x40043008, 3),
}  # fmt: skip


def work(walker: Walker, rounds: int = 4) -> str:
    """A loop bound by memory: constants of 64 words are read and summed, by code of 500 bytes."""
    start = walker.place.layout.flash_origin + 0x8000
    begin = walker.constant("r7", rounds) + " b 4f\n .balign 8\n4:\n"
    end = " .rept 200\n nop\n .endr\n subs r7, #1\n beq 5f\n b 4b\n5:\n"
    return begin + walker.reads(start, stride=4, count=64, gap=20) + end


def cycles(walker: Walker, *fragments: str) -> int:
    return walker.run(*fragments).recorder.cycles


def prepared(walker: Walker) -> str:
    before = set_up_xip(walker) if walker.board == "raspberry-pi-pico" else ""
    return before + (walker.put(*SETUP[walker.board]) if walker.board in SETUP else "")


@pytest.mark.parametrize("board", WAIT_STATES)
def test_more_wait_states_are_slower(board):
    walker, (register, value, most) = WALKERS[board], WAIT_STATES[board]
    took = [cycles(walker, walker.put(register, value | number), work(walker)) for number in range(most + 1)]
    assert took == sorted(set(took))


@pytest.mark.parametrize("board", CACHES)
def test_caches_make_it_faster(board):
    walker, (register, on, off) = WALKERS[board], CACHES[board]
    with_caches, without = (cycles(walker, prepared(walker), walker.put(register, value), work(walker)) for value in (on, off))
    assert with_caches < without


@pytest.mark.parametrize("board", CACHES)
def test_a_cold_run_is_slower_than_a_warm_one(board):
    walker, (register, on, _) = WALKERS[board], CACHES[board]
    setup = prepared(walker) + walker.put(register, on)
    once, twice = (cycles(walker, setup, work(walker, rounds)) for rounds in (1, 2))
    none = cycles(walker, setup)
    assert 0 < twice - once < once - none


@pytest.mark.parametrize("board", CACHES)
def test_cycles_by_cause_add_up_to_the_cycles_of_the_run(board):
    walker, (register, on, _) = WALKERS[board], CACHES[board]
    profile = profile_of(walker.run(prepared(walker), walker.put(register, on), work(walker)))
    booked = sum(sum(block.causes.values()) for block in profile.blocks) + sum(profile.overhead_cycles.values())
    assert booked == profile.cycles
    stalls = sum(block.causes.get(cause, 0) for block in profile.blocks for cause in set(causes.STALLS.values()))
    assert stalls > 0


def chip_of(board: str) -> str:
    """The chip, without package and memory size."""
    return boards.load(board).mcu[:9]


def test_every_chip_with_wait_states_or_caches_is_among_them():
    names = [name for name in boards.names() if not boards.load(name).ideal]
    slow = [name for name in names if any(memory.controller for memory in boards.load(name).memories)]
    alike = {"STM32H747": "STM32H743", "STM32U585": "STM32U575"}
    covered = {chip_of(board) for board in (*WAIT_STATES, *CACHES)}
    assert {alike.get(chip_of(name), chip_of(name)) for name in slow} == covered
