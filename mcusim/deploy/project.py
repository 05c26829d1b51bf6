"""A project to take away: all sources of a firmware, its linker script, a Makefile; built without mcusim."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kernels_c import ROOT
from kernels_c.toolchain import ALWAYS, EXACT, Compiler, find_compiler
from mcusim.boards import Board
from mcusim.deploy.build import USUAL, BuildOptions, sources_of, support_for
from mcusim.deploy.call import Call
from mcusim.deploy.generate import Sources, environment, frame
from mcusim.deploy.kernels import Kernels
from mcusim.deploy.layout import Support
from mcusim.deploy.library import needed_kernels, system_sources
from mcusim.errors import McusimError
from mcusim.network import Network
from mcusim.report.files import check_writable
from mcusim.report.report import ReportError

DOCUMENTS = ("Makefile", "CMakeLists.txt", "README.md")


class ProjectError(McusimError):
    """A project cannot be written where it should be."""


def write_project(network: Network, board: Board, folder: Path, options: BuildOptions = USUAL) -> Sources:
    """Write the project of ``network`` for ``board``; the sources that are in it.

    Files that are there already are replaced. ProjectError where ``folder`` is no folder, or holds other things than a
    project of ours; ReportError where it cannot be written, which is tried before anything is planned.
    """
    with _writing(folder):
        _check_folder(folder)
    sources = sources_of(network, board, options)
    support = support_for(board, options, sources.plan.peak_bytes)
    compiler = find_compiler(options.compiler)
    for name, text in sources.files.items():
        _write(folder / "network" / name, text)
    _copy_library(folder, sources, support, compiler, options)
    _write(folder / "linker.ld", support.layout.script())
    values = _values(sources.network, board, sources, support, compiler, options)
    for name in DOCUMENTS:
        _write(folder / name, environment().get_template(f"{name}.j2").render(values))
    return sources


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file; a project needs a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "network" / "network.h").is_file():
        raise ProjectError(f"{folder} holds files and is no project of mcusim; give an empty folder, or a new one")
    check_writable(folder / DOCUMENTS[0] if folder.is_dir() else _first_missing(folder))


def _first_missing(folder: Path) -> Path:
    """Of the folders on the way to ``folder``, and it, the first that is not there."""
    return folder if folder.parent.exists() else _first_missing(folder.parent)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What the system refuses, as a ReportError."""
    try:
        yield
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from None


def _write(path: Path, text: str) -> None:
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _called(sources: Sources, kernels: Kernels) -> frozenset[str]:
    """Names of the kernels of ours that a network needs; with CMSIS-NN, those that it lacks."""
    calls = (call for step in sources.steps for call in step.calls if isinstance(call, Call))
    names = {name for call in calls for name in (call.function, *(check.function for check in call.checks))}
    return frozenset(names) & kernels.own_functions


def _copy_library(folder: Path, sources: Sources, support: Support, compiler: Compiler, options: BuildOptions) -> None:
    shutil.rmtree(folder / "kernels", ignore_errors=True)
    _copy(folder / "kernels", needed_kernels(_called(sources, options.kernels(support.core))))
    _copy(folder / "system", system_sources(support.console, support.sources))
    headers = sorted((ROOT / "include").glob("*.h"))
    for_kernels = [path for path in headers if path.name.startswith(("arm_", "nn_"))]
    _copy(folder / "kernels", for_kernels if options.cmsis_nn is None else [p for p in for_kernels if p.name.startswith("nn_")])
    _copy(folder / "system", [path for path in headers if path not in for_kernels])
    if support.sources:
        _copy(folder / "system", sorted((ROOT / "board").glob("*.h")))
    if not compiler.has_headers:
        _copy(folder / "libc", sorted((ROOT / "libc").glob("*.h")))


def _copy(folder: Path, files: Any) -> None:
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.copyfile(path, folder / path.name)


def _values(
    network: Network, board: Board, sources: Sources, support: Support, compiler: Compiler, options: BuildOptions
) -> Mapping[str, Any]:
    command = "arm-none-eabi-gcc" if compiler.name == "gcc" else "python3 -m ziglang cc"
    project = "".join(c if c.isalnum() else "_" for c in network.name)
    return {
        **frame(network, sources.steps, sources.plan, options.kernels(board.core)),
        "steps": sources.steps,
        "weight_bytes": sources.weight_bytes,
        "board": board,
        "compiler": compiler,
        "command": command,
        "gcc": "arm-none-eabi-gcc",
        "project": project,
        "elf": f"{project}.elf",
        "optimise": options.optimise,
        "marks": int(options.marks),
        "target_flags": compiler.target_flags(support.core, support.fpu),
        "always": (*ALWAYS, *EXACT),
        "link_flags": compiler.link_flags("none"),
        "libraries": [flag for flag in compiler.link_flags("none") if flag.startswith("-l")],
        "defines": {**support.defines, **options.defines},
        "cmsis_nn": options.cmsis_nn and options.cmsis_nn.resolve(),
        "libc": not compiler.has_headers,
    }
