"""Made-up measurements."""

from __future__ import annotations

from calibration.measurements import Measurement

LATENCY = Measurement("demo", "latency", 12.5, "ms", "nucleo-l4r5zi", "bench 3", clock_hertz=120e6, supply_volts=1.8)
ENERGY = Measurement(
    "demo", "energy", 310.25, "uJ", "nucleo-l4r5zi", "bench 3", uncertainty=1.5, revision="C", clock_hertz=120e6,
    supply_volts=1.8, compiler="gcc 12.2.1", conditions='flash bank mode=dual; note="quoted, with comma"', program="demo.elf",
    mark="conv1", tolerance=0.02,
)  # fmt: skip
RECORDS = (LATENCY, ENERGY)
