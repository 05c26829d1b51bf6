"""from_torch: an nn.Module as a Network, by torch.export. What operators become is in table.py."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import getitem
from typing import Any

import numpy as np

from mcusim.network.builder import Builder, Constant
from mcusim.network.fusion import fused
from mcusim.network.layout import ORDERS, Axes
from mcusim.network.network import Network, NetworkError, Unsupported
from mcusim.network.operators import Transpose
from mcusim.network.quantize import quantize
from mcusim.network.torch.table import KEPT, TRANSLATIONS
from mcusim.network.torch.view import Item, View

try:
    import torch
    from torch.export import ExportedProgram, default_decompositions, export
    from torch.export.graph_signature import InputKind, OutputKind
except ImportError as missing:  # pragma: no cover - depends on the installation
    raise NetworkError("networks from PyTorch need the package torch: pip install 'mcusim[torch]'") from missing

Order = Callable[[int], Axes]


def from_torch(
    module: torch.nn.Module | ExportedProgram,
    example_inputs: torch.Tensor | Sequence[torch.Tensor],
    calibration: Iterable[Any] | None = None,
    **options: Any,
) -> Network:
    """The network of a module in evaluation mode: float32, or int8 with ``calibration`` (see quantize, for ``options`` too).

    ``example_inputs`` state the shapes. ``calibration``: any iterable of what the module takes, as tensors or arrays: alone,
    in a tuple (further entries, such as labels, are left out) or in a dict by the names of the inputs. Images become channels
    last, at inputs and outputs too (N,C,H,W is N,H,W,C), unless the module does that itself. Layers are named after ATen's
    operators.
    NetworkError names the operator and its output for what is not supported.
    """
    program = module if isinstance(module, ExportedProgram) else _exported(module, example_inputs)
    name = type(module).__name__
    with torch.no_grad():
        attempts = [_Import(name, program, order) for order in ORDERS]
        networks = [attempt.network() for attempt in attempts]
    counts = [sum(isinstance(layer.operator, Transpose) for layer in network.layers) for network in networks]
    best = counts.index(min(counts))
    if calibration is None:
        return networks[best]
    return quantize(networks[best], _samples(calibration, networks[best], attempts[best].orders), **options)


def _exported(module: torch.nn.Module, example_inputs: torch.Tensor | Sequence[torch.Tensor]) -> ExportedProgram:
    inputs = (example_inputs,) if isinstance(example_inputs, torch.Tensor) else tuple(example_inputs)
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        table = default_decompositions()
        for name in KEPT:
            packet, overload = name.removeprefix("aten.").split(".")
            table.pop(getattr(getattr(torch.ops.aten, packet), overload), None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch to itself: nothing that its users could do something about
            return export(module, inputs).run_decompositions(table)
    except Exception as error:
        text = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise NetworkError(f"{type(module).__name__}: torch.export cannot trace it: {text}") from error
    finally:
        for part, training in modes.items():
            part.training = training


def _samples(calibration: Iterable[Any], network: Network, orders: Mapping[str, Axes]) -> Iterator[dict[str, np.ndarray]]:
    """Calibration data by name, in the order in which the network holds its inputs."""
    for sample in calibration:
        if isinstance(sample, Mapping):
            given = dict(sample)
        else:
            given = dict(zip(network.inputs, sample if isinstance(sample, list | tuple) else [sample], strict=False))
        yield {name: _ordered(value, orders[name]) for name, value in given.items() if name in orders}


def _ordered(value: Any, axes: Axes) -> np.ndarray:
    array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    if array.ndim == len(axes):
        return array.transpose(axes)
    return array.transpose([axis - 1 for axis in axes[1:]]) if array.ndim == len(axes) - 1 else array


class _Import:
    """One program on its way to a Network, its inputs stored in the order that ``order`` gives for their rank."""

    def __init__(self, name: str, program: ExportedProgram, order: Order) -> None:
        self.name, self.program, self.order = name, program, order
        self.builder = Builder(name)
        self.orders: dict[str, Axes] = {}
        self.items: dict[str, Any] = {}

    def network(self) -> Network:
        kinds = {spec.arg.name: spec for spec in self.program.graph_signature.input_specs}
        outputs: list[str] = []
        for number, node in enumerate(self.program.graph.nodes):
            if node.op == "placeholder":
                self.items[node.name] = self.entry(node, kinds[node.name])
            elif node.op == "call_function":
                self.items[node.name] = self.call(number, node)
            elif node.op == "output":
                outputs = self.outputs()
            else:
                raise NetworkError(f"{self.name}, node {node.name!r}: {node.op} is not supported")
        try:
            return fused(self.builder.network({name: self.items[name] for name in outputs}))
        except Unsupported as error:
            raise NetworkError(f"{self.name}: {error}") from None

    def outputs(self) -> list[str]:
        specs = self.program.graph_signature.output_specs
        changed = [spec.target for spec in specs if spec.kind is not OutputKind.USER_OUTPUT]
        if changed:
            raise NetworkError(f"{self.name}: it changes {changed[0]!r} as it runs; networks with a state are not supported")
        return [spec.arg.name for spec in specs]

    def entry(self, node: Any, spec: Any) -> Any:
        """An input of the network, or a parameter, buffer or constant of the module."""
        if spec.kind is not InputKind.USER_INPUT:
            source = self.program.state_dict if spec.target in self.program.state_dict else self.program.constants
            return Constant(spec.target, source[spec.target].detach().cpu().numpy().copy())  # training may go on there
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            return value
        for axis, size in enumerate(value.shape):
            if not isinstance(size, int):
                raise NetworkError(
                    f"{self.name}, input {node.name!r}: its axis {axis} ({str(size)!r}) is dynamic; "
                    "export it with a fixed shape"
                )
        if value.dtype is not torch.float32:
            raise NetworkError(f"{self.name}, input {node.name!r}: it is of {value.dtype}; float32 is supported")
        self.orders[node.name] = self.order(value.dim())
        try:
            return self.builder.input(node.name, tuple(value.shape), self.orders[node.name])
        except Unsupported as error:
            raise NetworkError(f"{self.name}, input {node.name!r}: {error}") from None

    def call(self, number: int, node: Any) -> Any:
        """Translates a node: layers, or a constant where all that it reads is known."""
        where = f"{self.name}, node {number} ({node.target}), which writes {node.name!r}"
        self.builder.label = node.name
        try:
            return self.result(node)
        except (Unsupported, NetworkError) as error:
            raise NetworkError(f"{where}: {error}{_place(node)}") from None

    def result(self, node: Any) -> Any:
        arguments, keywords = self.arguments(node.args), self.arguments(node.kwargs)
        if node.target is getitem:
            items, index = arguments
            if not isinstance(items, tuple) or index >= len(items):
                raise Unsupported(f"result {index} of {node.args[0].name!r} is not supported")
            return items[index]
        if not any(isinstance(self.items[n.name], tuple) or _running(self.items[n.name]) for n in node.all_input_nodes):
            return self.folded(node)
        translate = TRANSLATIONS.get(str(node.target))
        if translate is None:
            names = ", ".join(sorted({name.split(".")[1] for name in TRANSLATIONS}))
            raise Unsupported(f"the operator is not supported; supported are {names}")
        if node.target is torch.ops.aten.as_strided.default and not _in_place(node):
            raise Unsupported("it reads a tensor's memory in another order")
        value = node.meta.get("val")
        shape = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
        item: Item = translate(View(node.name, shape, arguments, keywords, self.builder))
        return item

    def arguments(self, given: Any) -> Any:
        """Arguments with the values of nodes in their place."""
        if isinstance(given, torch.fx.Node):
            return self.items[given.name]
        if isinstance(given, list | tuple):
            return tuple(self.arguments(each) for each in given)
        return {key: self.arguments(each) for key, each in given.items()} if isinstance(given, dict) else given

    def folded(self, node: Any) -> Constant:
        """What a call on constants gives, computed by torch."""

        def tensor(given: Any) -> Any:
            item = self.items[given.name]
            return torch.from_numpy(np.array(item.data)) if isinstance(item, Constant) else item

        arguments, keywords = (torch.fx.node.map_arg(given, tensor) for given in (node.args, node.kwargs))
        result = node.target(*arguments, **keywords)
        if not isinstance(result, torch.Tensor):
            raise Unsupported("it gives no tensor")
        return Constant(node.name, result.detach().cpu().numpy())


def _running(item: Any) -> bool:
    """Whether a value is known only when the network runs."""
    return item is not None and not isinstance(item, Constant | int | float | bool | str)


def _in_place(node: Any) -> bool:
    """Whether each element stays where it is: PyTorch writes so of an average in a module whose channels are last in memory."""
    source, result = node.args[0].meta["val"], node.meta["val"]
    if source.shape != result.shape or source.storage_offset() != result.storage_offset():
        return False
    strides = zip(source.shape, source.stride(), result.stride(), strict=True)
    return all(size == 1 or before == after for size, before, after in strides)


def _place(node: Any) -> str:
    """The module that a node comes from, where torch says so."""
    stack = node.meta.get("nn_module_stack") or {}
    names = [str(path) for path, _ in stack.values() if path]
    return f" (in {names[-1]})" if names else ""
