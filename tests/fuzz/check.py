"""One image, run and judged: a report whose sums agree or a McusimError, soon, in bounded memory, the host untouched."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mcusim
from mcusim.errors import McusimError
from mcusim.machine.compiled import CACHE_DIRECTORY
from mcusim.report import Report
from mcusim.report.exit import FIRMWARE, REASONS, code_of
from mcusim.report.flamegraph import flamegraph
from mcusim.report.terminal import report_text
from mcusim.report.trace import trace
from tests.fuzz.cases import Case

LIMIT_SECONDS = 20.0
"""Host time for one run; most take 20 milliseconds."""
LIMIT_BYTES = 768 << 20
"""By how much one run may raise the process's peak memory."""
LEAST_INSTRUCTIONS = 2_000
"""Fewer by the time limit is a hang; new code costs up to some 10 ms an instruction where each one faults."""
SLACK_INSTRUCTIONS = 20_000
"""How far behind its limit a run may end: a block, an IT group, a longest interrupt-free stretch."""
CANARY = b"not yours\n"
EXIT_CODES = {row.name: row.code for row in REASONS}
CHANGES = ("os.", "shutil.", "subprocess.", "socket.", "pty.", "ftplib.", "urllib.", "tempfile.")
HARMLESS = ("os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "os.walk", "os.getxattr", "os.fwalk", "os.register_at_fork")


class FuzzFailure(AssertionError):
    """A run that did what no run may do."""


@dataclass(frozen=True)
class Outcome:
    """How a case ended: ``kind`` is the exit reason of the report or the name of the error."""

    kind: str
    instructions: int
    seconds: float


class HostGuard:
    """Watches what the process does to the host while armed (audit hooks cannot be removed: make one per process)."""

    def __init__(self) -> None:
        self.allowed: Path | None = None
        self.image = ""
        self.violations: list[str] = []
        sys.addaudithook(self._audit)

    @contextlib.contextmanager
    def armed(self, allowed: Path, image: Path) -> Iterator[None]:
        """Allow changes below ``allowed`` only."""
        self.allowed, self.image, self.violations = allowed.resolve(), str(image), []
        try:
            yield
        finally:
            self.allowed = None

    def _audit(self, event: str, arguments: tuple) -> None:
        if self.allowed is None:
            return
        if event == "open":
            self._opened(*arguments[:3])
        elif event.startswith(CHANGES) and event not in HARMLESS and not self._all_inside(arguments):
            self.violations.append(f"{event}{arguments!r}")

    def _opened(self, path: object, mode: object, flags: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        writes = bool(int(flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))  # type: ignore[call-overload]
        if not self._inside(path) and (writes or not self._readable(os.fspath(path))):
            self.violations.append(f"open({path!r}, {mode!r}, {flags!r})")

    def _readable(self, path: str | bytes) -> bool:
        """What the simulator itself reads: the image, its own tables, Python's files, its own memory."""
        name = os.path.abspath(os.fsdecode(path))
        own = (sys.prefix, sys.base_prefix, str(Path(mcusim.__file__).parent))
        return name in (self.image, "/proc/self/mem") or name.startswith(own)

    def _inside(self, path: str | bytes | os.PathLike) -> bool:
        assert self.allowed is not None
        name = os.path.realpath(os.path.abspath(os.fsdecode(os.fspath(path))))
        return name.startswith((f"{self.allowed}{os.sep}", f"{CACHE_DIRECTORY}{os.sep}"))

    def _all_inside(self, arguments: tuple) -> bool:
        paths = [each for each in arguments if isinstance(each, str | bytes)]
        return bool(paths) and all(self._inside(path) for path in paths)


class Arena:
    """A directory for one process: the images, the opened directory, and a canary beside it with a link to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.canary = folder, folder / "opened", folder / "canary"
        self.guard = HostGuard()

    def prepare(self, case: Case) -> Path:
        """Path of the image, everything else as new."""
        self._empty(self.root)
        self.canary.write_bytes(CANARY)
        (self.root / "folder").mkdir(parents=True)
        (self.root / "f").write_bytes(b"contents of f\n" * 20)
        (self.root / "link").symlink_to(self.folder)
        (self.root / "out").symlink_to(self.canary)
        path = self.folder / f"image{case.suffix}"
        path.write_bytes(case.image)
        return path

    def _empty(self, folder: Path) -> None:
        for name in sorted(folder.rglob("*"), reverse=True) if folder.exists() else ():
            name.rmdir() if name.is_dir() and not name.is_symlink() else name.unlink()
        if folder.exists():
            folder.rmdir()

    def check(self, case: Case) -> None:
        """FuzzFailure when anything outside of the opened directory has changed."""
        there = {path.name for path in self.folder.iterdir()}
        expected = {"opened", "canary", f"image{case.suffix}"}
        if self.guard.violations:
            raise FuzzFailure(f"{case.name}: touched the host: {self.guard.violations[:3]}")
        if self.canary.read_bytes() != CANARY or not there <= expected | {"image.bin", "image.elf"}:
            raise FuzzFailure(f"{case.name}: changed files outside of the opened directory: {sorted(there)}")


@contextlib.contextmanager
def arena() -> Iterator[Arena]:
    """A fresh arena, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mcusim-fuzz-") as folder:
        yield Arena(Path(folder))


def run(case: Case, place: Arena) -> Outcome:
    """Outcome of ``case``; FuzzFailure or any other exception when it did what no run may do."""
    path = place.prepare(case)
    options = case.options | {
        "timeout_seconds": LIMIT_SECONDS,
        "semihosting_root": place.root if case.opens_directory else None,
    }
    before, begin = peak_bytes(), time.perf_counter()
    report = None
    try:
        with place.guard.armed(place.root, path):
            report = mcusim.run(path, **options)
        kind, instructions = report.exit.reason, report.instructions
    except McusimError as error:
        kind, instructions = type(error).__name__, 0
        if type(error) is McusimError or not str(error):
            raise FuzzFailure(f"{case.name}: an error of no kind: {error}") from error
    seconds = time.perf_counter() - begin
    place.check(case)
    if peak_bytes() - before > LIMIT_BYTES:
        raise FuzzFailure(f"{case.name}: took {peak_bytes() - before >> 20} MiB")
    if report is not None:
        check_report(case, report)
        if report.cycles % 8 == 1:
            check_again(case, report, path, options)
    return Outcome(kind, instructions, seconds)


def check_report(case: Case, report: Report) -> None:
    """The sums agree, the exit is documented, and every format can be written."""
    reason, code = report.exit.reason, report.exit.code
    sums = {
        "functions": sum(function.self_cycles for function in report.functions),
        "causes": sum(report.causes.values()),
        "call tree": sum(node.self_cycles for node in report.call_tree),
    }
    wrong = {name: total for name, total in sums.items() if total != report.cycles}
    problems = [f"{name} sums to {total:,}, cycles are {report.cycles:,}" for name, total in wrong.items()]
    if reason == "timeout" and report.instructions < LEAST_INSTRUCTIONS:
        problems.append(f"no end within {LIMIT_SECONDS:g} s, {report.instructions:,} instructions, {report.cycles:,} cycles")
    if (reason != FIRMWARE and EXIT_CODES.get(reason) != code) or not 0 <= code_of(reason, code) <= 255:
        problems.append(f"exit {reason!r} with code {code} is not documented")
    if report.instructions > case.options["max_instructions"] + SLACK_INSTRUCTIONS:
        problems.append(f"{report.instructions:,} instructions, the limit is {case.options['max_instructions']:,}")
    if report.cycles < 0 or report.instructions < 0 or any(function.self_cycles < 0 for function in report.functions):
        problems.append("negative counts")
    if any(node.self_cycles < 0 for node in report.call_tree):
        problems.append("negative counts in the call tree")
    if Report.from_json(report.to_json()) != report:
        problems.append("JSON does not come back as the report it was made of")
    if problems:
        raise FuzzFailure(f"{case.name}: {'; '.join(problems)}")
    flamegraph(report)
    if report.cycles % 4 == 0:  # the slowest of the formats
        report_text(report)
    if report.timeline is not None:
        trace(report)


def check_again(case: Case, report: Report, path: Path, options: dict) -> None:
    """A second run gives the same report."""
    place = path.parent
    assert place.exists()
    if options["semihosting_root"] is not None:
        return  # its files are no longer what they were
    again = mcusim.run(path, **options)
    if replace(again, host=report.host) != report:
        raise FuzzFailure(f"{case.name}: a second run differs: {difference(report, replace(again, host=report.host))}")


def difference(first: Report, second: Report) -> str:
    """The fields that differ."""
    rows = [(name, getattr(first, name), getattr(second, name)) for name in first.__dataclass_fields__]
    return "; ".join(f"{name}: {str(a)[:120]} / {str(b)[:120]}" for name, a, b in rows if a != b)


def peak_bytes() -> int:
    """Highest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
