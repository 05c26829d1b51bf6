"""What importers accept of a source, which is untrusted: files, tensors, windows and axes."""

from __future__ import annotations

from pathlib import Path

from mcusim.network.network import NetworkError, Unsupported
from mcusim.network.operators import Pair

MAX_FILE_BYTES = 1 << 30
MAX_TENSOR_BYTES = 1 << 31
MAX_RANK = 8
MAX_STEP = 4096
"""Windows, strides and dilations beyond are those of damaged files."""


def bytes_of(path: Path) -> bytes:
    """The contents of a file. NetworkError where it cannot be read or is too large."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise NetworkError(f"{path}: {size} bytes; a network of more than {MAX_FILE_BYTES} bytes is not read")
        return path.read_bytes()
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror}") from None


def pair(height: int, width: int, what: str) -> Pair:
    """Both ways of a window, a stride or a size. Unsupported beyond 1 to MAX_STEP."""
    if not (0 < height <= MAX_STEP and 0 < width <= MAX_STEP):
        raise Unsupported(f"its {what} is {height}x{width}; allowed is 1 to {MAX_STEP} each way")
    return height, width


def axis_of(value: int, rank: int) -> int:
    """An axis, counted from the front. Unsupported where a tensor of ``rank`` dimensions has none such."""
    if not -rank <= value < rank:
        raise Unsupported(f"its axis is {value}, but the tensor has {rank} dimensions")
    return value % rank
