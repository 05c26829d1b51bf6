"""``python -m tests.fuzz --count 20000 --first-seed 0``: a sweep with progress and a summary; names run again alone."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.cases import PLAN, case, names
from tests.fuzz.sweep import Summary, sweep


def main() -> int:
    """Number of failing images is not zero: exit code 1."""
    arguments = parse()
    if arguments.write:
        for name in arguments.case:
            write(name, Path(arguments.write))
        return 0
    plan = {
        kind: tuple(b for b in PLAN[kind] if b in arguments.board or not arguments.board) for kind in arguments.kind or PLAN
    }
    chosen = arguments.case or names(plan, arguments.count, arguments.first_seed)
    begin = time.perf_counter()
    summary = sweep(chosen, None if arguments.quiet else Progress(len(chosen), begin).show)
    report(summary, time.perf_counter() - begin)
    return 1 if summary.failures else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("case", nargs="*", help="names of cases (kind/board/seed) to run instead of a sweep")
    parser.add_argument("--count", type=int, default=20_000, help="images of the sweep")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=sorted(PLAN))
    parser.add_argument("--board", action="append", default=[])
    parser.add_argument("--quiet", action="store_true", help="no progress lines")
    parser.add_argument("--write", metavar="FOLDER", help="write the images of the named cases there and run nothing")
    return parser.parse_args()


def write(name: str, folder: Path) -> None:
    """Put the image of a case into ``folder`` and print how it is run."""
    chosen = case(name)
    path = folder / (name.replace("/", "_") + chosen.suffix)
    path.write_bytes(chosen.image)
    print(path, chosen.options)


class Progress:
    """A line every few seconds."""

    SECONDS = 10.0

    def __init__(self, total: int, begin: float) -> None:
        self.total, self.begin, self.shown, self.failures = total, begin, begin, 0

    def show(self, summary: Summary) -> None:
        now = time.perf_counter()
        for name in list(summary.failures)[self.failures :]:
            self.failures += 1
            print(f"failure: {name}: {summary.failures[name]}", file=sys.stderr)
        if now - self.shown >= self.SECONDS:
            self.shown = now
            rate = summary.images / (now - self.begin)
            print(
                f"{summary.images:,} of {self.total:,} images, {rate:.0f}/s, {len(summary.failures)} failures", file=sys.stderr
            )


def report(summary: Summary, seconds: float) -> None:
    """The summary, failures last."""
    print(f"{summary.images:,} images, {summary.instructions:,} instructions, {seconds:.1f} s")
    for kind, count in summary.outcomes.most_common():
        print(f"  {kind:20} {count:>8,}")
    print(f"  slowest {summary.slowest[0]:.2f} s: {summary.slowest[1]}")
    print(f"{len(summary.failures)} failures")
    for name, text in summary.failures.items():
        print(f"--- {name}\n{text}")


if __name__ == "__main__":
    sys.exit(main())
