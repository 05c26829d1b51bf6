"""States: arrays by name as bytes, and modules of any pruned shape as arrays. NumPy's archives, without pickled objects."""

from __future__ import annotations

import io
from collections.abc import Mapping
from zipfile import BadZipFile

import numpy as np
import torch
from torch import nn

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.networks import Architecture, Prunable

State = Mapping[str, np.ndarray]


def packed(state: State) -> bytes:
    """As an .npz, compressed: pruned weights are zeros."""
    target = io.BytesIO()
    np.savez_compressed(target, **{name: np.asarray(each) for name, each in state.items()})  # type: ignore[arg-type]
    return target.getvalue()


def unpacked(data: bytes) -> dict[str, np.ndarray]:
    """StudyError where ``packed`` did not write it."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise StudyError(f"a state that cannot be read: {error}") from None


def state_of(module: Prunable) -> dict[str, np.ndarray]:
    """Parameters and statistics of a module."""
    return {name: each.detach().numpy().copy() for name, each in module.state_dict().items()}


def restored(architecture: Architecture, state: State) -> Prunable:
    """A module of these parameters, in the shape that they have: pruned layers are as narrow as they were."""
    module = architecture.outlined().to_empty(device="cpu")
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            _resized(name, part, state)
    try:
        module.load_state_dict({name: torch.from_numpy(each.copy()) for name, each in state.items()})
    except RuntimeError as error:
        told = str(error).splitlines()[-1].strip()
        raise StudyError(f"a state of another network than {architecture.network}: {told}") from None
    return module.eval()


def _resized(name: str, part: nn.Module, state: State) -> None:
    for key in [*dict(part.named_parameters(recurse=False))]:
        if f"{name}.{key}" not in state:
            raise StudyError(f"a state without {name}.{key}")
        setattr(part, key, nn.Parameter(torch.empty(state[f"{name}.{key}"].shape)))
    shape = state[f"{name}.weight"].shape
    if isinstance(part, nn.Linear):
        part.out_features, part.in_features = shape
    elif isinstance(part, nn.Conv2d):
        part.groups = shape[0] if part.groups > 1 else 1
        part.out_channels, part.in_channels = shape[0], shape[1] * part.groups
    else:
        part.num_features = shape[0]  # type: ignore[assignment]
        for key in ("running_mean", "running_var"):
            part.register_buffer(key, torch.empty(shape))
