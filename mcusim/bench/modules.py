"""What people have in their hands, float modules of PyTorch above all, as models to ask about."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from pathlib import Path
from typing import Any

from mcusim.bench.question import Model
from mcusim.bench.samples import calibration_samples
from mcusim.network import Network, NetworkError, load

Calibration = str | Path | Iterable[Any]
"""A labelled set's file or folder (labels are left out), or any iterable of inputs."""


def is_module(model: object) -> bool:
    """Whether ``model`` is a ``torch.nn.Module``; PyTorch is not imported to find out."""
    return any(kind.__module__ == "torch.nn.modules.module" and kind.__name__ == "Module" for kind in type(model).__mro__)


def prepared(model: Any, calibration: Any, example: Any = None) -> tuple[Model, str]:
    """A model to ask about, and the path of the data it is to be quantised with when it is loaded, "" where it is not.

    Modules become int8 networks here, or float32 ones of an ``example``, and what comes with data as objects becomes int8.
    NetworkError for a module with neither, and for what cannot be imported or quantised.
    """
    if is_module(model):
        return _from_module(model, calibration, example), ""
    if calibration is None or isinstance(calibration, str | Path):
        return model, str(calibration or "")
    from mcusim.network.quantize import quantize

    return quantize(model if isinstance(model, Network) else load(model), calibration), ""


def _from_module(module: Any, calibration: Any, example: Any) -> Network:
    name = type(module).__name__
    if calibration is None and example is None:
        raise NetworkError(
            f"{name}: a module is quantised with data that are typical for it; give calibration=samples, "
            "or example=one of them to keep float32"
        )
    from mcusim.network.torch import from_torch

    if calibration is None:
        return from_torch(module, example)
    samples = list(_tensors(calibration))
    if not samples:
        raise NetworkError(f"{name}: there are no calibration data; give at least one sample")
    return from_torch(module, _example(module, samples[0]), calibration=samples)


def _example(module: Any, sample: Any) -> Any:
    """One sample of a batch, without labels: as many entries as ``forward`` has parameters that it cannot do without."""
    if isinstance(sample, tuple | list):
        wanted = [p for p in signature(module.forward).parameters.values() if p.default is p.empty]
        return tuple(entry[:1] for entry in sample[: len(wanted)])
    if isinstance(sample, dict):
        return tuple(entry[:1] for entry in sample.values())
    return sample[:1]


def _tensors(calibration: Calibration) -> Iterable[Any]:
    if not isinstance(calibration, str | Path):
        return calibration
    import torch

    return [torch.from_numpy(sample).float() for sample in calibration_samples(calibration)]
