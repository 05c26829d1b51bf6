"""Many cases in worker processes: a worker that dies or falls silent is a failure of the case that it was running."""

from __future__ import annotations

import json
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SILENCE_SECONDS = 90.0
"""Longest time for one case, its report, its second run and the start of the process."""
CASES_PER_WORKER = 300
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Summary:
    """Outcomes of a sweep by kind, and its failures by case."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    instructions: int = 0
    slowest: tuple[float, str] = (0.0, "")

    @property
    def images(self) -> int:
        return sum(self.outcomes.values()) + len(self.failures)

    def add(self, name: str, result: dict) -> None:
        """Count what a worker said of a case."""
        if "failure" in result:
            self.failures[name] = result["failure"] + "\n" + result.get("trace", "")
            return
        self.outcomes[result["kind"]] += 1
        self.instructions += result["instructions"]
        self.slowest = max(self.slowest, (result["seconds"], name))


def sweep(names: Sequence[str], progress: Callable[[Summary], None] | None = None) -> Summary:
    """Run all ``names``, in processes of CASES_PER_WORKER cases, one after the other."""
    summary, left = Summary(), list(names)
    while left:
        batch = left[:CASES_PER_WORKER]
        done = 0
        for name, result in serve(batch):
            summary.add(name, result)
            done += 1
            if progress is not None:
                progress(summary)
        left = left[done:]
    return summary


def serve(names: Sequence[str]) -> Iterator[tuple[str, dict]]:
    """(name, result) of the cases of one process, up to the one that ends it."""
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.fuzz.worker"], cwd=REPOSITORY,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1,
        )  # fmt: skip
        try:
            for name in names:
                result = ask(worker, name)
                if result is None:
                    yield name, {"failure": ending(worker), "trace": tail(errors)}
                    return
                yield name, result
        finally:
            worker.kill()
            worker.communicate()


def ask(worker: subprocess.Popen, name: str) -> dict | None:
    """What the worker says of ``name``; None when it dies or falls silent."""
    assert worker.stdin is not None
    try:
        worker.stdin.write(name + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        return None
    line = read_line(worker)
    return json.loads(line) if line else None


def read_line(worker: subprocess.Popen) -> str:
    """The answer to the one case that was asked, or nothing after SILENCE_SECONDS.

    One line an answer: a second one could wait in the buffer of ``stdout``, where select does not see it.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(worker.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        if not selector.select(SILENCE_SECONDS):
            return ""
    assert worker.stdout is not None
    return worker.stdout.readline()


def ending(worker: subprocess.Popen) -> str:
    """How a worker that answers no more ended."""
    try:
        code = worker.wait(1.0)
    except subprocess.TimeoutExpired:
        worker.send_signal(signal.SIGABRT)  # faulthandler prints where it hangs
        worker.wait(10.0)
        return f"hangs: no answer for {SILENCE_SECONDS:g} s"
    return f"the process died with {signal.Signals(-code).name if code < 0 else f'code {code}'}"


def tail(errors) -> str:
    """The end of what the worker wrote on its error output."""
    errors.seek(0)
    return errors.read()[-4000:]
