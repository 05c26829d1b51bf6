"""Where cycles go: every cycle of a passage has one cause."""

ISSUE = "issue"
"""One cycle for each instruction issued (none for a folded one), and fixed further issue cycles of multi-cycle
instructions."""
LOAD_USE = "load_use"
"""Waiting for a loaded value, or the bubble behind a load that nothing overlapped."""
ADDRESS = "address"
"""Waiting for an address: base or index computed just before."""
LATENCY = "latency"
"""Waiting for any other result."""
TRANSFER = "transfer"
"""Words of multiple transfers beyond the first cycle."""
STORE = "store"
"""Waiting for a store: write buffer, or the cycle that a store cannot share."""
ALIGNMENT = "alignment"
"""Extra transfers of unaligned accesses."""
FETCH = "fetch"
"""Waiting for instructions that the core fetches too slowly: alignment of wide ones."""
BRANCH = "branch"
"""Refilling the pipeline after a branch."""
DIVIDE = "divide"
"""Cycles of divides and long multiplies beyond the first."""
FLOAT = "float"
"""Waiting for the FPU."""
MEMORY = "memory"
"""Opening a memory that is slow to answer anew."""
BARRIER = "barrier"
"""Barriers and changes of special registers."""
PAIRING = "pairing"
"""Issue slots lost because neighbours cannot issue together (half cycles are rounded into it)."""

FLASH = "flash"
"""Waiting for a memory without a cache in front of it: instructions, and data read from it."""
INSTRUCTION_MISS = "instruction_miss"
"""Waiting for lines that the instruction cache did not hold."""
DATA_MISS = "data_miss"
"""Waiting for lines that the data cache did not hold."""
BUS = "bus"
"""Waiting to hand over a store."""

STALLS = {
    (0, False): FLASH, (0, True): INSTRUCTION_MISS, (1, False): FLASH, (1, True): DATA_MISS, (2, False): BUS, (2, True): BUS,
}  # fmt: skip
"""Cause by kind of access (``mcusim.pricing.memory``) and whether it goes through a cache."""

EXCEPTION = "exception"
"""Entering and leaving exceptions, and saving the floating-point state."""
SLEEP = "sleep"
"""Asleep: WFI, WFE, sleep on exit."""
OVERHEAD = (EXCEPTION, SLEEP)
"""Causes of cycles that belong to no passage."""

CAUSES = (
    ISSUE, LOAD_USE, ADDRESS, LATENCY, TRANSFER, STORE, ALIGNMENT, FETCH, BRANCH, DIVIDE, FLOAT, MEMORY, BARRIER,
    PAIRING, FLASH, INSTRUCTION_MISS, DATA_MISS, BUS,
)  # fmt: skip
"""All causes of a passage, in the order of reports."""
