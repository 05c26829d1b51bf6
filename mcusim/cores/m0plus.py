"""Cortex-M0+ (r0p1). M0+-TRM = Arm DDI 0484C, Table 3-1: cycles at zero wait states."""

from __future__ import annotations

from mcusim.cores.armv6m import timing
from mcusim.cores.core import Core, ExceptionTiming
from mcusim.cores.rules import SingleBusRules

CORE = Core(
    name="m0plus",
    description="Cortex-M0+",
    architecture="armv6-m",
    emulator_model="UC_CPU_ARM_CORTEX_M0",  # the emulator has no M0+; both execute Armv6-M
    cpuid=0x410CC601,  # M0+-TRM 4.1: part 0xC60, r0p1
    pipeline="single_bus",
    # M0+-TRM Table 3-1: B, BX, BLX, MOV PC 2; BL 3; POP with PC 3+N; MRS, MSR, DMB, DSB, ISB 3; WFI, WFE 2; MULS 1 or
    # 32
    timing=timing(refill=1, call=2, system=3),
    exceptions=ExceptionTiming(
        entry=15,  # M0+-TRM 3.6.1
        exit=15,  # no source; as entry  # unverified on silicon
        tail_chain=6,  # no source; as Armv7-M  # unverified on silicon
    ),
    priority_bits=2,  # Armv6-M ARM DDI 0419E B1.5.4: always 2
    interrupts_max=32,
    rules=SingleBusRules(io_port_cycles=1),  # M0+-TRM Table 3-1, footnote: single-cycle I/O port
    multiplier_options=(1, 32),
    mpu_regions=8,  # M0+-TRM: optional, 8 regions
    unaligned_access=False,
    fpu_options={"": {}},
)
