"""Frozen dataclasses to plain JSON values and back, without loss."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
SCALARS = (str, bool, int, float, type(None))


def to_plain(value: Any) -> Any:
    """``value`` made of dicts, lists and scalars only."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, SCALARS):
        return value
    raise TypeError(f"{type(value).__name__} is no plain data")


def from_plain(kind: type[Value], plain: Any, where: str) -> Value:
    """A value of dataclass ``kind`` from what ``to_plain`` made. TypeError tells ``where`` another type was met."""
    reader: Callable[[Any, str], Value] = _reader(kind)  # type: ignore[arg-type]
    return reader(plain, where)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _reader(kind: Any) -> Callable[[Any, str], Any]:
    if is_dataclass(kind):
        return _object_reader(kind)  # type: ignore[arg-type]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _list_reader(arguments[0])
    if origin is not None and _is_mapping(origin):
        return _mapping_reader(arguments[1])
    if origin in (Union, types.UnionType):
        return _optional_reader(next(each for each in arguments if each is not type(None)))
    return _scalar_reader(kind)


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _object_reader(kind: type) -> Callable[[Any, str], Any]:
    hints = get_type_hints(kind)
    required = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}

    def read(plain: Any, where: str) -> Any:
        _expect(plain, dict, "an object", where)
        unknown, missing = plain.keys() - hints.keys(), required - plain.keys()
        if unknown or missing:
            problem = f"unknown key {sorted(unknown)[0]!r}" if unknown else f"missing key {sorted(missing)[0]!r}"
            raise TypeError(f"{where}: {problem}, allowed: {', '.join(_names(kind))}")
        return kind(**{name: _reader(hints[name])(item, f"{where}.{name}") for name, item in plain.items()})

    return read


def _list_reader(item_kind: Any) -> Callable[[Any, str], Any]:
    def read(plain: Any, where: str) -> Any:
        _expect(plain, list, "a list", where)
        reader = _reader(item_kind)
        return tuple(reader(item, f"{where}[{index}]") for index, item in enumerate(plain))

    return read


def _mapping_reader(item_kind: Any) -> Callable[[Any, str], Any]:
    def read(plain: Any, where: str) -> Any:
        _expect(plain, dict, "an object", where)
        reader = _reader(item_kind)
        return {key: reader(item, f"{where}.{key}") for key, item in plain.items()}

    return read


def _optional_reader(kind: Any) -> Callable[[Any, str], Any]:
    def read(plain: Any, where: str) -> Any:
        return None if plain is None else _reader(kind)(plain, where)

    return read


def _scalar_reader(kind: type) -> Callable[[Any, str], Any]:
    def read(plain: Any, where: str) -> Any:
        if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
            return float(plain)
        _expect(plain, kind, kind.__name__, where)
        return plain

    return read


def _expect(plain: Any, kind: type, name: str, where: str) -> None:
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        raise TypeError(f"{where}: {type(plain).__name__}, allowed: {name}")
