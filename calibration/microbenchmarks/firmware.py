"""From the table of bodies to one firmware for a board."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration.microbenchmarks.bodies import COPIES, ENERGY, LINES, Body, bodies_of
from kernels_c.toolchain import Compiler, find_compiler
from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.deploy.layout import Support, support_of
from mcusim.report.files import write_atomically
from mcusim.run import core_of

ROUNDS, WARM_UPS = 5, 3
"""Each body is timed once a round; before its first time it runs that often, so that caches and predictors know it."""
ENERGY_COPIES = 8 * COPIES
"""Copies of a body in a turn of its energy loop, so that call and set-up are little of it."""
SLEEP, SWEEP = "sleep", "sweep"
"""Energy loops that are no turns of a body: WFI, and reads of one line after the other of more code than a cache holds."""
LINE_BYTES = 32
EVICTED_BYTES, JUMPS = 1 << 16, 1024
"""What is read, and how many jumps are made, before a cold body of commanded firmware is timed: more than any cache holds."""
TEMPLATE, COMMANDS = Path(__file__).with_name("main.c.in"), Path(__file__).with_name("commands.h")
FILES = ("bodies.S", "main.c")


@dataclass(frozen=True)
class Microbenchmarks:
    """A board's bodies and how to build them. ``commanded``: the board waits for the names of bodies (commands.h)."""

    board: Board
    core: Core
    support: Support
    bodies: tuple[Body, ...]
    rounds: int
    energy_seconds: float
    commanded: bool = False

    @property
    def build_number(self) -> int:
        """What commanded firmware says it is: 32 bits of a hash of its sources."""
        text = "".join((assembly(self), program(self), COMMANDS.read_text(encoding="utf-8"), repr(self.support)))
        return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)

    @property
    def defines(self) -> Mapping[str, object]:
        """C macros of the build."""
        own = {"COMMANDED": 1, "BUILD": f"{self.build_number:#010x}u"} if self.commanded else {}
        evicted = {"EVICTED_BYTES": EVICTED_BYTES} if self.evicts else {}
        return {**self.support.defines, **own, **evicted}

    @property
    def evicts(self) -> bool:
        """Whether bodies are made cold again, as often as they are asked for."""
        return self.commanded and any(body.cold for body in self.bodies)

    def write(self, folder: Path) -> None:
        """Write the sources into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in zip(FILES, (assembly(self), program(self)), strict=True):
            write_atomically(folder / name, text)
        if self.commanded:
            write_atomically(folder / COMMANDS.name, COMMANDS.read_text(encoding="utf-8"))

    def build(self, folder: Path, compiler: Compiler | None = None) -> Path:
        """Path of the ELF in ``folder``, beside its sources. ToolchainError with the compiler's words where it fails."""
        self.write(folder)
        support = self.support
        return (compiler or find_compiler()).compile(
            [*(folder / name for name in FILES), "src/marks.c", *support.sources], folder / "microbenchmarks.elf", support.core,
            flags=("-O1",), defines=self.defines, layout=support.layout, console=support.console, fpu=support.fpu,
        )  # fmt: skip


def microbenchmarks_of(
    board: Board, *, rounds: int = ROUNDS, energy_seconds: float = 1.0, commanded: bool = False
) -> Microbenchmarks:
    """All bodies for ``board``. ``energy_seconds``: length of each energy loop, 0 for none of them.

    Raises BoardError for a board whose file does not say how to build for it.
    """
    core, support = core_of(board), support_of(board)
    memories = [bank.name for bank in support.layout.banks]
    return Microbenchmarks(board, core, support, bodies_of(board, core, memories), rounds, energy_seconds, commanded)


def symbol_of(body: Body, copies: int) -> str:
    """Name of the function with so many copies of a body."""
    return f"body_{body.name.replace('.', '_')}_{copies}"


def mark_of(body: str, copies: int) -> str:
    """Name of the mark of a body."""
    return f"{body}:{copies // COPIES}n"


# --- assembly -----------------------------------------------------------------------------------------------------------
_SAVE = {False: ("push {r4-r7, lr}", "pop {r4-r7, pc}"), True: ("push {r4-r11, lr}", "pop {r4-r11, pc}")}
_REGISTERS = "movs r2, #0; movs r3, #7; movs r4, #3; movs r5, #100; movs r6, #0; movs r7, #0"
_WIDE = "mvn r8, #0; mov r9, #1"
_FLOATS = "vmov.f32 s1, #7.0; vmov.f32 s2, #3.0; vmov.f32 s0, #1.0; vmov.f32 s3, #1.0"
_DOUBLES = "vcvt.f64.f32 d8, s1; vcvt.f64.f32 d9, s2; vmov.f64 d6, #1.0; vmov.f64 d7, #1.0"


def assembly(made: Microbenchmarks) -> str:
    """Two functions for each body."""
    head = ["/* Written by calibration.microbenchmarks: each body, n and 2n times. */", ".syntax unified", ".thumb", ""]
    functions = [function(made.core, body, copies) for body, copies in _functions(made)]
    return "\n".join([*head, *functions, *[evicting_code(made.board)] * made.evicts]) + "\n"


def evicting_code(board: Board) -> str:
    """A jump in each line of code that nothing else runs."""
    step = LINE_BYTES if "instruction_cache" in board.parameters else LINE_BYTES // 2
    return "\n".join((
        '.section .text.evicting_code, "ax", %progbits', f".balign {LINE_BYTES}", ".global evicting_code",
        ".type evicting_code, %function", ".thumb_func", "evicting_code:", f".rept {JUMPS}", "b 1f", f".balign {step}", "1:",
        ".endr", "bx lr", ".size evicting_code, . - evicting_code", "",
    ))  # fmt: skip


def function(core: Core, body: Body, copies: int) -> str:
    """One function: registers, copies, what brings the result into r0. It begins on a line of any cache."""
    wide = core.architecture != "armv6-m"
    save, restore = _SAVE[wide]
    setup = [_REGISTERS, *[_WIDE] * wide, *[_FLOATS] * core.has_fpu, *[_DOUBLES] * core.has_double]
    saved, restored = ["vpush {d8-d9}"] * core.has_fpu, ["vpop {d8-d9}"] * core.has_fpu
    name = symbol_of(body, copies)
    lines = [
        f'.section {_section(body)}.{name}, "ax", %progbits', f".balign {LINE_BYTES}",
        f".global {name}", f".type {name}, %function", ".thumb_func", f"{name}:",
        save, *saved, *setup, "mov r1, r0", "cmp r6, r6", f".balign {LINE_BYTES}",
        f".global {name}_begin", f"{name}_begin:", f".rept {copies}", body.code, ".endr", f".global {name}_end", f"{name}_end:",
        *([body.finish] if body.finish else []), "mov r0, r2", *restored, restore, ".ltorg", f".size {name}, . - {name}", "",
    ]  # fmt: skip
    return "\n".join(part.strip() for line in lines for part in line.split(";"))


def _section(body: Body) -> str:
    """Where the code lies: flash, or the memory that the body names."""
    if body.in_memory != "code":
        return ".text"
    return ".ramcode" if body.memory == "ram" else f".{body.memory}"


_MARK = 'static struct mark {loop.mark} = {{"energy.{loop.name}", 0, 0, 0, 0, 0}};'
_BUFFER = "static uint32_t buffer_{bank}[BUFFER_WORDS] CLEARED_IN({bank}) __attribute__((aligned(32)));"


# --- C ------------------------------------------------------------------------------------------------------------------
def program(made: Microbenchmarks) -> str:
    """The program that runs and prints them."""
    loops = energy_loops(made)
    cycles = round(made.energy_seconds * (made.board.rated_hertz or made.board.clock_hertz))
    banks = sorted({body.memory for body in made.bodies if body.in_memory == "buffer" and body.memory})
    values = {
        "BUFFERS": "\n".join(_BUFFER.format(bank=bank) for bank in banks),
        "DECLARATIONS": "\n".join(f"uint32_t {symbol_of(body, copies)}(void *);" for body, copies in _functions(made)),
        "BODIES": "\n".join(_entry(body, copies) for body, copies in _both(made.bodies)),
        "ENERGY_MARKS": "\n".join(_MARK.format(loop=loop) for loop in loops),
        "ENERGY": "\n".join(f"    {{&{loop.mark}, {loop.call}, {loop.buffer}, {loop.cycles}, {loop.step}}}," for loop in loops),
        "ENERGY_CYCLES": f"{cycles}u",
        "ROUNDS": str(made.rounds),
        "WARM_UPS": str(WARM_UPS),
        "CONSTANT_LINES": str(2 * COPIES),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


@dataclass(frozen=True, slots=True)
class Loop:
    """An energy loop: the function of a turn, the buffer that it gets, its cycles where they are no counter's."""

    name: str
    call: str
    buffer: str
    cycles: str = "0"
    step: int = 0

    @property
    def mark(self) -> str:
        """Symbol of its mark, by which the simulator tells its events."""
        return f"mark_energy_{self.name.replace('.', '_')}"


def energy_loops(made: Microbenchmarks) -> tuple[Loop, ...]:
    """In the order in which they run; none where none were asked for."""
    if not made.energy_seconds:
        return ()
    turns = [Loop(body.name, symbol_of(body, copies), _buffer(body, copies)) for body, copies in _of_energy(made)]
    loads = [Loop(f"{name}.constants", symbol_of(body, ENERGY_COPIES), "constants.first")
             for body, _ in _of_energy(made) if (name := body.name) == "load"]  # fmt: skip
    code = f"(const void *){symbol_of(made.bodies[0], COPIES)}"
    sweeps = [Loop(SWEEP, symbol_of(body, 2 * COPIES), code, step=2 * COPIES * LINE_BYTES)
              for body in made.bodies if body.in_memory == "constants" and not body.cold]  # fmt: skip
    return (*turns, *loads, *sweeps, Loop(SLEEP, "doze", "buffer", "DOZE_CYCLES"))


def _of_energy(made: Microbenchmarks) -> Iterable[tuple[Body, int]]:
    """Bodies of energy loops, and their copies: fewer where lines or a bank are no more."""
    chosen = [body for body in made.bodies if body.name.split(".")[0] in ENERGY] if made.energy_seconds else []
    return ((body, 2 * COPIES if body in LINES or _elsewhere(body) else ENERGY_COPIES) for body in chosen)


def _elsewhere(body: Body) -> bool:
    """Whether its code lies in a bank, which may be small."""
    return body.in_memory == "code" and body.memory != "ram"


def _functions(made: Microbenchmarks) -> Iterable[tuple[Body, int]]:
    """Each function once."""
    return dict.fromkeys((*_both(made.bodies), *_of_energy(made)))


def _both(bodies: Sequence[Body]) -> Iterable[tuple[Body, int]]:
    return ((body, copies) for body in bodies for copies in (COPIES, 2 * COPIES))


def _entry(body: Body, copies: int) -> str:
    mark = f'{{"{mark_of(body.name, copies)}", 0, 0, 0, 0, 0}}'
    return f"    {{{mark}, {symbol_of(body, copies)}, {_buffer(body, copies)}, {int(body.cold)}, 0, 0}},"


def _buffer(body: Body, copies: int) -> str:
    if body.in_memory == "constants":
        # cold ones each have lines of their own, which nothing has read before
        return f"constants.{'first' if not body.cold else 'of_n' if copies == COPIES else 'of_2n'}"
    return f"buffer_{body.memory}" if body.in_memory == "buffer" and body.memory else "buffer"
