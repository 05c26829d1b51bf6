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
"""Waiting for instructions: alignment of wide instructions, wait states of the code memory."""
BRANCH = "branch"
"""Refilling the pipeline after a branch."""
DIVIDE = "divide"
"""Cycles of divides and long multiplies beyond the first."""
FLOAT = "float"
"""Waiting for the FPU."""
MEMORY = "memory"
"""Wait states of data accesses."""
BARRIER = "barrier"
"""Barriers and changes of special registers."""
PAIRING = "pairing"
"""Issue slots lost because neighbours cannot issue together (half cycles are rounded into it)."""

CAUSES = (
    ISSUE, LOAD_USE, ADDRESS, LATENCY, TRANSFER, STORE, ALIGNMENT, FETCH, BRANCH, DIVIDE, FLOAT, MEMORY, BARRIER,
    PAIRING,
)  # fmt: skip
"""All causes, in the order of reports."""
