"""``python -m cost_models.size_table``: the tables of sizes that flash is told from, made of real builds, into ``sizes.json``.

What compilers make of the kernels is read from the map of a link that keeps one kernel. What stands around calls is fitted to
builds of samples and of networks of many layers. What a board's firmware has beside its network is what builds for that board
have more.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from cost_models.exact import ExactSizes, exact_sizes
from cost_models.flash import ENDS, KERNELS, SCHEMA, SIZES, Target, beyond, calls_of, ends_of, growth, stored_bytes
from cost_models.frames import frame_of
from cost_models.layers import Layers, from_network, joined
from cost_models.sampling import family_of, sample
from cost_models.towers import tower
from kernels_c import ROOT
from kernels_c.toolchain import Compiler, Layout, find_compiler
from kernels_c.toolchain import run as compile_with
from mcusim import boards
from mcusim.boards import Board
from mcusim.deploy.build import USUAL, kernel_recipe
from mcusim.deploy.generate import environment
from mcusim.deploy.layout import GENERIC_CONSOLE, support_of
from mcusim.deploy.library import Recipe, objects, system_sources
from mcusim.network import Network
from mcusim.report.files import write_atomically

SEED, SAMPLES, MORE, TOWERS, FEW = 4711, 72, 150, 15, 2
"""Samples that calls are fitted to; of those up to MORE, families in which any kernel is met; and networks that show what is a
board's own."""

FITTED = (
    *(("sample", number) for number in range(MORE) if number < SAMPLES or family_of(number) in ("corners", "apart")),
    *(("tower", number) for number in range(TOWERS)),
)  # fmt: skip

INLINED = range(10, 30)
"""Among them is how many calls a compiler writes out in full."""

RIDGE, USUAL_CALL = 0.05, 170.0
"""Bytes around a call, about."""

ALWAYS = ("uart_put_unsigned", "uart_put_signed", "memcpy", "memset", "mark_list")
"""What any firmware has: not counted with kernels."""

STARTUP = "startup.c"
"""It keeps main, which no link of some kernels has."""

KEPT = re.compile(r"^ (\.(?:text|rodata)\S*)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+) (\S+)$", re.MULTILINE)


def state_of_kernels() -> str:
    """Changes with the C that sizes depend on, and the templates."""
    digest = sha256()
    templates = [Path(environment().get_template(f"{name}.j2").filename) for name in ("network.c", "main.c")]
    for path in [*sorted((ROOT / "src").glob("*.c")), *sorted((ROOT / "include").glob("*.h")), *templates]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def target_name(board: Board) -> str:
    """What boards have in common for which compilers make the same."""
    return f"{board.core}-{board.fpu}" if board.fpu else board.core


@cache
def built(kind: str, number: int) -> Network:
    """A sample or a tower."""
    return {"sample": sample, "tower": tower}[kind](SEED, number)


@cache
def taken(kind: str, number: int, board: str) -> ExactSizes:
    """What it takes on a board."""
    return exact_sizes(built(kind, number), board)


def sections_of(board: Board, compiler: Compiler) -> tuple[list[tuple[int, int]], dict[str, list[int]]]:
    """Sections in the order of the link, and those of each kernel."""
    support, kernels = support_of(board), USUAL.kernels(board.core)
    own = objects(kernel_recipe(support, kernels, USUAL), compiler)
    system = [path for path in system_sources(GENERIC_CONSOLE, ()) if path.name != STARTUP]
    parts = (*own, *objects(Recipe(tuple(system), support.core, support.fpu, ("-O2",), ()), compiler))
    order = {key: (place, *shape) for place, (key, shape) in enumerate(_headers(own).items())}
    always = set(_kept(ALWAYS, parts, board, compiler))
    found: dict[str, list[tuple[str, str]]] = {}
    for kernel in KERNELS:
        kept = _kept((kernel,), parts, board, compiler)
        for key, size in kept.items():
            order.setdefault(key, (len(order), 4, size))
        found[kernel] = [key for key in kept if key not in always]
    used = sorted({key for keys in found.values() for key in keys}, key=lambda key: order[key])
    places = {key: place for place, key in enumerate(used)}
    return [order[key][1:] for key in used], {kernel: sorted(places[key] for key in keys) for kernel, keys in found.items()}


def _headers(parts: Sequence[Path]) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Alignment and bytes of the sections of objects, by object and name."""
    found = {}
    for part in parts:
        with part.open("rb") as file:
            for section in ELFFile(file).iter_sections():
                if section.name.startswith((".text", ".rodata")) and section["sh_size"]:
                    found[part.name, section.name] = section["sh_addralign"], section["sh_size"]
    return found


def _kept(functions: Sequence[str], parts: Sequence[Path], board: Board, compiler: Compiler) -> dict[tuple[str, str], int]:
    """Sections that a link keeps for some functions."""
    with tempfile.TemporaryDirectory(prefix="mcusim") as name:
        folder = Path(name)
        text, made, script, told = folder / "kept.c", folder / "kept.o", folder / "kept.ld", folder / "kept.map"
        script.write_text(Layout().script())
        declared = "".join(f"void {function}(void);\n" for function in functions)
        kept = ", ".join(functions)
        body = f"{{\n    static void *const all[] = {{{kept}}};\n    return all;\n}}\n"
        text.write_text(f"{declared}void *const *kept(void)\n{body}")
        compiler.compile_object(text, made, board.core, flags=("-w", "-fno-builtin"), fpu=board.fpu)
        options = [f"-Wl,-T,{script}", "-Wl,--entry=kept", "-Wl,--gc-sections", f"-Wl,-Map,{told}"]
        linking = [*compiler.link_flags("none"), *options]
        flags = [*compiler.target_flags(board.core, board.fpu), made, *parts, *linking, "-o", folder / "kept.elf"]
        compile_with([*compiler.command, *map(str, flags)], folder / "kept.elf")
        there = KEPT.findall(told.read_text().split("memory map", 1)[1])
    return {
        (Path(part).name.split("(")[-1].rstrip(")"), section): int(size, 16)
        for section, size, part in there
        if int(size, 16) and Path(part).name != made.name
    }


def as_they_are(board: Board) -> list[tuple[str, int]]:
    """Those of FITTED that the main RAM of a board holds: others are rewritten, or have arenas in several memories."""
    layers, frame = joined(from_network(built(*each)) for each in FITTED), frame_of(board)
    held = frame.ram_bytes(layers).values - frame.tables_bytes <= frame.room_bytes
    return [each for each, fits in zip(FITTED, held, strict=True) if fits]


def target_table(board: Board, compiler: Compiler) -> dict[str, Any]:
    """The table of a target, from builds for one board."""
    sections, kernels = sections_of(board, compiler)
    there = as_they_are(board)
    layers = joined(from_network(built(*each)) for each in there)
    no_calls, no_ends = (0.0,) * len(KERNELS), (0.0,) * len(ENDS)
    bare = Target(tuple(sections), tuple(tuple(kernels[name]) for name in KERNELS), no_calls, no_ends, (0, 0.0), 0.0)
    rest = np.array([taken(*each, board.name).flash_bytes for each in there]) - told(layers, bare)
    calls = calls_of(layers).astype(np.float64)
    designs = {most: np.column_stack([np.ones(len(layers)), ends_of(layers), beyond(calls, most), calls]) for most in INLINED}
    errors = {most: _errors(rows, rest) / growth(layers.counts) for most, rows in designs.items()}
    inlined = min(INLINED, key=lambda most: float((errors[most] ** 2).sum()))
    own, *both = _fit(designs[inlined], rest).tolist()
    ends, deep, found = both[: len(ENDS)], both[len(ENDS)], np.array(both[len(ENDS) + 1 :])
    met = np.asarray(calls.any(axis=0))
    return {
        "sections": sections, "kernels": kernels,
        "calls": {name: round(float(value), 1) for name, value, known in zip(KERNELS, found, met, strict=True) if known},
        "ends": {name: round(value, 1) for name, value in zip(ENDS, ends, strict=True)}, "deep": [inlined, round(deep, 1)],
        "call": round(float(found[met].mean()), 1), "deviation": round(float(np.sqrt((errors[inlined] ** 2).mean())), 1),
        "board": board.name, "flash_bytes": round(own, 1),
    }  # fmt: skip


def _errors(rows: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Of one network in five, told by a fit to the others."""
    errors = np.zeros(len(rest))
    for fold in range(5):
        held = np.arange(len(rest)) % 5 == fold
        errors[held] = rows[held] @ _fit(rows[~held], rest[~held]) - rest[held]
    return errors


def _fit(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least squares; calls of kernels of which little is known are taken for about as large as USUAL_CALL."""
    penalty = RIDGE * np.eye(rows.shape[1])
    penalty[0] = 0
    usual = np.zeros(len(penalty))
    usual[-len(KERNELS) :] = RIDGE * USUAL_CALL
    return np.linalg.lstsq(np.vstack([rows, penalty]), np.append(values, usual), rcond=None)[0]


def told(layers: Layers, target: Target) -> np.ndarray:
    """Constants, labels, kernels and calls of networks."""
    return target.code_bytes(calls_of(layers), ends_of(layers)) + stored_bytes(layers)


def board_table(board: Board, target: Mapping[str, Any]) -> dict[str, Any]:
    """What a board's firmware has beside its network: that of the target's board, and what builds for this one have more."""
    more = [taken(*each, board.name).flash_bytes - taken(*each, target["board"]).flash_bytes for each in FITTED[:FEW]]
    flash = round(target["flash_bytes"] + float(np.mean(more)), 1)
    return {"target": target_name(board), "flash_bytes": flash, "frame": asdict(frame_of(board))}


def main() -> int:
    """Make all tables: some minutes."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    compiler = find_compiler("gcc")
    targets: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for name in boards.names():
        board = boards.load(name)
        key = target_name(board)
        if key not in targets:
            targets[key] = target_table(board, compiler)
            sys.stdout.write(f"{key}: {targets[key]['deviation']} bytes\n")
            sys.stdout.flush()
        found[name] = board_table(board, targets[key])
    made = {"schema": SCHEMA, "kernels": state_of_kernels(), "compiler": f"{compiler.name} {compiler.version}"}
    write_atomically(SIZES, json.dumps({**made, "targets": targets, "boards": found}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
