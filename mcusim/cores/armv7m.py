"""The instruction timing that M3 and M4 share: a three-stage, single-issue pipeline without caches.

Sources: M4-TRM = Arm DDI 0439D, Table 3-1 and section 3.3.2; M3-TRM = Arm DDI 0337I, Table 3-1. The pipeline refill P is
given there as 1 to 3 cycles, "depending on the alignment and width of the target instruction, and whether the processor
manages to speculate the address early". How P is split here (a halfword-aligned 32-bit target costs one more, H14):

* 1 for B, BL, BX and BLX: decode knows the target (Arm DDI 0337G, 1.4: branch target forwarding, BX LR among them).
* 1 for B<cc> whose flags were set before the instruction in front of it, 2 where that instruction sets them: decode can
  tell the condition only while no flags are under way. A loop within one fetch word takes 1 in any case (delay loop of nrfx:
  SUBS and BHI are three cycles a turn). Fitted on the programs of pqm4, Embench and X25519 at zero wait states, n = 44: the
  only split of 1 and 2 that fits both families (``docs/accuracy.md``).
* 2 for CBZ, MOV PC and ADD PC, which execute decides.
* 2 for POP and LDM with PC.  # unverified on silicon
* 3 for LDR PC, TBB and TBH (M4-TRM 3.3.2: LDR PC takes at least five cycles, TBB at least six).
"""

from __future__ import annotations

from mcusim.cores.core import Timing
from mcusim.isa.kind import Kind

ONE = Timing(1)

TIMING: dict[Kind, Timing] = {
    # Data processing: 1 cycle, shifts of operand2 are free (M4-TRM Table 3-1).
    Kind.ALU: ONE, Kind.ALU_ROTATED: ONE, Kind.ALU_SHIFT: ONE, Kind.SHIFT: ONE, Kind.REGISTER_SHIFT: ONE,
    Kind.MOVE_WIDE: ONE, Kind.ADDRESS: ONE, Kind.BITFIELD: ONE, Kind.EXTEND: ONE, Kind.COUNT_ZEROS: ONE,
    Kind.REVERSE: ONE, Kind.SATURATE: ONE, Kind.MULTIPLY: ONE,
    # 2 to 12 cycles by operands: see divide_cycles of the core; the first cycle is here.
    Kind.DIVIDE: ONE,
    # Loads: 2 cycles, the second of which a following load can overlap (the bubble, H1).
    Kind.LOAD: ONE, Kind.LOAD_NARROW: ONE, Kind.LOAD_EXCLUSIVE: ONE,
    # Stores: the table says 2, the prose "STR Rx,[Ry,#imm] is always one cycle": prose taken.
    Kind.STORE: ONE, Kind.STORE_NARROW: ONE,
    # STREX: 2 (Table 3-1); it returns a status, so the write buffer cannot hide it.
    Kind.STORE_EXCLUSIVE: Timing(2), Kind.CLEAR_EXCLUSIVE: ONE,
    # 1 + N for N words (Table 3-1); the prose's "2+1+1 or 5" does not add up.
    Kind.LOAD_DOUBLE: Timing(1, each=1), Kind.STORE_DOUBLE: Timing(1, each=1),
    Kind.LOAD_MULTIPLE: Timing(1, each=1), Kind.STORE_MULTIPLE: Timing(1, each=1),
    Kind.PRELOAD: ONE,
    # Branches: 1 not taken, 1 + P taken.
    Kind.BRANCH: Timing(1, refill=1), Kind.BRANCH_CONDITIONAL: Timing(1, refill=2),
    Kind.BRANCH_COMPARE: Timing(1, refill=2),
    Kind.BRANCH_LINK: Timing(1, refill=1), Kind.BRANCH_REGISTER: Timing(1, refill=1),
    Kind.BRANCH_LINK_REGISTER: Timing(1, refill=1), Kind.ALU_BRANCH: Timing(1, refill=2),
    # LDR PC: 2 for the load and 3 for the refill; POP {.., PC}: 1 + N + P; TBB, TBH: 2 load, 1 add, 3 refill (M4-TRM
    # 3.3.2).
    Kind.LOAD_BRANCH: Timing(2, refill=3), Kind.LOAD_MULTIPLE_BRANCH: Timing(1, each=1, refill=2),
    Kind.TABLE_BRANCH: Timing(3, refill=3),
    Kind.IT: ONE,  # folded: see it_folded
    Kind.NOP: ONE, Kind.SEND_EVENT: ONE,
    # WFI, WFE: 1 + W; the machine adds the wait.
    Kind.WAIT: ONE,
    # DMB, DSB: 1 + B with B at least 0: the write buffer drains. ISB: B at least P: a refill from execute, 2.
    Kind.BARRIER: ONE, Kind.INSTRUCTION_BARRIER: Timing(3),
    # MRS, MSR, CPS: "1 or 2" (Table 3-1); the longer is taken for MRS and MSR.  # unverified on silicon
    Kind.READ_SPECIAL: Timing(2), Kind.WRITE_SPECIAL: Timing(2), Kind.CHANGE_STATE: ONE,
    # SVC, BKPT, UDF, coprocessor: one cycle until the exception is taken, whose own cycles the machine adds.
    Kind.SUPERVISOR_CALL: ONE, Kind.BREAKPOINT: ONE, Kind.UNDEFINED: ONE, Kind.COPROCESSOR: ONE,
}  # fmt: skip

COUNTERS = frozenset({"cyccnt", "cpi", "exc", "sleep", "lsu", "fold"})
"""DWT counters (Armv7-M ARM DDI 0403E, C1.8): both cores implement all of them."""
