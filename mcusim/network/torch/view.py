"""View: a call of an ATen operator with its arguments, asked for with what they must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mcusim.network.builder import Builder, Constant, Operand
from mcusim.network.layout import Value
from mcusim.network.network import Unsupported

Item = Operand | tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A call with its arguments (values of the network among them), asked for with what they must be."""

    output: str
    shape: tuple[int, ...]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    builder: Builder

    def get(self, index: int, name: str = "", default: Any = None) -> Any:
        """An argument by place or name."""
        value = self.arguments[index] if index < len(self.arguments) else self.keywords.get(name, default)
        return default if value is None else value

    def operand(self, index: int) -> Operand:
        item = self.get(index)
        if isinstance(item, int | float) and not isinstance(item, bool):
            return self.builder.number(float(item))
        if not isinstance(item, Value | Constant):
            raise Unsupported(f"its argument {index} is {item!r}, no tensor")
        return item

    def value(self, index: int) -> Value:
        item = self.operand(index)
        if isinstance(item, Constant):
            raise Unsupported(f"its argument {index} ({item.name!r}) is constant")
        return item

    def optional(self, index: int) -> Operand | None:
        return None if self.get(index) is None else self.operand(index)

    def numbers(self, index: int, name: str, count: int, default: Sequence[int] = ()) -> list[int]:
        """Whole numbers, one of which stands for all."""
        value = self.get(index, name, list(default))
        value = [value] * count if isinstance(value, int) else list(value)
        value = value * count if len(value) == 1 else value
        if len(value) != count or not all(isinstance(n, int) for n in value):
            raise Unsupported(f"its argument {name} is {value}; {count} whole numbers are needed")
        return value


Translation = Callable[[View], Item]
