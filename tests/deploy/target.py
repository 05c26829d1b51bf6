"""Networks on the simulated target, and what the NumPy twin gives for the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import mcusim
from mcusim import boards
from mcusim.deploy.build import BuildOptions, build
from mcusim.deploy.firmware import fed
from mcusim.network import ElementType, Layer, Network, Quantization, Tensor
from mcusim.network.operators import Operator

CHECKED = BuildOptions(defines={"NETWORK_CHECK": 2})
"""Every layer compares its scratch memory with what the kernel asks for."""

Arrays = Mapping[str, np.ndarray]


def samples(network: Network, count: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Random inputs."""
    random = np.random.default_rng(seed)
    return [{name: one_input(network.tensors[name], random) for name in network.inputs} for _ in range(count)]


def one_input(tensor: Tensor, random: np.random.Generator) -> np.ndarray:
    if tensor.type is ElementType.FLOAT32:
        return random.normal(size=tensor.shape).astype(np.float32)
    info = np.iinfo(tensor.type.value)
    return random.integers(info.min, info.max, tensor.shape, tensor.type.value, endpoint=True)


def answers(
    network: Network, core: str, inputs: Sequence[Arrays], folder: Path, options: BuildOptions = CHECKED,
    keep_state: bool = False,
) -> list[dict[str, np.ndarray]]:
    """Outputs of each sample, computed on the ideal board of ``core``; variables start anew, or are kept."""
    firmware = build(network, boards.load(core), folder / "network.elf", options)
    elf = fed(firmware.elf, folder / "fed.elf", keep_state=keep_state)
    (folder / "inputs.bin").write_bytes(b"".join(sample[name].tobytes() for sample in inputs for name in network.inputs))
    report = mcusim.run(elf, board=core, semihosting_root=folder)
    assert (report.exit.reason, report.exit.code) == ("exit", 0), report.serial
    return outputs_in(network, (folder / "outputs.bin").read_bytes(), len(inputs))


def outputs_in(network: Network, data: bytes, count: int) -> list[dict[str, np.ndarray]]:
    """The outputs in a file, sample by sample."""
    tensors = [network.tensors[name] for name in network.outputs]
    assert len(data) == count * sum(tensor.size_bytes for tensor in tensors)
    found, place = [], 0
    for _ in range(count):
        sample = {}
        for tensor in tensors:
            values = np.frombuffer(data, tensor.type.value, tensor.elements, place)
            sample[tensor.name] = values.reshape(tensor.shape)
            place += tensor.size_bytes
        found.append(sample)
    return found


def assert_same(got: Sequence[Arrays], wanted: Sequence[Arrays]) -> None:
    for one, other in zip(got, wanted, strict=True):
        for name in other:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def quantized(
    name: str, shape: tuple[int, ...], scale: float = 0.05, zero: int = 3, kind: ElementType = ElementType.INT8
) -> Tensor:
    return Tensor(name, shape, kind, Quantization((scale,), (zero,)))


def constant(name: str, data: np.ndarray, scales: Sequence[float] = (), axis: int | None = None) -> Tensor:
    quantization = Quantization(tuple(scales), (0,) * len(scales), axis) if len(scales) else None
    return Tensor(name, data.shape, ElementType(str(data.dtype)), quantization, data)


def network_of(name: str, tensors: Sequence[Tensor], *layers: tuple[Operator, str, str]) -> Network:
    """A network of layers ``(operator, "input names", "output names")``; it reads "in" and writes "out"."""
    made = tuple(
        Layer(f"{type(operator).__name__.lower()}_{i}", operator, tuple(reads.split()), tuple(writes.split()))
        for i, (operator, reads, writes) in enumerate(layers)
    )
    return Network(name, {tensor.name: tensor for tensor in tensors}, made, ("in",), ("out",))
