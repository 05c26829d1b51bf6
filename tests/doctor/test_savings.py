"""What the doctor says a change would save is what it saves: the advice is followed, the firmware built anew and run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim.doctor import diagnose

KIB = 1024
CORE = {"nucleo-h743zi": "m7", "nucleo-f746zg": "m7", "nucleo-l4r5zi": "m4"}
ACR = {"nucleo-h743zi": 0x52002000, "nucleo-f746zg": 0x40023C00, "nucleo-l4r5zi": 0x40022000}
DTCM, AXI_SRAM, F7_SRAM, L4_SRAM2 = 0x20000000, 0x24000000, 0x20010000, 0x10000000
RAM_CODE = '__attribute__((section(".ramcode")))'
RAM_TABLE = '__attribute__((section(".data")))'
SOFT = "m3"
"""The core without FPU whose code the others run too."""


@dataclass(frozen=True)
class Build:
    """How slow.c is built: defines, place of its RAM and flash, core (the board's where empty)."""

    defines: dict[str, Any] = field(default_factory=dict)
    ram: int = DTCM
    flash: int = 0x08000000
    core: str = ""


def waits(board: str, value: int, **more: Any) -> dict[str, Any]:
    return {"ACR": f"{ACR[board]:#x}", "ACR_VALUE": f"{value:#x}", **more}


H7, F7, L4 = "nucleo-h743zi", "nucleo-f746zg", "nucleo-l4r5zi"
FLOATS_CACHED = {"FLOATS": 1, "ROUNDS": 1, "CACHES": 1}
CASES = [
    ("caches", H7, Build(ram=AXI_SRAM), Build({"CACHES": 1}, ram=AXI_SRAM)),
    ("caches", F7, Build(ram=F7_SRAM), Build({"CACHES": 1}, ram=F7_SRAM)),
    ("caches", L4, Build(waits(L4, 0x4)), Build(waits(L4, 0x604))),
    ("prefetch", L4, Build(waits(L4, 0x4)), Build(waits(L4, 0x104))),
    ("wait_states", H7, Build(), Build(waits(H7, 0))),
    ("wait_states", L4, Build(waits(L4, 0x5)), Build(waits(L4, 0x0))),
    ("wait_states", F7, Build(waits(F7, 0x7)), Build(waits(F7, 0x0))),
    ("clock", L4, Build(), Build({"PLL_L4": 1})),
    ("code_placement", H7, Build(), Build({"HOT": RAM_CODE})),
    ("code_placement", F7, Build(waits(F7, 0x7)), Build(waits(F7, 0x7, HOT=RAM_CODE))),
    ("code_placement", L4, Build(waits(L4, 0x4), ram=L4_SRAM2), Build(waits(L4, 0x4, HOT=RAM_CODE), ram=L4_SRAM2)),
    ("data_placement", H7, Build(ram=AXI_SRAM), Build({"TABLE": RAM_TABLE})),
    ("alignment", L4, Build({"SHIFT": 1}), Build({"SHIFT": 0})),
    ("alignment", F7, Build({"SHIFT": 1}), Build({"SHIFT": 0})),
    ("soft_float", L4, Build({"FLOATS": 1, "ROUNDS": 1}, core=SOFT), Build({"FLOATS": 1, "ROUNDS": 1})),
    ("soft_float", H7, Build(FLOATS_CACHED, core=SOFT), Build(FLOATS_CACHED)),
]  # fmt: skip


def build_slow(build, board: str, how: Build):
    layout = Layout(how.flash, 128 * KIB, how.ram, 48 * KIB)
    return build("slow.c", how.core or CORE[board], defines=how.defines, layout=layout)


@pytest.mark.parametrize(("kind", "board", "before", "after"), CASES, ids=[f"{kind}-{board}" for kind, board, *_ in CASES])
def test_a_saving_is_what_following_the_advice_saves(build, kind, board, before, after):
    diagnosis = diagnose(build_slow(build, board, before), board=board)
    found = {finding.kind: finding for finding in diagnosis.findings}
    assert kind in found, list(found)
    old = mcusim.run(build_slow(build, board, before), board=board)
    new = mcusim.run(build_slow(build, board, after), board=board)
    assert old.exit.reason == new.exit.reason == "exit"
    assert (diagnosis.cycles, diagnosis.seconds) == (old.cycles, old.latency_seconds)
    if kind == "clock":
        saved = old.latency_seconds - new.latency_seconds
        assert found[kind].saved_seconds == pytest.approx(saved, rel=0.1)
    else:
        assert found[kind].saved_cycles == pytest.approx(old.cycles - new.cycles, rel=0.1)
        assert old.serial == new.serial or kind == "alignment"
