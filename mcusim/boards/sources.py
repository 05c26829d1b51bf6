"""Where each value of a board file comes from: table ``[sources]``, a sentence for a key or for all keys below it.

``"memories.ram" = "document: RM0432 2.2"`` holds for every key that begins so; of several the longest holds. A value that a
file sets over its base is not covered by what the base says. A text ``source`` beside values (a memory's, a figure's) does the
same for its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcusim.boards import files
from mcusim.boards.fields import Place

FITTED, MEASURED, DOCUMENT, DEFAULT, CHOSEN = "fitted", "measured", "document", "default", "chosen"
KINDS = {
    FITTED: "chosen so that simulations meet measurements: of how many, and the error that was left",
    MEASURED: "read from silicon",
    DOCUMENT: "stated by a manual, a data sheet, a header file or a vendor's code",
    DEFAULT: "doubtful: an estimate, or what similar parts have",
    CHOSEN: "not a fact of silicon: free to choose, and chosen so here",
}
SENTENCE = re.compile(r"(?P<kind>[a-z]+)(?:, n = (?P<n>\d+), error (?P<error>\d+(?:\.\d+)?) ?%)?: (?P<text>\S.*)", re.DOTALL)
BEGINNING = re.compile(rf"({'|'.join(KINDS)})\b[:,]?\s*(?=\S)")
COUNT = re.compile(r"\bn ?= ?(\d+)\b")
ALLOWED = f"'KIND: where it is written' with KIND of {', '.join(KINDS)}; '{FITTED}, n = 35, error 0.5 %: which measurements'"
TABLE, BESIDE = "sources", "source"
FOR_PEOPLE = frozenset({"name", "description", "mcu", "documents", TABLE, "energy.grade"})
"""Keys that no answer depends on."""
HAVE_NONE_BESIDE = frozenset({"peripherals", "firmware", TABLE})
"""Tables in which a key ``source`` would be a value like any other."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from. ``measurements`` (how many) and ``error`` (relative) are those of a fit, else None."""

    kind: str
    text: str
    measurements: int | None = None
    error: float | None = None

    def __str__(self) -> str:
        """The sentence as it stands in a file."""
        fit = f", n = {self.measurements}, error {100 * self.error:g} %" if self.error is not None else ""
        return f"{self.kind}{fit}: {self.text}"


@dataclass(frozen=True, slots=True)
class Stated:
    """A value of a board file by its key; ``source`` is None where no file says where it comes from."""

    key: str
    value: Any
    source: Source | None


def parse(sentence: Any, place: Place) -> Source:
    """The source that a sentence of ``[sources]`` names. BoardError for other forms, and for fits without their figures."""
    match = SENTENCE.fullmatch(sentence) if isinstance(sentence, str) else None
    if match is None or match["kind"] not in KINDS or (match["kind"] == FITTED) != (match["n"] is not None):
        raise place.error(f"{sentence!r} is no source; allowed is {ALLOWED}")
    fit = (int(match["n"]), float(match["error"]) / 100) if match["n"] else (None, None)
    return Source(match["kind"], match["text"], *fit)


def parse_beside(text: str) -> Source:
    """The source that a text beside a value names, in free words: they may begin with a kind, else they name a document."""
    match = SENTENCE.fullmatch(text)
    if match and match["n"] and match["kind"] == FITTED:
        return parse(text, Place(Path()))
    begun = BEGINNING.match(text)
    if begun is None:
        return Source(DOCUMENT, text)
    number = COUNT.search(text)
    return Source(begun[1], text[begun.end() :], int(number[1]) if number else None)


def sentences(value: Any, place: Place) -> dict[str, Source]:
    """The table ``[sources]``."""
    if not isinstance(value, Mapping):
        raise place.error(f"{value!r} is not a table of keys and sentences; documents go into documents = [...]")
    return {key: parse(sentence, place.below(key)) for key, sentence in value.items()}


def stated(name_or_path: str | Path) -> tuple[Stated, ...]:
    """Every value of a board by its key, in the order of its files, that of its base first."""
    merged: dict[str, Any] = {}
    found: dict[str, tuple[str, Source | None]] = {}
    for layer in files.read_layers(files.find(name_or_path)):
        merged = files.merge(merged, layer.tables)
        said = {**dict(_beside(layer.tables)), **sentences(layer.tables.get(TABLE, {}), Place(layer.file, TABLE))}
        own = {key for key, _ in leaves(layer.tables)}
        found = {key: _nearest(key, said, NOWHERE if key in own else found[key]) for key, _ in leaves(merged)}
    return tuple(Stated(key, value, found[key][1]) for key, value in leaves(merged))


def check(layers: Sequence[files.Layer]) -> None:
    """BoardError, with file and key, for sentences that are none, and for keys that their file and its bases do not have."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged, place = files.merge(merged, layer.tables), Place(layer.file, TABLE)
        for key in sentences(layer.tables.get(TABLE, {}), place):
            if not _has(merged, key):
                raise place.below(key).error("no such key; allowed are keys of the file and its bases, and their beginnings")


NOWHERE: tuple[str, Source | None] = ("", None)


def _nearest(key: str, said: Mapping[str, Source], before: tuple[str, Source | None]) -> tuple[str, Source | None]:
    """The longest beginning of ``key`` with a source, and that source; what was found before counts where it is longer."""
    beginning = key
    while len(beginning) >= max(1, len(before[0])):
        if beginning in said:
            return beginning, said[beginning]
        beginning = beginning.rpartition(".")[0]
    return before


def leaves(tables: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Values with their keys, without those that answers do not depend on."""
    rows = tables.items() if isinstance(tables, Mapping) else enumerate(tables)
    for name, value in rows:
        below = f"{key}.{name}" if key else str(name)
        if _is_prose(key, str(name), value):
            continue
        if isinstance(value, Mapping) or _is_tables(value):
            yield from leaves(value, below)
        else:
            yield below, value


def _beside(tables: Any, key: str = "") -> Iterator[tuple[str, Source]]:
    rows = tables.items() if isinstance(tables, Mapping) else enumerate(tables)
    for name, value in rows:
        below = f"{key}.{name}" if key else str(name)
        if name == BESIDE and isinstance(value, str) and key:
            yield key, parse_beside(value)
        elif (isinstance(value, Mapping) or _is_tables(value)) and below not in HAVE_NONE_BESIDE:
            yield from _beside(value, below)


def _is_prose(key: str, name: str, value: Any) -> bool:
    if (f"{key}.{name}" if key else name) in FOR_PEOPLE:
        return True
    return bool(key) and name == BESIDE and isinstance(value, str) and key.partition(".")[0] not in HAVE_NONE_BESIDE


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _has(tables: Any, key: str) -> bool:
    for name in key.split("."):
        if isinstance(tables, list) and name.isdecimal() and int(name) < len(tables):
            tables = tables[int(name)]
        elif isinstance(tables, Mapping) and name in tables:
            tables = tables[name]
        else:
            return False
    return True
