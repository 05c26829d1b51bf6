"""Memories that follow one another without a gap are one for whoever writes to them from outside."""

from __future__ import annotations

import pytest

from mcusim.machine.engine import Engine


@pytest.fixture
def engine() -> Engine:
    """64 KiB at two places, behind the second of which 64 KiB of another memory follow."""
    engine = Engine("UC_CPU_ARM_CORTEX_M4")
    engine.map_memory((0x1000_0000, 0x2003_0000), 0x10000, True)
    engine.map_memory((0x2004_0000,), 0x10000, True)
    return engine


def test_bytes_are_written_across_the_seam(engine: Engine) -> None:
    assert engine.write(0x2003_FFFE, b"abcd")
    assert engine.read(0x2003_FFFE, 4) == b"abcd"
    assert engine.read(0x1000_FFFE, 2) == b"ab"


def test_nothing_is_written_where_memory_ends_before_the_bytes_do(engine: Engine) -> None:
    assert not engine.write(0x2004_FFFE, b"abcd")
    assert engine.read(0x2004_FFFE, 2) == b"\0\0"


def test_room_reaches_to_the_end_of_the_last_memory(engine: Engine) -> None:
    assert [engine.room(address) for address in (0x1000_FFFE, 0x2003_FFFE, 0x3000_0000)] == [2, 0x10002, 0]
