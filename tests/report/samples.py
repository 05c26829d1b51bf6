"""Reports for tests: one with every key filled, one with nothing optional."""

from __future__ import annotations

from dataclasses import replace

from mcusim.report import (
    CacheUse,
    CallNode,
    ClockEpoch,
    DeviceUse,
    EnergyUse,
    ExceptionUse,
    Exit,
    Fault,
    Frame,
    FunctionUse,
    Host,
    MarkUse,
    Memory,
    PathUse,
    ProgramFile,
    RegionTraffic,
    Report,
    ScheduleUse,
    SectionUse,
    StackUse,
    SymbolUse,
    Timeline,
    TimelineEvent,
    UnmodelledUse,
)

SPARE = Report(
    program=ProgramFile("app.bin", "raw", "00" * 32, 0x0800_0010),
    board="m4",
    core="m4",
    cycles=1000,
    instructions=800,
    clock_hertz=1_000_000,
    latency_seconds=1e-3,
    exit=Exit("exit", 0),
    serial="",
    memory=Memory(2048, 0, 64, None),
    host=Host(0.5, 1600.0),
)

FAULT = Fault(
    kind="HardFault",
    cause="bus error",
    address=0x0800_0024,
    symbol="poke",
    offset=4,
    disassembly="str r0, [r1]",
    data_address=0x7000_0000,
    registers={"r0": 1, "r1": 0x7000_0000, "sp": 0x2000_0FF0, "lr": 0x0800_0031, "pc": 0x0800_0024},
    backtrace=(Frame(0x0800_0024, "poke", 4, "app.c", 12), Frame(0x0800_0030)),
    cfsr=1 << 9 | 1 << 15,
    hfsr=1 << 30,
    bfar=0x7000_0000,
)

CALL_TREE = (
    CallNode("Reset_Handler", -1, 1, 100),
    CallNode("main", 0, 1, 200),
    CallNode("work", 1, 3, 300),
    CallNode("copy", 2, 6, 150),
    CallNode("copy", 1, 1, 50),
    CallNode("SysTick_Handler", -1, 4, 200),
)

FULL = replace(
    SPARE,
    serial="hello\nwörld \\xff\n",
    memory=Memory(2048, 512, 256, 128, {"flash": RegionTraffic(4096, 0), "ram": RegionTraffic(100, 2000)}),
    functions=(
        FunctionUse("work", 0x0800_0100, 3, 300, 450, {"issue": 250, "flash": 50}, {"cycles": {"active": 300}}, 3e-8),
        FunctionUse("main", 0x0800_0080, 1, 200, 700),
    ),
    marks=(MarkUse("layer 1", 2, 400, {"issue": 400}, {"cycles": {"active": 400}}, 4e-8), MarkUse("idle", 0, 0)),
    warnings=("flash latency is too low for this clock",),
    outputs={"LPUART1": "hello\n", "itm": "x"},
    sections=(SectionUse(".text", 0x0800_0000, 0x0800_0000, 2000, "code", "flash"),),
    symbols=(SymbolUse("table", 0x2000_0000, 40, "object", "ram"),),
    stacks=(StackUse("main", 256, ("Reset_Handler", "main", "work"), 0x2000_1000, 1024), StackUse("psp 1", 64)),
    exceptions=(ExceptionUse("SysTick", 15, 4, 200),),
    unmodelled=(UnmodelledUse("RCC", 0x88, 3),),
    call_tree=CALL_TREE,
    clock_epochs=(ClockEpoch(0, 1_000_000), ClockEpoch(500, 2_000_000)),
    causes={"issue": 800, "branch": 200},
    caches=(CacheUse("data_cache", 90, 10, 3, 0.9),),
    memory_paths=(PathUse("flash", "fetch", 12, 60),),
    memory_devices=(DeviceUse("flash", 10, 2, 0),),
    fault=FAULT,
    energy_joules=1e-7,
    energy=EnergyUse(
        3.0, 1e-4, {"cycles": 9e-8, "static": 1e-8}, "made up", ScheduleUse(60.0, "stop", 1e-6, 0.26, 1e-6, 2499.0)
    ),
    events={"instructions": {"integer": 500, "load": 300}, "cycles": {"active": 950, "stall": 50}},
    timeline=Timeline((TimelineEvent("enter", "main", 1), TimelineEvent("leave", "main", 9, "psp 1")), True),
)
