"""C text of calls: arguments, structures, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mcusim.deploy.buffers import Place
from mcusim.deploy.call import C_TYPES, Call, Constant, Context, Copy, Pointer, ScratchPointer, SizeCheck, Step, Struct
from mcusim.network import Network

VALUES_IN_LINE = 16
COUNTERS = "ijklmn"
LINE = 112


@dataclass(frozen=True, slots=True)
class Names:
    """Names in C of tensors (as typed pointers), of arrays by (step, constant), and of each step's scratch memory."""

    network: Network
    tensors: Mapping[str, str]
    arrays: Mapping[tuple[str, str], str]
    scratch: Mapping[str, str]
    places: Mapping[str, Place]


def function_text(step: Step, names: Names) -> str:
    """The body of a layer's function."""
    writer = StepWriter(step, names)
    statements = [text for call in writer.needed() for text in writer.statements(call)]
    checks = [writer.check(call, check) for call in step.calls if isinstance(call, Call) for check in call.checks]
    lines = [*writer.declarations(), *(["#if NETWORK_CHECK", *checks, "#endif"] if checks else []), *statements]
    if not statements[-1].lstrip().startswith("return"):
        lines.append("return 0;")
    return "\n".join(line if line.startswith("#") else indented(line) for line in lines)


def needed_calls(step: Step, names: Names) -> tuple[Call | Copy, ...]:
    """Calls of a step less copies from a place to itself."""
    return tuple(call for call in step.calls if not (isinstance(call, Copy) and _in_place(call, names)))


def _in_place(copy: Copy, names: Names) -> bool:
    if isinstance(copy.source, Constant) or copy.loops:
        return False
    here, there = (names.places.get(place.tensor) for place in (copy.source, copy.target))
    if here is None or there is None or here.memory != there.memory:
        return False
    return here.offset_bytes + copy.source.offset_bytes == there.offset_bytes + copy.target.offset_bytes


class StepWriter:
    """Writes one step; its structures are gathered by name, each once."""

    def __init__(self, step: Step, names: Names) -> None:
        self.step, self.names = step, names
        self.structs: dict[Struct, str] = {}
        self.contexts: dict[Context, str] = {}
        for call in self.needed():
            if isinstance(call, Call):
                for argument in (*call.arguments, *(a for check in call.checks for a in check.arguments)):
                    self._gather(argument)

    def needed(self) -> tuple[Call | Copy, ...]:
        return needed_calls(self.step, self.names)

    def _gather(self, argument: object) -> None:
        if isinstance(argument, Struct):
            self.structs.setdefault(argument, _free(argument.name, self.structs.values()))
        elif isinstance(argument, Context):
            self.contexts.setdefault(argument, _free(argument.name, self.contexts.values()))

    def declarations(self) -> list[str]:
        """Lines that declare the structures and the scratch memory."""
        lines = [f"static const {s.type} {name} = {self.initialiser(s.fields)};" for s, name in self.structs.items()]
        for context, name in self.contexts.items():
            place = self.scratch(context.offset_bytes) if context.bytes else "NULL"
            lines.append(f"const cmsis_nn_context {name} = {{{place}, {context.bytes}}};")
        return lines

    def scratch(self, offset: int) -> str:
        """A place in the layer's scratch memory."""
        return self.names.scratch[self.step.layer.name] + (f" + {offset}" if offset else "")

    def initialiser(self, fields: Sequence[object]) -> str:
        """``{1, {2, 3}, (int32_t *)name}``."""
        return "{" + ", ".join(self._field(each) for each in fields) + "}"

    def _field(self, value: object) -> str:
        if isinstance(value, tuple):
            return self.initialiser(value)
        if isinstance(value, Constant):
            return f"({value.c_type} *){self.array(value)}"
        return "NULL" if value is None else number(value)

    def array(self, constant: Constant) -> str:
        """Name of the array of a constant."""
        return self.names.arrays[self.step.name, constant.name]

    def statements(self, call: Call | Copy) -> list[str]:
        """Statements of one call."""
        if isinstance(call, Copy):
            return self._copy(call)
        text = f"{call.function}({', '.join(self.argument(a) for a in call.arguments)});"
        if not call.status:
            return [text]
        last = call is self.needed()[-1]
        return [f"return {text}"] if last else [f"if ({text[:-1]} != ARM_CMSIS_NN_SUCCESS) {{", "    return -1;", "}"]

    def _copy(self, copy: Copy) -> list[str]:
        target, source = self.bytes_at(copy.target), self.bytes_at(copy.source)
        opening: list[str] = []
        closing: list[str] = []
        for depth, loop in enumerate(copy.loops):
            name, lead = COUNTERS[depth], "    " * depth
            opening.append(f"{lead}for (int {name} = 0; {name} < {loop.rounds}; {name}++) {{")
            closing.insert(0, f"{lead}}}")
            target, source = (
                f"{text} + {step} * {name}" for text, step in ((target, loop.target_step), (source, loop.source_step))
            )
        return [*opening, f"{'    ' * len(opening)}memcpy({target}, {source}, {copy.bytes});", *closing]

    def bytes_at(self, place: Pointer | Constant) -> str:
        """A pointer to bytes."""
        if isinstance(place, Constant):
            return f"(const uint8_t *){self.array(place)}"
        offset = f" + {place.offset_bytes}" if place.offset_bytes else ""
        return f"(uint8_t *){self.names.tensors[place.tensor]}{offset}"

    def argument(self, value: object) -> str:
        """Text of one argument."""
        match value:
            case None:
                return "NULL"
            case Struct():
                return f"&{self.structs[value]}"
            case Context():
                return f"&{self.contexts[value]}"
            case ScratchPointer():
                return f"({value.c_type} *)({self.scratch(value.offset_bytes)})"
            case Constant():
                return self.array(value)
            case Pointer(tensor=tensor, offset_bytes=0):
                return self.names.tensors[tensor]
            case Pointer(tensor=tensor):
                kind = C_TYPES[self.names.network.tensors[tensor].type.value]
                return f"({kind} *)({self.bytes_at(value)})"
        return number(value)

    def check(self, call: Call, check: SizeCheck) -> str:
        """A statement that returns unless the scratch memory suffices."""
        size = next(a.bytes for a in call.arguments if isinstance(a, Context) and a.name == check.context)
        arguments = ", ".join(self.argument(a) for a in check.arguments)
        return f"CHECK_SCRATCH({check.function}({arguments}), {size});"


def _free(name: str, taken: Iterable[str]) -> str:
    names, number_ = set(taken), 2
    chosen = name
    while chosen in names:
        chosen, number_ = f"{name}_{number_}", number_ + 1
    return chosen


def number(value: object) -> str:
    """A number in C."""
    if isinstance(value, float | np.floating):
        return float_text(float(value))
    whole = int(value)  # type: ignore[call-overload]
    return "(-2147483647 - 1)" if whole == -(1 << 31) else str(whole)


def float_text(value: float) -> str:
    """A float32 constant that is read back as the same number."""
    if not np.isfinite(value):
        return "NAN" if np.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def indented(line: str) -> str:
    """A statement in a function, folded where it is long."""
    text, lines = line, []
    lead = "    " + line[: len(line) - len(line.lstrip())]
    text = line.lstrip()
    while len(lead) + len(text) > LINE and ", " in text[: LINE - len(lead)]:
        cut = text.rindex(", ", 0, LINE - len(lead)) + 1
        lines.append(lead + text[:cut])
        text, lead = text[cut + 1 :], lead if lines[1:] else f"{lead}    "
    return "\n".join([*lines, lead + text])


def array_text(data: np.ndarray) -> str:
    """Values of an array, some in a line."""
    flat = data.reshape(-1)
    words = [float_text(float(v)) for v in flat] if flat.dtype.kind == "f" else _whole(flat)
    lines = (", ".join(words[i : i + VALUES_IN_LINE]) for i in range(0, len(words), VALUES_IN_LINE))
    return ",\n".join(f"    {line}" for line in lines)


def _whole(flat: np.ndarray) -> list[str]:
    if flat.dtype.itemsize < 4:
        return flat.astype(str).tolist()  # type: ignore[no-any-return]
    suffix = "ll" if flat.dtype.itemsize == 8 else ""
    least = -(1 << (8 * flat.dtype.itemsize - 1))
    return [f"({least + 1}{suffix} - 1)" if v == least else f"{v}{suffix}" for v in flat.tolist()]
