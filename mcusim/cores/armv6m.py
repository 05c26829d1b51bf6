"""The kinds of Armv6-M, priced from a handful of figures: the tables of M0 and M0+ differ in these only."""

from __future__ import annotations

from mcusim.cores.core import Timing
from mcusim.isa.kind import Kind


def timing(*, refill: int, call: int, system: int) -> dict[Kind, Timing]:
    """Timing table of a single-bus Armv6-M core.

    ``refill``: cycles beyond 1 of every taken branch; ``call``: the same of BL; ``system``: cycles of MRS, MSR and
    barriers.
    """
    one, access = Timing(1), Timing(2)
    simple = (
        Kind.ALU, Kind.SHIFT, Kind.REGISTER_SHIFT, Kind.ADDRESS, Kind.EXTEND, Kind.REVERSE, Kind.MULTIPLY, Kind.NOP,
        Kind.SEND_EVENT, Kind.CHANGE_STATE, Kind.SUPERVISOR_CALL, Kind.BREAKPOINT, Kind.UNDEFINED,
    )  # fmt: skip
    jumps = (
        Kind.BRANCH, Kind.BRANCH_CONDITIONAL, Kind.BRANCH_REGISTER, Kind.BRANCH_LINK_REGISTER, Kind.ALU_BRANCH,
    )  # fmt: skip
    return {
        **dict.fromkeys(simple, one),
        **dict.fromkeys(jumps, Timing(1, refill=refill)),
        Kind.BRANCH_LINK: Timing(1, refill=call),
        **dict.fromkeys((Kind.LOAD, Kind.LOAD_NARROW, Kind.STORE, Kind.STORE_NARROW), access),
        # 1 + N; with PC in the list, the refill and one cycle for the address on top
        **dict.fromkeys((Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE), Timing(1, each=1)),
        Kind.LOAD_MULTIPLE_BRANCH: Timing(1, each=1, refill=refill + 1),
        **dict.fromkeys(
            (Kind.READ_SPECIAL, Kind.WRITE_SPECIAL, Kind.BARRIER, Kind.INSTRUCTION_BARRIER), Timing(system)
        ),
        Kind.WAIT: Timing(2),
    }
