"""The kernels on the simulated cores against NumPy: plain C on a Cortex-M0+, with the DSP extension on M4, M7 and M33."""

from __future__ import annotations

import pytest

import mcusim
from kernels_c import kernels
from tests.kernels.cases import Case, all_cases
from tests.support.firmware import FIRMWARE, KEPT, build_firmware

BUILDS = [("m0plus", ("-O2",), "gcc"), ("m4", ("-O2",), "gcc"), ("m4", ("-O3", "-DNN_PLAIN_C"), "gcc"), ("m7", ("-O3",), "gcc"),
          ("m33", ("-Os",), "gcc"), ("m4", ("-O2",), "zig")]  # fmt: skip


def program(cases: list[Case]) -> str:
    """A firmware that runs the cases."""
    lines = "\n".join(case.line() for case in cases)
    return f'#include "{FIRMWARE / "kernel_cases.h"}"\n\nint main(void)\n{{\n{lines}\n    return 0;\n}}\n'


def run_cases(cases: list[Case], core: str, flags: tuple[str, ...], compiler: str) -> list[str]:
    """A line for each case."""
    KEPT.mkdir(parents=True, exist_ok=True)
    text = KEPT / f"kernel_cases_{core}_{'_'.join(flags)}_{compiler}.c"
    text.write_text(program(cases))
    elf = build_firmware([text, *kernels()], core, flags=flags, compiler_name=compiler)
    report = mcusim.run(elf, core=core)
    assert report.exit.reason == "exit", report.fault
    return report.serial.splitlines()


@pytest.mark.parametrize(("core", "flags", "compiler"), BUILDS)
def test_every_kernel_equals_its_definition(core: str, flags: tuple[str, ...], compiler: str) -> None:
    cases = all_cases()
    lines = run_cases(cases, core, flags, compiler)
    wrong = [f"{case}: {line}" for case, line in zip(cases, lines, strict=True) if line != case.answer()]
    assert not wrong, f"{len(wrong)} of {len(cases)}, first {wrong[0]}"
