"""--send and --until see all output, each byte once."""

from __future__ import annotations

import time

from mcusim.machine import serial
from mcusim.machine.serial import SerialConsole


def type_bytes(console: SerialConsole, data: bytes) -> list[bytes]:
    """What is typed in answer to ``data`` that comes byte by byte."""
    return [text for byte in data for text in console.feed("uart", bytes((byte,)))]


def test_each_rule_waits_for_a_new_occurrence():
    console = SerialConsole(((b"ready", b"one"), (b"ready", b"two"), (b"go", b"three")), None, None)
    assert type_bytes(console, b"ready go ") == [b"one"]
    assert type_bytes(console, b"ready") == [b"two"]
    assert type_bytes(console, b" go") == [b"three"]


def test_two_occurrences_in_one_piece_answer_two_rules():
    console = SerialConsole(((b"aa", b"1"), (b"aa", b"2"), (b"aa", b"3")), None, None)
    assert list(console.feed("uart", b"aaaaa")) == [b"1", b"2"]
    assert list(console.feed("uart", b"a")) == [b"3"]


def test_until_waits_for_the_end_of_its_line():
    console = SerialConsole((), b"done", None)
    type_bytes(console, b"a\ndone 1")
    assert not console.done
    type_bytes(console, b"\n")
    assert console.done


def test_what_is_not_kept_is_searched_all_the_same(monkeypatch):
    monkeypatch.setattr(serial, "KEPT_BYTES", 100)
    monkeypatch.setattr(serial, "RECENT_BYTES", 10)
    console = SerialConsole(((b"ready", b"go"),), b"done", None)
    type_bytes(console, b"." * 500)
    assert type_bytes(console, b"ready") == [b"go"]
    type_bytes(console, b"." * 500 + b"done\n")
    assert console.done
    assert len(console.kept) == 100
    assert console.dropped == 910
    assert len(console.recent) <= 11


def test_the_search_for_a_text_that_never_comes_does_not_start_anew_each_time():
    def seconds(count: int) -> float:
        console = SerialConsole(((b"never", b""),), b"never", None)
        start = time.perf_counter()
        type_bytes(console, b"x" * count)
        return time.perf_counter() - start

    def fastest(count: int) -> float:
        return min(seconds(count) for _ in range(5))

    seconds(1000)
    assert fastest(80_000) < 12 * max(fastest(20_000), 1e-3)  # four times the bytes; quadratic would be sixteen times
