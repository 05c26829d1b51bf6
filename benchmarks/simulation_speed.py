"""Speed of a priced run against bare Unicorn and qemu-system-arm, measured side by side.

    python -m benchmarks.simulation_speed [--json FILE] [--rounds N] [--board BOARD] [IMAGE ...]

Six programs of ours run in turn on each engine, ``--rounds`` times over, and the best time of each counts.
``priced/bare`` is the speed of a priced run as a share of Unicorn's own (1 means that pricing costs nothing),
``cached/bare`` the same with an instruction cache, a data cache and slow memories behind them simulated access by access,
``quick/bare`` the speed of Unicorn with the machine's way of keeping stores fast but without pricing, and ``qemu/bare`` the
speed of QEMU. Programs that live on exceptions, and images, run "bare" on the same machine without its
pricing hook, since Unicorn alone delivers no exception; an image that waits for a clock does not finish that way, and
has no ratio then.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.bare_unicorn import BareUnicorn
from kernels_c import kernels
from kernels_c.toolchain import find_compiler
from mcusim import boards, program
from mcusim.machine.machine import Machine, Options
from mcusim.pricing.memory import Cache, Device, Paths
from mcusim.pricing.memory import Path as Route
from mcusim.pricing.passage import MemoryTiming
from mcusim.run import core_of

SCHEMA = "mcusim.benchmark.simulation_speed/1"
FOLDER = Path(__file__).parent / "programs"
BUILT = Path("build/benchmarks")
CORE, QEMU_MACHINE = "m4", "mps2-an386"
BARE_LIMIT_SECONDS = 60.0

RATIOS = ("priced_over_bare", "cached_over_bare", "quick_over_bare", "qemu_over_bare")

Run = Callable[[], float]
"""Runs a program once; seconds."""


@dataclass(frozen=True)
class Workload:
    """A benchmark program: its sources besides the one of its name, and whether it needs exceptions."""

    name: str
    sources: tuple[str, ...] = ()
    exceptions: bool = False


WORKLOADS = (
    Workload("int8_convolution", tuple(map(str, kernels()))),
    Workload("pointer_chase"),
    Workload("branchy_parser"),
    Workload("float_filter"),
    Workload("rtos_switching", exceptions=True),
    Workload("memory_copy"),
)


CACHES = (Cache("instruction", 32, 64, 2), Cache("data", 32, 32, 4, write_allocate=True))
DEVICES = (Device("flash", 8, 15, next_cycles=2), Device("ram", 8, 9, next_cycles=1, write_cycles=2, write_depth=4))
BEHIND_CACHES = {
    "flash": Paths(Route("flash", "instruction"), Route("flash", "data")),
    "ram": Paths(None, Route("ram", "data"), Route("ram", "data")),
}
"""Two caches of 4 KiB in front of flash and RAM, as on a small Cortex-M7: every access is looked up."""


def behind_caches(timing: MemoryTiming) -> MemoryTiming:
    """The memories of the ideal board behind caches."""
    regions = tuple(replace(region, paths=BEHIND_CACHES.get(region.name, Paths())) for region in timing.regions)
    return MemoryTiming(regions, CACHES, DEVICES)


@dataclass(frozen=True)
class Result:
    """Best seconds of each engine for one program; None where an engine did not run it."""

    name: str
    instructions: int
    cycles: int
    priced_seconds: float
    bare_seconds: float | None
    qemu_seconds: float | None
    cached_seconds: float | None = None
    quick_seconds: float | None = None

    @property
    def quick_over_bare(self) -> float | None:
        """Speed of Unicorn that keeps stores fast, as a multiple of that of Unicorn as it comes."""
        return None if self.bare_seconds is None or self.quick_seconds is None else self.bare_seconds / self.quick_seconds

    @property
    def cached_over_bare(self) -> float | None:
        """The same with caches simulated."""
        if self.bare_seconds is None or self.cached_seconds is None:
            return None
        return self.bare_seconds / self.cached_seconds

    @property
    def priced_over_bare(self) -> float | None:
        """Speed of the priced run as a share of the bare one."""
        return None if self.bare_seconds is None else self.bare_seconds / self.priced_seconds

    @property
    def qemu_over_bare(self) -> float | None:
        """Speed of QEMU as a multiple of the bare run's."""
        return None if self.bare_seconds is None or self.qemu_seconds is None else self.bare_seconds / self.qemu_seconds


class Priced:
    """Runs a program on the machine, and remembers what it counted."""

    def __init__(self, image: Path, board: str, *, bare: bool = False, cached: bool = False) -> None:
        self.image, self.bare, self.cached = image, bare, cached
        self.board = boards.load(board)
        self.instructions = self.cycles = 0

    def __call__(self) -> float:
        options = Options(bare=self.bare, timeout_seconds=BARE_LIMIT_SECONDS if self.bare else None)
        machine = Machine(program.load(self.image), self.board, core_of(self.board), options)
        if self.cached:
            machine.recorder.use_timing(behind_caches(machine.recorder.timing))
        begin = time.perf_counter()
        finish = machine.run()
        seconds = time.perf_counter() - begin
        if finish.reason != "exit" or finish.code != 0:
            raise RuntimeError(f"{self.image.name} ended with {finish.reason} {finish.code} {finish.text}")
        if not self.bare:
            self.instructions, self.cycles = machine.instruction_count(), machine.now()
        return seconds


class Qemu:
    """Runs a program on qemu-system-arm; the seconds of a program that does nothing are taken off."""

    def __init__(self, elf: Path, nothing: Path) -> None:
        self.elf, self.nothing = elf, nothing

    def __call__(self) -> float:
        start_up = min(self.seconds(self.nothing) for _ in range(2))
        return max(self.seconds(self.elf) - start_up, 1e-6)

    @staticmethod
    def seconds(elf: Path) -> float:
        """Seconds of the whole process."""
        command = ["qemu-system-arm", "-M", QEMU_MACHINE, "-semihosting", "-nographic", "-kernel", str(elf)]
        begin = time.perf_counter()
        answer = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=300, check=False)
        if answer.returncode != 0:
            said = answer.stderr.decode(errors="replace")
            raise RuntimeError(f"{elf.name} ended with {answer.returncode} on qemu-system-arm: {said}")
        return time.perf_counter() - begin


def build(workload: Workload) -> Path:
    """The ELF of a workload."""
    sources = [FOLDER / f"{workload.name}.c", *workload.sources]
    return find_compiler().compile(sources, BUILT / f"{workload.name}.elf", CORE)


def build_nothing() -> Path:
    """The ELF of a program that exits at once."""
    source = BUILT / "nothing.c"
    BUILT.mkdir(parents=True, exist_ok=True)
    source.write_text("int main(void) { return 0; }\n")
    return find_compiler().compile([source], BUILT / "nothing.elf", CORE)


def best_of(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Lowest seconds of each engine, the engines taking turns."""
    best: dict[str, float] = dict.fromkeys(runs, math.inf)
    for _ in range(rounds):
        for name, run in runs.items():
            best[name] = min(best[name], run())
    return best


def measure_workload(workload: Workload, nothing: Path | None, rounds: int) -> Result:
    """Result of one program of ours on all engines."""
    elf = build(workload)
    priced = Priced(elf, CORE)
    bare: Run = Priced(elf, CORE, bare=True) if workload.exceptions else lambda: BareUnicorn(elf).run()
    runs: dict[str, Run] = {"bare": bare, "priced": priced, "cached": Priced(elf, CORE, cached=True)}
    if not workload.exceptions:
        runs["quick"] = lambda: BareUnicorn(elf, quick=True).run()
    if nothing is not None:
        runs["qemu"] = Qemu(elf, nothing)
    best = best_of(runs, rounds)
    times = (best["priced"], best["bare"], best.get("qemu"), best["cached"], best.get("quick"))
    return Result(workload.name, priced.instructions, priced.cycles, *times)


def measure_image(image: Path, board: str, rounds: int) -> Result:
    """Result of somebody's image on a board: priced, and bare where it finishes without a clock."""
    priced, bare = Priced(image, board), Priced(image, board, bare=True)
    seconds = best_of({"priced": priced}, rounds)["priced"]
    try:
        bare_seconds = best_of({"bare": bare}, rounds)["bare"]
    except RuntimeError:
        bare_seconds = None
    return Result(image.name, priced.instructions, priced.cycles, seconds, bare_seconds, None)


def geometric_mean(values: Iterable[float]) -> float:
    """Geometric mean of positive values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def line_of(result: Result) -> str:
    """A row of the table."""
    return (
        f"{result.name:<20}{result.instructions / 1e6:>9.1f}{result.instructions / result.priced_seconds / 1e6:>9.1f}"
        f"{share(result.priced_over_bare)}{share(result.cached_over_bare)}"
        f"{share(result.quick_over_bare)}{share(result.qemu_over_bare)}"
    )


def share(value: float | None) -> str:
    """A ratio in its column."""
    return f"{'-':>14}" if value is None else f"{value:>14.2f}"


def document(results: Sequence[Result], ratios: Sequence[float]) -> dict[str, object]:
    """The JSON document: every figure, and where it was measured."""
    rows = [
        asdict(result)
        | {name: getattr(result, name) for name in RATIOS}
        for result in results
    ]
    host = {"machine": platform.machine(), "python": platform.python_version(), "unicorn": version("unicorn")}
    summary = {"geometric_mean": geometric_mean(ratios), "worst": min(ratios)} if ratios else {}
    return {"schema": SCHEMA, "host": host, "programs": rows, "priced_over_bare": summary}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    parser.add_argument("--board", default=CORE, help="board of the images (default: the ideal m4)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    nothing = build_nothing() if shutil.which("qemu-system-arm") else None
    Priced(build_nothing(), CORE)()  # loads compiled code

    print(f"{'program':<20}{'Minstr':>9}{'MIPS':>9}{'priced/bare':>14}{'cached/bare':>14}"
          f"{'quick/bare':>14}{'qemu/bare':>14}")  # fmt: skip
    results = []
    for workload in WORKLOADS:
        results.append(measure_workload(workload, nothing, options.rounds))
        print(line_of(results[-1]), flush=True)
    ratios = [result.priced_over_bare for result in results if result.priced_over_bare is not None]
    cached = [result.cached_over_bare for result in results if result.cached_over_bare is not None]
    print(f"{'geometric mean':<38}{geometric_mean(ratios):>14.2f}{geometric_mean(cached):>14.2f}")
    print(f"{'worst':<38}{min(ratios):>14.2f}{min(cached):>14.2f}")
    for image in options.images:
        results.append(measure_image(image, options.board, options.rounds))
        print(line_of(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(document(results, ratios), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
