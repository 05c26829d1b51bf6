"""Changes of memory timing, clock and alignment that could save time, as assumptions that a run can price."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcusim.boards.wait_states import limits
from mcusim.doctor.change import Change
from mcusim.doctor.patient import Patient
from mcusim.doctor.placement import code_placement, data_placement
from mcusim.machine.what_if import AS_IT_IS, WhatIf
from mcusim.pricing import causes
from mcusim.report.quantity import si

SLOW_CLOCK = 0.9
"""Share of the rated clock below which raising it is priced."""


def changes(patient: Patient) -> Iterator[Change]:
    """All changes that this run gives reason to price."""
    for candidate in CANDIDATES:
        yield from candidate(patient)


def _differs(patient: Patient, what_if: WhatIf) -> bool:
    """True where the memories would answer otherwise, as the firmware has left their registers."""
    return patient.machine.timing_under(what_if) != patient.machine.timing_under(AS_IT_IS)


def _switched(kind: str, what_if: WhatIf, what: str, advice: str) -> Callable[[Patient], Iterator[Change]]:
    def candidate(patient: Patient) -> Iterator[Change]:
        if _differs(patient, what_if):
            yield Change(kind, what, advice, what_if)

    return candidate


def _wait_states(patient: Patient) -> Iterator[Change]:
    what_if, table = WhatIf(fewest_wait_states=True), limits(patient.board)
    if table and _differs(patient, what_if):
        yield Change(
            "wait_states",
            f"flash waits longer than its clock needs (the core runs at {si(patient.report.clock_hertz, 'Hz')})",
            "lower the flash latency once the clock is set; highest flash clock for 0, 1, 2 ... wait states: "
            + ", ".join(si(hertz, "Hz", 3) for hertz in table),
            what_if,
        )


def _clock(patient: Patient) -> Iterator[Change]:
    rated, fastest = patient.board.rated_hertz, max(epoch.hertz for epoch in patient.report.clock_epochs)
    if rated and fastest < SLOW_CLOCK * rated:
        yield Change(
            "clock",
            f"the core never runs faster than {si(fastest, 'Hz')}; it is rated for {si(rated, 'Hz')}",
            "raise the core clock with the PLL first thing in main (with the flash wait states that it needs then); "
            "the price is energy",
            WhatIf(clock_hertz=rated, fewest_wait_states=True),
        )


def _alignment(patient: Patient) -> Iterator[Change]:
    functions = [row for row in patient.report.functions if row.causes.get(causes.ALIGNMENT)]
    if functions:
        functions.sort(key=lambda row: -row.causes[causes.ALIGNMENT])
        yield Change(
            "alignment",
            "loads and stores at addresses that are no multiple of their size",
            "align the data (no packed structures or odd offsets in hot code)",
            WhatIf(aligned=True),
            tuple(row.name for row in functions[:5]),
        )


CANDIDATES = (
    _switched("caches", WhatIf(caches=True), "caches are off",
              "switch the caches on in start-up code (Cortex-M7: SCB_EnableICache and SCB_EnableDCache, with DMA buffers in "
              "uncached memory; flash accelerator or ICACHE elsewhere)"),
    _switched("prefetch", WhatIf(prefetch=True), "the prefetch of the flash is off", "set its enable bit (FLASH ACR PRFTEN)"),
    _wait_states, _clock, code_placement, data_placement, _alignment,
)  # fmt: skip
"""Each yields the changes that it gives reason for."""
