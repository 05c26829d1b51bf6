"""Links to boards: what is said over a bad line, through a probe, and at the end of patience."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from calibration.links import dialogue, probe
from calibration.links.dialogue import ATTEMPTS, Answer, Dialogue, hash_of
from calibration.links.link import LinkError, Silence
from calibration.links.probe import ProbeLink
from calibration.links.via import parse_via
from calibration.microbenchmarks.results import ResultError

ALU = ("#mark alu:1n 1 118", "#mark alu:2n 1 150", "#checksum 0fe9b16d 2 0")
LOAD = ("#mark load:1n 1 150", "#mark load:2n 1 214", "#checksum 117697cd 2 0")
IDENTITY = ("#firmware mcusim.microbenchmarks/1 0000002a 48",)


def done(lines: Iterable[str]) -> list[str]:
    """A whole answer."""
    return [*lines, f"#done {hash_of(''.join(f'{line}{chr(10)}' for line in lines)):08x}"]


class ScriptedLink:
    """Answers to each command in turn what stands in a script: lines, or an error that is raised."""

    name, patience, starts = "scripted link", 0.01, False

    def __init__(self, *script: list[str] | LinkError) -> None:
        self.script, self.pending, self.opened, self.sent = list(script), [], 0, []

    def flash(self, elf: Path) -> str:
        return ""

    def open(self) -> None:
        self.opened += 1

    def send(self, line: str) -> None:
        self.sent.append(line)
        answer = self.script.pop(0) if self.script else []
        if isinstance(answer, LinkError):
            raise answer
        self.pending += answer

    def read_line(self, seconds: float) -> str:
        if not self.pending:
            raise Silence(f"silent for {seconds:g} s")
        return self.pending.pop(0)

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "RETURN_SECONDS", 0)


SOUND = Answer("alu", (32,), 0x0FE9B16D)


@pytest.mark.parametrize(
    ("first", "note"),
    [
        ([], "silent for"),
        (done(ALU)[:-1], "silent for"),
        (done(ALU)[1:], "hash is wrong"),
        ([*ALU[:1], *done(ALU)[2:]], "hash is wrong"),
        ([line.replace("150", "151") for line in done(ALU)], "hash is wrong"),
        ([done(ALU)[0], "#ready"], "the board was reset"),
        (["#ready"], "the board was reset"),
        (done(["#error no such body"]), "did not understand"),
        (done(ALU[1:]), "a late answer"),
        (done([*ALU[:2], *ALU]), "2 rounds"),
        (["x" * 100] * 5000, "more than 4096 lines"),
        (["~\ufffd~", *done(ALU)], "hash is wrong"),
        (LinkError("the board is gone"), "the board is gone"),
    ],
)
def test_a_glitch_is_asked_again(first: Any, note: str) -> None:
    notes: list[str] = []
    link = ScriptedLink(first, done(ALU))
    assert Dialogue(link, notes.append).run("alu", 1) == SOUND
    assert note in " ".join(notes) and link.sent == 2 * ["run alu 1"]
    assert link.opened == isinstance(first, LinkError) * (type(first) is LinkError)


def test_a_late_answer_is_waited_out() -> None:
    link = ScriptedLink([*done(LOAD), *done(ALU)])
    assert Dialogue(link).run("alu", 1) == SOUND and link.sent == ["run alu 1"]


def test_patience_has_an_end() -> None:
    with pytest.raises(LinkError, match=f"link: no sound answer to 'run alu 1' in {ATTEMPTS} attempts; the last: silent"):
        Dialogue(ScriptedLink()).run("alu", 1)


def test_a_board_that_computes_wrongly_is_not_believed() -> None:
    wrong = done([*ALU[:2], "#checksum 0fe9b16d 2 1"])
    with pytest.raises(LinkError, match="computes wrongly"):
        Dialogue(ScriptedLink(*[wrong] * ATTEMPTS)).run("alu", 1)
    assert issubclass(ResultError, Exception)


def test_the_firmware_says_what_it_is() -> None:
    assert Dialogue(ScriptedLink(done(ALU), done(IDENTITY))).identify() == (42, 48)
    with pytest.raises(LinkError, match="no sound answer to 'identify'"):
        Dialogue(ScriptedLink(*[["login:"]] * ATTEMPTS)).identify()


@pytest.mark.parametrize("text", ["", "usb", "serial", "serial:", "sim:3", "tcp:localhost:3333"])
def test_other_ways_to_a_board_are_refused(text: str) -> None:
    with pytest.raises(LinkError, match="is no way to a board; allowed: pyocd, pyocd:TARGET, serial:PORT, sim"):
        parse_via(text)


def test_ways_to_a_board_are_told_apart() -> None:
    vias = ("sim", "pyocd", "pyocd:stm32h743zitx", "serial:/dev/ttyACM0")
    assert [parse_via(via) for via in vias] == [
        ("sim", ""), ("pyocd", ""), ("pyocd", "stm32h743zitx"), ("serial", "/dev/ttyACM0"),
    ]  # fmt: skip


# --- pyOCD --------------------------------------------------------------------------------------------------------------
class ProbeError(RuntimeError):
    """pyOCD's error."""


def stand_in(probes: list[Any], calls: list[Any], broken: bool = False) -> Callable[[], Any]:
    """What the link uses of pyOCD, noting what it is told."""

    class Session:
        def __init__(self, probe: Any, options: dict[str, Any]) -> None:
            calls.append(("open", probe.unique_id, options))
            self.target = SimpleNamespace(reset=lambda: calls.append("reset"))

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            calls.append("close")

    class FileProgrammer:
        def __init__(self, session: Session) -> None: ...

        def program(self, path: str, file_format: str) -> None:
            if broken:
                raise ProbeError("no ACK")
            calls.append(("program", path, file_format))

    helper = SimpleNamespace(get_all_connected_probes=lambda **_: probes)
    return lambda: SimpleNamespace(Error=ProbeError, ConnectHelper=helper, Session=Session, FileProgrammer=FileProgrammer)


PROBE = SimpleNamespace(unique_id="066A", description="STLink")


def test_a_probe_flashes_resets_and_has_a_serial_port(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(probe, "_pyocd", stand_in([PROBE], calls))
    monkeypatch.setattr(probe, "_port_of", lambda unique_id: f"/dev/{unique_id}")
    link = ProbeLink("stm32h743zitx", "")
    assert link.flash(Path("a.elf")) == ""
    assert calls == [("open", "066A", {"target_override": "stm32h743zitx"}), ("program", "a.elf", "elf"), "reset", "close"]
    assert (link.port, link.name) == ("/dev/066A", "STLink, serial port /dev/066A")


@pytest.mark.parametrize(("probes", "message"), [([], "none"), ([PROBE, PROBE], r"STLink \(066A\), STLink \(066A\)")])
def test_one_probe_is_needed(monkeypatch: pytest.MonkeyPatch, probes: list[Any], message: str) -> None:
    monkeypatch.setattr(probe, "_pyocd", stand_in(probes, []))
    with pytest.raises(LinkError, match=f"needs one debug probe; connected: {message}"):
        ProbeLink("", "").flash(Path("a.elf"))


def test_a_board_that_cannot_be_flashed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_pyocd", stand_in([PROBE], [], broken=True))
    with pytest.raises(LinkError, match=r"pyOCD: a\.elf cannot be flashed: no ACK"):
        ProbeLink("", "/dev/x").flash(Path("a.elf"))


def test_without_pyocd_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyocd", ModuleType("pyocd"))
    monkeypatch.setitem(sys.modules, "pyocd.core", None)
    monkeypatch.setitem(sys.modules, "pyocd.core.exceptions", None)
    with pytest.raises(LinkError, match=r"need pyocd; pip install 'mcusim\[board\]'"):
        ProbeLink("", "").flash(Path("a.elf"))


def test_what_is_used_of_pyocd_is_there() -> None:
    pytest.importorskip("pyocd")
    used = probe._pyocd()
    assert callable(used.ConnectHelper.get_all_connected_probes) and callable(used.FileProgrammer.program)
