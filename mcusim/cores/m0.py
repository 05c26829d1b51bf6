"""Cortex-M0 (r0p0). M0-TRM = Arm DDI 0432C, Table 3-1: cycles at zero wait states."""

from __future__ import annotations

from mcusim.cores.armv6m import timing
from mcusim.cores.core import Core, ExceptionTiming
from mcusim.cores.rules import SingleBusRules

CORE = Core(
    name="m0",
    description="Cortex-M0",
    architecture="armv6-m",
    emulator_model="UC_CPU_ARM_CORTEX_M0",
    cpuid=0x410CC200,  # M0-TRM 4.2: part 0xC20, r0p0
    pipeline="single_bus",
    # M0-TRM Table 3-1: B, BX, BLX, MOV PC 3; BL 4; POP with PC 4+N; MRS, MSR, DMB, DSB, ISB 4; WFI, WFE 2; MULS 1 or 32
    timing=timing(refill=2, call=3, system=4),
    exceptions=ExceptionTiming(
        entry=16,  # M0-TRM 3.7.1
        exit=16,  # no source; as entry  # unverified on silicon
        tail_chain=6,  # no source; as Armv7-M  # unverified on silicon
    ),
    priority_bits=2,  # Armv6-M ARM DDI 0419E B1.5.4: always 2
    interrupts_max=32,
    rules=SingleBusRules(io_port_cycles=2),  # no I/O port
    multiplier_options=(1, 32),
    unaligned_access=False,
    fpu_options={"": {}},
)
