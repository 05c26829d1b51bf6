"""Board files: where they lie, and a file merged over the files it is based on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcusim.errors import BoardError

DATA = Path(__file__).parent / "data"
LONGEST_CHAIN = 8
WHOLE = frozenset({"joules", "static_watts"})
"""Tables that replace those of the base as a whole: prices of events belong to one fit."""


def names() -> tuple[str, ...]:
    """Names of the boards that come with mcusim, sorted."""
    return tuple(sorted(path.stem for path in DATA.glob("*.toml")))


def chip_names() -> tuple[str, ...]:
    """Names of the chip files that a board can be based on, sorted."""
    return tuple(sorted(path.stem for path in (DATA / "chips").glob("*.toml")))


def find(name_or_path: str | Path) -> Path:
    """The file of a board: a bundled name, or the path of a TOML file.

    Raises BoardError for a name that is neither.
    """
    text = str(name_or_path)
    if text.endswith(".toml") or "/" in text or "\\" in text:
        return Path(text)
    if text not in names():
        raise BoardError(f"unknown board '{text}'; known are {', '.join(names())}, or the path of a .toml file")
    return DATA / f"{text}.toml"


def find_base(name: str, file: Path) -> Path:
    """The file that ``base = name`` in ``file`` means: a path beside ``file``, a bundled chip, or a bundled board."""
    if name.endswith(".toml"):
        return file.parent / name
    for path in (DATA / "chips" / f"{name}.toml", DATA / f"{name}.toml"):
        if path.exists():
            return path
    allowed = ", ".join(chip_names() + names())
    raise BoardError(f"{file}: base '{name}' is unknown; allowed are {allowed}, or a path ending in .toml")


def read(file: Path) -> dict[str, Any]:
    """The tables of one TOML file.

    Raises BoardError when it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(f"{file}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BoardError(f"{file}: is not UTF-8 text ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{file}: is not TOML ({error})") from error


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a board, without what it is based on."""

    file: Path
    tables: Mapping[str, Any]


def read_layers(file: Path, depth: int = 0) -> tuple[Layer, ...]:
    """``file`` behind its base, its base's base, and so on: the deepest base first."""
    if depth > LONGEST_CHAIN:
        raise BoardError(f"{file}: more than {LONGEST_CHAIN} files are based on one another; do they form a ring?")
    own = read(file)
    base = own.pop("base", None)
    if base is None:
        return (Layer(file, own),)
    if not isinstance(base, str):
        raise BoardError(f"{file}: base = {base!r} is not the name of a chip or board")
    return (*read_layers(find_base(base, file), depth + 1), Layer(file, own))


def merge_layers(layers: Iterable[Layer]) -> dict[str, Any]:
    """The tables of each layer merged over those before."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer.tables)
    return merged


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` upon ``base``: tables merge, anything else and ``WHOLE`` replaces, a table with remove = true goes."""
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and value.get("remove") is True:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and key not in WHOLE:
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged
