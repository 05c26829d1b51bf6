"""From calls and a memory plan to C text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from mcusim.deploy.arrangement import Arrangement
from mcusim.deploy.buffers import Place, Plan
from mcusim.deploy.c_text import Names, array_text, float_text, function_text, needed_calls
from mcusim.deploy.call import C_TYPES, Call, Constant, Step, Struct
from mcusim.deploy.kernels import Kernels
from mcusim.deploy.lifetimes import scratch_name
from mcusim.deploy.placement import IN_FLASH, RAM, Placement
from mcusim.deploy.sparse_layers import kept_weights
from mcusim.network import ElementType, Network, NetworkError, Tensor
from mcusim.network.macs import layer_macs

MAIN_ARENA = "arena"


@dataclass(frozen=True, slots=True)
class Array:
    """A constant array of the program."""

    name: str
    data: np.ndarray = field(compare=False)
    comment: str = ""
    qualifier: str = "const "

    @property
    def type(self) -> str:
        """Element type in C."""
        return C_TYPES[str(self.data.dtype)]

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.data.size

    def text(self) -> str:
        """The values in C."""
        return array_text(self.data)


@dataclass(frozen=True, slots=True)
class Sources:
    """Generated C: texts by file name, the constant arrays, and what each layer is called."""

    files: Mapping[str, str]
    arrays: tuple[Array, ...]
    arrangement: Arrangement
    placement: Placement
    marks: Mapping[str, str]
    """Name of the mark of each layer that runs code, in order; the others are free."""

    @property
    def network(self) -> Network:
        """The network in the form in which it was written."""
        return self.arrangement.network

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its layers as calls."""
        return self.arrangement.steps

    @property
    def plan(self) -> Plan:
        """Where its tensors lie."""
        return self.arrangement.plan

    @property
    def weight_bytes(self) -> int:
        """Bytes of all constant arrays."""
        return sum(array.data.nbytes for array in self.arrays)

    @property
    def arena_bytes(self) -> int:
        """Bytes of tensors and scratch memory, all arenas together."""
        return self.plan.total_bytes


def generate(arrangement: Arrangement, kernels: Kernels, placement: Placement = IN_FLASH) -> Sources:
    """The C of a network: ``network.h``, ``network.c``, ``weights.h``, ``weights.c`` and ``main.c``."""
    network, steps, plan = arrangement.network, arrangement.steps, arrangement.plan
    arrays, array_names = _arrays(steps, "" if placement.in_ram else "const ")
    names = _names(network, steps, plan, array_names)
    values = {
        **frame(network, steps, plan, kernels),
        "arrays": arrays,
        "placement": placement,
        "weight_bytes": sum(array.data.nbytes for array in arrays),
        "headers": sorted({c.header for step in steps for c in step.calls if isinstance(c, Call)}),
        "arenas": _arenas(plan),
        "banks": [name for name in plan.peak_bytes if name != RAM],
        "tensors": list(_tensor_rows(network, names)),
        "scratch": list(_scratch_rows(steps, plan, names)),
        "steps": [_step_row(network, number, step, names) for number, step in enumerate(steps, 1)],
        "inputs": [_end(network, name, names) for name in network.inputs],
        "outputs": [_end(network, name, names) for name in network.outputs],
        "float_inputs": any(network.tensors[name].type is ElementType.FLOAT32 for name in network.inputs),
        "resets": list(_resets(network, names)),
    }
    templates = environment()
    files = {name: templates.get_template(f"{name}.j2").render(values) for name in LISTINGS}
    marks = {step.layer.name: step.name for step in steps if needed_calls(step, names)}
    return Sources(MappingProxyType(files), arrays, arrangement, placement, MappingProxyType(marks))


LISTINGS = ("network.h", "network.c", "weights.h", "weights.c", "main.c")


@cache
def environment() -> Any:
    """The templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mcusim.deploy", "templates")
    return Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )  # fmt: skip


def frame(network: Network, steps: Sequence[Step], plan: Plan, kernels: Kernels) -> dict[str, Any]:
    """What all templates may say."""
    macs = sum(layer_macs(network, step.layer) for step in steps)
    return {"network": network, "version": release(), "kernels": kernels, "macs": macs, "arena_bytes": plan.total_bytes}


def release() -> str:
    """Version of mcusim; of a checkout that is not installed, that it is none."""
    try:
        return version("mcusim")
    except PackageNotFoundError:
        return "0+uninstalled"


def constants_of(step: Step) -> Iterable[Constant]:
    """Constants in a step's arguments, those in structures too."""
    pending: list[object] = [a for call in step.calls for a in (call.arguments if isinstance(call, Call) else (call.source,))]
    while pending:
        value = pending.pop(0)
        if isinstance(value, Constant):
            yield value
        elif isinstance(value, Struct):
            pending[:0] = value.fields
        elif isinstance(value, tuple):
            pending[:0] = value


def _arrays(steps: Sequence[Step], qualifier: str) -> tuple[tuple[Array, ...], Mapping[tuple[str, str], str]]:
    """The arrays of all steps, equal ones once, and the name of each step's constants."""
    arrays: dict[tuple[str, tuple[int, ...], bytes], Array] = {}
    names: dict[tuple[str, str], str] = {}
    functions = {step.name.lower() for step in steps}
    for step in steps:
        for constant in constants_of(step):
            key = str(constant.data.dtype), constant.data.shape, constant.data.tobytes()
            if key not in arrays:
                name = f"{step.name}_{constant.name}"
                name += "_" if name.lower() in functions else ""
                arrays[key] = Array(name, constant.data, _array_comment(constant), qualifier)
            known = names.setdefault((step.name, constant.name), arrays[key].name)
            if known != arrays[key].name:
                raise NetworkError(f"layer {step.layer.name}: two constants are called {constant.name!r}")
    return tuple(arrays.values()), names


def _array_comment(constant: Constant) -> str:
    return f"{shape_text(constant.data.shape)}, {constant.data.nbytes:,} bytes"


def shape_text(shape: Sequence[int]) -> str:
    """``1x49x10x1``; ``scalar`` without axes."""
    return "x".join(map(str, shape)) or "scalar"


def _names(network: Network, steps: Sequence[Step], plan: Plan, arrays: Mapping[tuple[str, str], str]) -> Names:
    called: dict[str, str] = {}
    for kind, ends in (("INPUT", network.inputs), ("OUTPUT", network.outputs)):
        for number, name in enumerate(ends):
            called.setdefault(name, kind if len(ends) == 1 else f"{kind}_{number}")
    for step in steps:
        for number, name in enumerate(step.layer.outputs):
            called.setdefault(name, f"{step.name.upper()}_OUT" + (f"_{number}" if number else ""))
        for number, tensor in enumerate(network.inputs_of(step.layer)):
            if tensor is not None and tensor.variable:
                called.setdefault(tensor.name, f"{step.name.upper()}_STATE_{number}")
    scratch = {step.layer.name: f"{step.name.upper()}_SCRATCH" for step in steps if step.scratch_bytes}
    tensors = {name: called[name] for name in plan.places if name in network.tensors}
    return Names(network, tensors, arrays, scratch, plan.places)


def _arenas(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"name": arena_name(memory), "bytes": size, "attribute": "" if memory == RAM else f"LEFT_IN({memory}) "}
        for memory, size in plan.peak_bytes.items()
        if size
    ]


def arena_name(memory: str) -> str:
    """The array of the arena in a memory."""
    return MAIN_ARENA if memory == RAM else f"{MAIN_ARENA}_{memory}"


def place_text(place: Place) -> str:
    """A place in an arena, in C."""
    return f"{arena_name(place.memory)} + {place.offset_bytes}"


def _tensor_rows(network: Network, names: Names) -> Iterable[dict[str, str]]:
    for name, macro in names.tensors.items():
        tensor = network.tensors[name]
        yield {"name": macro, "type": C_TYPES[tensor.type.value], "place": place_text(names.places[name]),
               "comment": f"{shape_text(tensor.shape)}, {tensor.size_bytes:,} bytes"}  # fmt: skip


def _scratch_rows(steps: Sequence[Step], plan: Plan, names: Names) -> Iterable[dict[str, Any]]:
    for step in steps:
        if step.scratch_bytes:
            place = place_text(plan.places[scratch_name(step.layer.name)])
            yield {"name": names.scratch[step.layer.name], "place": place, "bytes": step.scratch_bytes}


def _step_row(network: Network, number: int, step: Step, names: Names) -> dict[str, Any]:
    body = function_text(step, names) if needed_calls(step, names) else ""
    return {"name": step.name, "number": number, "body": body, "comment": layer_comment(network, step)}


def layer_comment(network: Network, step: Step) -> str:
    """Operator, shapes and multiply-accumulates of a layer."""
    layer = step.layer
    shapes = [shape_text(t.shape) for t in network.inputs_of(layer) if t is not None and not t.constant]
    results = [shape_text(t.shape) for t in network.outputs_of(layer)]
    macs = layer_macs(network, layer)
    text = f"{step.name}: {type(layer.operator).__name__}{_window(network, step)}, {', '.join(shapes)} -> {', '.join(results)}"
    kept = "".join(f"; {weights.text}" for weights in kept_weights(network, [step]))
    return text + (f", {macs:,} MACs" if macs else "") + kept


def _window(network: Network, step: Step) -> str:
    operator = step.layer.operator
    window = getattr(operator, "window", None)
    if window is None and hasattr(operator, "stride") and len(step.layer.inputs) > 1:
        window = network.tensors[step.layer.inputs[1]].shape[1:3]
    return f" {shape_text(window)}" if window else ""


def _end(network: Network, name: str, names: Names) -> dict[str, Any]:
    tensor = network.tensors[name]
    if name not in names.tensors:
        raise NetworkError(f"{network.name}: its input or output {name!r} is a constant; there is nothing to run")
    quantization = tensor.quantization
    scale, zero = (quantization.scales[0], quantization.zero_points[0]) if quantization else (0.0, 0)
    record = ", ".join((
        f'"{text_in_c(name)}"', f'"{tensor.type.value}"', names.tensors[name], str(tensor.size_bytes), str(prod(tensor.shape)),
        float_text(scale), str(zero),
    ))  # fmt: skip
    return {"record": f"{{{record}}}", "size_bytes": tensor.size_bytes}


def text_in_c(name: str) -> str:
    """A name as printed in a line of words."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in "_./:;-" else "_" for c in name)


def _resets(network: Network, names: Names) -> Iterable[str]:
    """Statements that give variables their first values: stored zeros unless they come with data."""
    for name, macro in names.tensors.items():
        tensor = network.tensors[name]
        if tensor.variable:
            yield f"memset({macro}, {_first_byte(tensor)}, {tensor.size_bytes});"


def _first_byte(tensor: Tensor) -> int:
    if tensor.data is not None and np.any(tensor.data):
        raise NetworkError(f"variable {tensor.name!r} starts as other than zeros; allowed: zeros")
    zero = tensor.quantization.zero_points[0] if tensor.quantization else 0
    if zero and tensor.type.size_bytes > 1:
        raise NetworkError(f"variable {tensor.name!r} has the zero point {zero} and elements of more than a byte")
    return zero
