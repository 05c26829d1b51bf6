"""Networks from PyTorch, against torch itself."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from mcusim.network import ElementType, Network, NetworkError  # noqa: E402
from mcusim.network import operators as ops  # noqa: E402
from mcusim.network.element_types import check_element_types  # noqa: E402
from mcusim.network.reference import run  # noqa: E402
from mcusim.network.shapes import check_shapes  # noqa: E402
from mcusim.network.torch import from_torch  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]


class Of(nn.Module):
    """A module of one function, with the parts that it uses."""

    def __init__(self, function: Callable[..., object], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: torch.Tensor) -> object:
        return self.function(self, x)


def normalization(channels: int) -> nn.Module:
    part = nn.BatchNorm2d(channels)
    part.running_mean.normal_()
    part.running_var.uniform_(0.5, 2)
    part.weight.data.normal_()
    return part


def cases() -> dict[str, Callable[[], nn.Module]]:
    f = nn.functional
    return {
        "conv": lambda: nn.Conv2d(4, 5, (3, 2), stride=(2, 1), padding=(1, 0)),
        "same": lambda: nn.Conv2d(4, 5, 3, padding="same", dilation=2),
        "grouped": lambda: nn.Conv2d(4, 6, 3, groups=2),
        "depthwise": lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False),
        "transposed": lambda: nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1),
        "normalised": lambda: nn.Sequential(nn.Conv2d(4, 6, 3), normalization(6), nn.ReLU6()),
        "normalised transposed": lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 3, stride=2), normalization(6), nn.ReLU()),
        "normalised alone": lambda: normalization(4),
        "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(168, 10), nn.Softmax(-1)),
        "linear of rows": lambda: nn.Linear(6, 3),
        "activations": lambda: nn.Sequential(nn.Hardswish(), nn.LeakyReLU(0.1), nn.Tanh(), nn.SiLU(), nn.Sigmoid()),
        "bounds": lambda: nn.Sequential(nn.Hardtanh(), nn.ReLU6()),
        "hard sigmoid": lambda: nn.Hardsigmoid(),
        "slopes": lambda: nn.PReLU(4),
        "clamp": lambda: Of(lambda _, x: x.clamp(-0.3, 0.4)),
        "arithmetic": lambda: Of(lambda _, x: (x * 2 - x / 3 + 1) * torch.relu(x) - (0.5 - x)),
        "two readers": lambda: Of(lambda m, x: m.n(m.c(x)) + m.c(x), c=nn.Conv2d(4, 4, 1), n=normalization(4)),
        "max pool": lambda: nn.MaxPool2d(3, 2, 1),
        "average pool": lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=False),
        "pool rounded up": lambda: nn.AvgPool2d(2, ceil_mode=True),
        "adaptive": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "adaptive parts": lambda: nn.AdaptiveAvgPool2d((7, 3)),
        "means": lambda: Of(lambda _, x: x.mean((2, 3)) + x.amax((2, 3))),
        "pad": lambda: Of(lambda _, x: f.pad(x, (1, 2, 0, 1), value=0.5)),
        "joined": lambda: Of(lambda _, x: torch.cat([x, torch.relu(x)], 1)),
        "parts": lambda: Of(lambda _, x: torch.sub(*x.chunk(2, 1))),
        "cut": lambda: Of(lambda _, x: x[:, 1:3, ::2, -3:]),
        "chosen": lambda: Of(lambda _, x: x[:, 2]),
        "turned": lambda: Of(lambda _, x: x.permute(0, 2, 3, 1)),
        "squeezed": lambda: Of(lambda _, x: x.mean(3, keepdim=True).squeeze(3).unsqueeze(1)),
        "resized": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
        "shuffled": lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.ChannelShuffle(2), nn.Conv2d(4, 4, 1)),
        "pixels": lambda: nn.PixelShuffle(2),
        "matrices": lambda: Of(lambda _, x: x @ x.transpose(2, 3)),
    }


CASES = cases()


def given(network: Network, name: str, value: np.ndarray) -> np.ndarray:
    """A value in the order in which the network holds it."""
    return value if value.shape == network.tensors[name].shape else np.ascontiguousarray(np.moveaxis(value, 1, -1))


def checked(network: Network) -> Network:
    check_shapes(network)
    for layer in network.layers:
        check_element_types(layer, network.inputs_of(layer), network.outputs_of(layer))
    return network


@pytest.mark.parametrize("name", CASES)
def test_float_operators_compute_what_torch_computes(name: str) -> None:
    torch.manual_seed(3)
    module, x = CASES[name]().eval(), torch.randn(1, 4, 7, 6)
    network = checked(from_torch(module, x))
    (source,), (output,) = network.inputs, network.outputs
    met = run(network, {source: given(network, source, x.numpy())})[output]
    expected = module(x).detach().numpy()
    met = met if met.shape == expected.shape else np.moveaxis(met, -1, 1)
    np.testing.assert_allclose(met, expected, 1e-4, 3e-5)


class Net(nn.Module):
    """A small residual network with a depthwise convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.deep = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.Hardswish()
        )
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = x + self.deep(x)
        return self.head(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


def bars(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with a bar that lies or stands, in noise, and which it is."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 1, 12, 12, generator=generator) * 0.4
    kinds = torch.randint(0, 2, (count,), generator=generator)
    for image, kind, place in zip(images, kinds, torch.randint(0, 12, (count,), generator=generator), strict=True):
        (image[0] if kind else image[0].T)[place] += 1.5
    return images, kinds


@pytest.fixture(scope="module")
def trained() -> Net:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net, (images, kinds) = Net(), bars(256, 1)
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(images), kinds).backward()
        optimiser.step()
    return net.eval()


def test_a_trained_network_keeps_its_accuracy_in_int8(trained: Net) -> None:
    images, kinds = bars(64, 2)
    data = [(batch, 0) for batch in bars(64, 3)[0].split(16)]
    network = checked(from_torch(trained, images[:1], calibration=data))
    assert {t.type for t in network.tensors.values()} == {ElementType.INT8, ElementType.INT32}
    assert [type(layer.operator) for layer in network.layers] == [
        ops.Conv2D,
        ops.DepthwiseConv2D,
        ops.Conv2D,
        ops.Unary,
        ops.Binary,
        ops.Reduce,
        ops.Reshape,
        ops.FullyConnected,
    ]
    scales, answer = network.tensors[network.inputs[0]].quantization, network.tensors[network.outputs[0]].quantization
    assert scales is not None and answer is not None
    logits = trained(images).detach().numpy()
    met = []
    for image in images.numpy():
        stored = np.clip(np.round(image.transpose(1, 2, 0)[None] / scales.scale) + scales.zero_point, -128, 127)
        value = run(network, {network.inputs[0]: stored.astype(np.int8)})[network.outputs[0]]
        met.append((value[0].astype(float) - answer.zero_point) * answer.scale)
    right = (logits.argmax(1) == kinds.numpy()).mean()
    assert right > 0.9
    assert (np.argmax(met, 1) == kinds.numpy()).mean() >= right - 0.04
    assert np.abs(np.array(met) - logits).mean() < 0.03 * np.ptp(logits)


def test_a_module_is_left_in_its_mode(trained: Net) -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Dropout(), nn.BatchNorm2d(4)).train()
    module[2].eval()
    network = from_torch(module, torch.randn(1, 4, 3, 3))
    assert [type(layer.operator) for layer in network.layers] == [ops.Conv2D]
    assert [part.training for part in module] == [True, True, False]


class Inner(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cos(x)


def test_a_module_whose_channels_are_last_in_memory_is_the_same_network(trained: Net) -> None:
    x = torch.randn(1, 1, 12, 12)
    usual, last = (from_torch(copy.deepcopy(trained).to(memory_format=each), x) for each in (
        torch.contiguous_format, torch.channels_last
    ))  # fmt: skip
    assert [type(layer.operator) for layer in last.layers] == [type(layer.operator) for layer in usual.layers]
    image = given(usual, usual.inputs[0], x.numpy())
    results = [run(network, {network.inputs[0]: image})[network.outputs[0]] for network in (usual, last)]
    np.testing.assert_array_equal(*results)


def test_memory_that_is_read_in_another_order_is_refused() -> None:
    class Turned(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x).as_strided((1, 4, 4), (16, 1, 4))

    with pytest.raises(NetworkError, match=r"aten.as_strided.default.*: it reads a tensor's memory in another order"):
        from_torch(Turned(), torch.randn(1, 4, 4))


def test_an_unsupported_operator_is_named_with_its_place() -> None:
    module = nn.Sequential(nn.ReLU(), Inner())
    text = r"Sequential, node \d \(aten\.cos\.default\), which writes 'cos': the operator is not supported; .*\(in 1\)"
    with pytest.raises(NetworkError, match=text):
        from_torch(module, torch.randn(1, 4))


def test_a_dynamic_axis_is_refused_by_name() -> None:
    height = torch.export.Dim("height", min=2, max=64)
    program = torch.export.export(nn.ReLU(), (torch.randn(1, 4, 8, 6),), dynamic_shapes=({2: height},))
    with pytest.raises(NetworkError, match=r"input 'input': its axis 2 \('.*'\) is dynamic; export it with a fixed shape"):
        from_torch(program, torch.randn(1, 4, 8, 6))


def test_a_state_is_refused() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.count.add_(1)
            return x + self.count

    with pytest.raises(NetworkError, match="it changes 'count' as it runs"):
        from_torch(Counter(), torch.randn(1, 4))


def test_what_torch_cannot_trace_is_one_sentence() -> None:
    module = Of(lambda _, x: x if x.sum() > 0 else -x)
    with pytest.raises(NetworkError, match=r"Of: torch\.export cannot trace it: ") as met:
        from_torch(module, torch.randn(1, 4))
    assert "\n" not in str(met.value)
