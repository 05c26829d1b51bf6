"""Answers kept in the user's cache folder, found again by what they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kernels_c import ROOT
from kernels_c.toolchain import find_compiler
from mcusim.bench.bench_report import SCHEMA, Result
from mcusim.bench.question import Question
from mcusim.deploy.cache import cache_folder
from mcusim.network import Network, NetworkError
from mcusim.report import ReportError, write_atomically
from mcusim.report.codec import from_plain, to_plain

SUFFIXES = (".py", ".c", ".h", ".S", ".in", ".toml", ".j2", ".json")
"""Of the files of mcusim and kernels_c that an answer depends on."""


def kept_answer(question: Question) -> Result | None:
    """The answer to the same question, asked before; what cannot be read counts as none."""
    try:
        plain = json.loads(_place(question).read_bytes())
        return from_plain(Result, plain, "result")
    except (OSError, ValueError, TypeError):
        return None


def keep_answer(question: Question, result: Result) -> None:
    """Keep an answer. Where that fails (a full disk, no permission) it is asked again next time."""
    place = _place(question)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(to_plain(result)))
    except (OSError, ReportError):
        return


def _place(question: Question) -> Path:
    return cache_folder() / "bench" / f"{digest(question)}.json"


def digest(question: Question) -> str:
    """Changes with anything that the answer could depend on: network, board, options, compiler, kernels, mcusim itself."""
    options, wishes = question.options, question.wishes
    compiler = find_compiler(options.compiler)
    told = (
        SCHEMA, question.model_file, question.load_board(), sorted(options.defines.items()), options, wishes,
        question.calibration,
    )  # fmt: skip
    found = hashlib.sha256(repr((told, compiler.name, compiler.version, own_digest())).encode())
    for data in _contents(question):
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()[:32]


@cache
def own_digest() -> str:
    """Of the sources of mcusim and kernels_c."""
    found = hashlib.sha256()
    for folder in (Path(__file__).parents[1], ROOT):
        for path in sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES):
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _contents(question: Question) -> Iterator[bytes]:
    """Bytes of all files that the user gave."""
    if isinstance(question.model, Network):
        yield from _parts(question.model)
    else:
        yield _read(Path(question.model))
    if question.options.cmsis_nn is not None:
        for path in sorted(each for each in question.options.cmsis_nn.rglob("*") if each.suffix in (".c", ".h")):
            yield path.read_bytes()
    for data in (Path(given) for given in (question.wishes.data, question.calibration) if given):
        for path in sorted(data.rglob("*.npy")) if data.is_dir() else [data]:
            yield str(path).encode()
            yield _read(path)


def _parts(network: Network) -> Iterator[bytes]:
    yield repr((network.name, network.layers, network.inputs, network.outputs)).encode()
    for tensor in network.tensors.values():
        yield repr(tensor).encode()
        if tensor.data is not None:
            yield tensor.data.tobytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror or error}") from None
