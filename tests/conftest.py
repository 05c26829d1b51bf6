"""Fixtures that every test may ask for."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.firmware import build_firmware, build_text

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell; tests send it to themselves
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def build() -> Callable[..., Path]:
    """Builds firmware of tests/firmware: ``build("scheduler.c", "m4")`` is the path of the ELF."""
    return build_firmware


@pytest.fixture(scope="session")
def build_source() -> Callable[..., Path]:
    """Builds a program given as text: ``build_source("int main(void) { return 0; }", "m4")``."""
    return build_text
