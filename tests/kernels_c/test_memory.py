from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mcusim


@pytest.mark.parametrize("core", ["m0", "m7"])
@pytest.mark.parametrize("flags", [("-O0",), ("-O2",)], ids="".join)
def test_memory_functions_work_for_every_alignment(build: Callable[..., Path], core: str, flags: tuple[str]) -> None:
    report = mcusim.run(build("memory_functions.c", core, flags=(*flags, "-fno-builtin")), core=core)
    assert report.serial == "passed\n"
    assert report.exit.code == 0
