"""The log of a calibration: nothing is lost, nothing damaged is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.session import Around, Chosen, Measured, Session, SessionError, Subject

SUBJECT = Subject("m0", "ab", 7, "sim", 3, 0.01, "0.1.0")
FIRST, SECOND = Measured("alu", (32, 33), 0xFFFFFFFF), Measured("load", (64,), 5)
EVENTS = [Chosen(("alu", "load")), FIRST, Around({"load.cycles": 3}), SECOND]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    session = Session(tmp_path / "log", SUBJECT)
    for event in EVENTS:
        session.append(event)
    session.close()
    return tmp_path / "log"


def test_events_are_read_back(log: Path) -> None:
    session = Session(log, SUBJECT)
    assert session.events == EVENTS and session.measured == EVENTS[1::2]
    session.append(Chosen(()))
    session.close()
    assert Session(log, SUBJECT).events == [*EVENTS, Chosen(())]


def test_whatever_the_log_is_cut_off_at_whole_lines_stay(log: Path) -> None:
    data = log.read_bytes()
    for end in range(len(data)):
        log.write_bytes(data[:end])
        notes: list[str] = []
        session = Session(log, SUBJECT, notes.append)
        whole = data[:end].count(b"\n")
        assert session.events == EVENTS[: max(0, whole - 1)]
        assert bool(notes) == (not data[:end].endswith(b"\n") and end > 0)
        session.close()
        assert log.read_bytes() == data[: data[:end].rfind(b"\n") + 1] or not whole


def test_every_changed_byte_is_noticed(log: Path) -> None:
    data = log.read_bytes()
    for place in range(0, len(data) - 1, 3):
        log.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(SessionError, match=rf"log: .*{'line|session'}"):
            Session(log, SUBJECT).close()


@pytest.mark.parametrize("field", ["board", "image", "build", "link", "seed", "noise"])
def test_another_subject_is_refused_by_name(log: Path, field: str) -> None:
    other = Subject(**{**{name: getattr(SUBJECT, name) for name in SUBJECT.__slots__}, field: "other"})
    with pytest.raises(SessionError, match=rf"another session: {field} was .*, and is 'other'; allowed: the same, or another"):
        Session(log, other)


def test_another_version_of_mcusim_may_go_on(log: Path) -> None:
    newer = Subject(**{**{name: getattr(SUBJECT, name) for name in SUBJECT.__slots__}, "version": "9"})
    assert Session(log, newer).events == EVENTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "line 1: is damaged: b'hello'"),
        ("\n", "line 1: is damaged"),
        ('{"crc":1}\n', "line 1: is damaged"),
        ('[],"crc":223132457}\n', "line 1: is damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "log").write_text(text)
    with pytest.raises(SessionError, match=message):
        Session(tmp_path / "log", SUBJECT)


def test_two_at_a_time_are_refused(log: Path) -> None:
    first = Session(log, SUBJECT)
    with pytest.raises(SessionError, match="another calibration writes it"):
        Session(log, SUBJECT)
    first.close()
    Session(log, SUBJECT).close()


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(SessionError, match="cannot be opened: Is a directory"):
        Session(tmp_path / "log", SUBJECT)
