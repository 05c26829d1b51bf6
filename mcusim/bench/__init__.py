"""What networks take on boards: generated, built and run here, layer by layer."""

from mcusim.bench.asking import bench
from mcusim.bench.bench_report import (
    ArenaPart,
    BenchReport,
    Check,
    Failure,
    FlashBytes,
    LayerUse,
    Placed,
    RamBytes,
    Result,
    Room,
)
from mcusim.bench.question import Wishes

__all__ = [
    "ArenaPart", "BenchReport", "Check", "Failure", "FlashBytes", "LayerUse", "Placed", "RamBytes", "Result", "Room", "Wishes",
    "bench",
]  # fmt: skip
