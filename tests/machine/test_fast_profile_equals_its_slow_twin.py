"""The native block hook with its fact programs against Python looking at every instruction."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from mcusim import boards
from mcusim import program as programs
from mcusim.machine import layout as L
from mcusim.machine.event_counts import nested
from mcusim.machine.machine import Machine, Options
from mcusim.machine.profile import profile_of
from mcusim.machine.reference import ReferenceProfile
from mcusim.pricing import causes
from mcusim.pricing.memory import BACK, THROUGH, Cache, Chain, Device, Path, Paths
from mcusim.pricing.passage import MemoryTiming
from mcusim.run import core_of

STALL_CAUSES = frozenset(causes.STALLS.values())
CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")


def both(elf, core, memories=None):
    """(fast profile, slow twin) of a program that reads no counter and takes no interrupt.

    ``memories`` gives the machine other memories than the ideal board's.
    """
    board = boards.load(core)
    fast = Machine(programs.load(elf), board, core_of(board), Options(max_instructions=2_000_000))
    slow = Machine(programs.load(elf), board, core_of(board), Options(bare=True))
    if memories is not None:
        for machine in (fast, slow):
            machine.recorder.use_timing(memories(machine.recorder.timing))
    fast.run()
    twin = ReferenceProfile(slow)
    slow.run()
    twin.close()
    assert fast.finish.reason == slow.finish.reason == "exit"
    seen = {use.name: (use.misses, use.writebacks) for use in fast.recorder.memory.cache_uses()}
    assert seen == {name: (cache.misses, cache.writebacks) for name, cache in twin.memory.caches.items() if cache.misses}
    return profile_of(fast), twin


def assert_equal(profile, twin):
    assert (profile.cycles, profile.instructions) == (twin.cycles, twin.instructions)
    assert {name: t.read_bytes for name, t in profile.traffic.items() if t.read_bytes} == twin.read_bytes
    assert {name: t.written_bytes for name, t in profile.traffic.items() if t.written_bytes} == twin.written_bytes
    assert profile.unknown_facts == 0
    assert nested(profile.events) == nested(twin.events)


@pytest.mark.parametrize("core", CORES)
def test_recursion_costs_the_same(build, core):
    assert_equal(*both(build("recursion.c", core), core))


@pytest.mark.parametrize("core", ["m0", "m3", "m4", "m33"])
def test_newlib_malloc_and_printf_cost_the_same(build, core):
    assert_equal(*both(build("heap.c", core, library="newlib"), core))


SIMPLE = ("adds r{a}, r{b}, r{c}", "subs r{a}, r{b}, #{k}", "eors r{a}, r{b}", "lsls r{a}, r{b}, #{k}", "muls r{a}, r{b}")
WIDE = (
    "add.w r{a}, r{b}, r{c}, lsl #{k}", "ubfx r{a}, r{b}, #{k}, #5", "umull r{a}, r{d}, r{b}, r{c}", "udiv r{a}, r{b}, r{c}",
    "sdiv r{a}, r{b}, r{c}", "rev r{a}, r{b}", "clz r{a}, r{b}", "adcs r{a}, r{b}", "sbc.w r{a}, r{b}, r{c}",
)  # fmt: skip
MEMORY = (
    "and r{a}, r{b}, #252\n add r{a}, r8\n ldr r{c}, [r{a}]",
    "and r{a}, r{b}, #255\n ldrb r{c}, [r8, r{a}]\n strb r{c}, [r8, #{k}]",
    "str r{a}, [r8, #{w}]\n ldr r{b}, [r8, #{w}]\n and r{b}, #252\n ldr r{c}, [r8, r{b}]",
    "and r{a}, r{b}, #127\n add r{a}, r8\n ldr r{c}, [r{a}, #1]",
    "strh r{a}, [r8, #{w}]\n ldr r{b}, [r8, #{w}]\n and r{b}, #252\n ldr r{c}, [r8, r{b}]",
    "ldrd r{a}, r{c}, [r8, #{w}]",
    "cmp r{a}, r{b}\n it lo\n ldrlo r{c}, [r8, #{w}]",
    "lsrs r{a}, r{b}, #{k}\n ite cs\n strcs r{a}, [r8, #{w}]\n ldrcc r{c}, [r8, #{w}]",
    "tst r{a}, #{k}\n it ne\n mulne r{c}, r{a}, r{b}",
    "cmp r{a}, #0\n itt mi\n addmi r{b}, #1\n udivmi r{c}, r{b}, r{a}",
)


def random_program(seed: int) -> str:
    """Assembly of a loop whose addresses, conditions and divisors come out of its own arithmetic."""
    chance = random.Random(seed)

    def line() -> str:
        a, b, c, d = chance.sample(range(8), 4)
        form = chance.choice(chance.choice((SIMPLE, WIDE, MEMORY, MEMORY)))
        return form.format(a=a, b=b, c=c, d=d, k=chance.randrange(1, 25), w=4 * chance.randrange(32))

    body = []
    for number in range(40):
        body.append(line())
        if chance.random() < 0.15:
            body.append(f"cmp r{chance.randrange(8)}, r{chance.randrange(8)}\n bhi 9{number}f\n {line()}\n 9{number}:")
    start = "\n".join(f"ldr r{n}, ={chance.randrange(1 << 32)}" for n in range(8))
    return (
        ".syntax unified\n.thumb\n.text\n.global main\n.thumb_func\nmain:\n push {r4-r11, lr}\n ldr r8, =room\n"
        f"{start}\n mov r9, #30\n b 1f\n .ltorg\n1:\n" + "\n".join(body) + "\n subs r9, #1\n bne.w 1b\n movs r0, #0\n"
        " pop {r4-r11, pc}\n .ltorg\n .bss\n .align 3\nroom: .space 512\n"
    )


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
@pytest.mark.parametrize("seed", range(6))
def test_random_programs_cost_the_same(build_source, core, seed):
    assert_equal(*both(build_source(random_program(seed), core, suffix=".S"), core))


FLASH = Device("flash", 8, 5, next_cycles=6)
PREFETCHING = replace(FLASH, prefetch=True, first_cycles=4)
RAM = Device("ram", 8, 9, next_cycles=2, write_cycles=3, write_depth=2, recovery_cycles=1)
SMALL = Cache("small", 16, 2, 2, sector_bytes=8)
FULL = Cache("full", 32, 1, 4, policy="round_robin")
DATA = Cache("data", 32, 2, 2, write_allocate=True)
ROTATING = replace(DATA, policy="round_robin", ways=1)
CODE = Path("flash")
SERIAL = Device("flash", 4, 30, next_cycles=8, critical_word_first=False,
                chain=Chain(12, 12, window_cycles=40, page_bytes=64, break_cycles=7))  # fmt: skip
STREAM = Device("flash", 8, 40, next_cycles=6, chain=Chain(20, 5))
ROW = Device("ram", 8, 9, next_cycles=2, write_cycles=3, chain=Chain(4, 4, page_bytes=32, anywhere=True))
SYSTEMS = {
    "buffer": ((), (FLASH,), Paths(CODE, CODE), Paths()),
    "no buffer": ((), (FLASH, RAM), Paths(CODE, replace(CODE, buffered=False)), Paths(None, Path("ram"), Path("ram"))),
    "prefetch": ((), (PREFETCHING,), Paths(CODE, CODE), Paths()),
    "lead": ((), (PREFETCHING,), Paths(replace(CODE, lead_cycles=2), CODE), Paths()),
    "accelerator": ((SMALL, FULL), (PREFETCHING,), Paths(Path("flash", "small"), Path("flash", "full")), Paths()),
    "unified": ((SMALL,), (FLASH,), Paths(Path("flash", "small"), Path("flash", "small")), Paths()),
    "first level": (
        (FULL, DATA), (FLASH, RAM), Paths(Path("flash", "full"), Path("flash", "data")),
        Paths(None, Path("ram", "data"), Path("ram", "data")),
    ),
    "rotating": (
        (FULL, ROTATING), (FLASH, RAM), Paths(Path("flash", "full"), Path("flash", "data")),
        Paths(None, Path("ram", "data"), Path("ram", "data")),
    ),
    "whole line first": (
        (DATA,), (replace(FLASH, critical_word_first=False), RAM), Paths(CODE, Path("flash", "data")),
        Paths(None, Path("ram", "data"), Path("ram", "data")),
    ),
    "written through": (
        (FULL, DATA), (FLASH, RAM), Paths(Path("flash", "full"), Path("flash", "data")),
        Paths(None, Path("ram", "data"), Path("ram", "data", stores=THROUGH)),
    ),
    "written back": (
        (FULL, DATA), (FLASH, RAM), Paths(Path("flash", "full"), Path("flash", "data")),
        Paths(None, Path("ram", "data"), Path("ram", "data", stores=BACK)),
    ),
    "serial": ((SMALL,), (SERIAL,), Paths(Path("flash", "small"), Path("flash", "small")), Paths()),
    "serial uncached": ((), (SERIAL,), Paths(CODE, replace(CODE, buffered=False)), Paths()),
    "stream": ((FULL, DATA), (STREAM, RAM), Paths(Path("flash", "full"), Path("flash", "data")), Paths()),
    "row": ((), (STREAM, ROW), Paths(CODE, CODE), Paths(None, Path("ram", buffered=False), Path("ram", buffered=False))),
}  # fmt: skip
IN_LANES = [name for name in SYSTEMS if not name.startswith("serial")]
"""Whether a read still comes within the window of a chain is decided by the run, not by each lane."""


def behind(system):
    """The memories of an ideal board, its flash and RAM behind the caches and devices of ``system``."""
    caches, devices, flash, ram = SYSTEMS[system]

    def memories(timing):
        paths = {"flash": flash, "ram": ram}
        regions = tuple(replace(region, paths=paths.get(region.name, Paths())) for region in timing.regions)
        return MemoryTiming(regions, caches, devices)

    return memories


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_random_programs_stall_the_same_in_caches_and_buffers(build_source, core, system):
    for seed in range(3):
        profile, twin = both(build_source(random_program(seed), core, suffix=".S"), core, behind(system))
        assert_equal(profile, twin)
        assert sum(cycles for block in profile.blocks for cause, cycles in block.causes.items() if cause in STALL_CAUSES) > 0


def slower(system, number):
    """``behind(system)`` with devices ``number`` steps from those of ``system``; answering at once at step 0."""

    def memories(timing):
        memory = behind(system)(timing)
        devices = tuple(
            replace(
                device, free=number == 0, first_cycles=2 * number, next_cycles=device.next_cycles and number + 1,
                write_cycles=device.write_cycles and number, recovery_cycles=device.recovery_cycles and 2,
                chain=device.chain and replace(device.chain, cycles=number, least_cycles=min(number, 3)),
            )
            for device in memory.devices
        )  # fmt: skip
        return replace(memory, devices=devices)

    return memories


def with_lanes(elf, core, system):
    """(machine, cycles by lane) of a program run behind ``system`` while all steps of ``slower`` are followed."""
    board = boards.load(core)
    machine = Machine(programs.load(elf), board, core_of(board), Options(max_instructions=2_000_000, follow_lanes=True))
    timing = machine.recorder.timing
    machine.recorder.use_timing(behind(system)(timing), [slower(system, number)(timing) for number in range(L.LANES)])
    machine.run()
    return machine, [machine.recorder.cycles + delay for delay in machine.recorder.memory.lane_delays()]


@pytest.mark.parametrize("core", ["m4", "m7"])
@pytest.mark.parametrize("system", IN_LANES)
def test_lanes_tell_what_a_run_in_other_memories_would(build_source, core, system):
    for seed in range(2):
        elf = build_source(random_program(seed), core, suffix=".S")
        machine, lanes = with_lanes(elf, core, system)
        assert machine.recorder.cycles == both(elf, core, behind(system))[0].cycles
        for number in (0, 1, 2, 7, 15):
            profile, twin = both(elf, core, slower(system, number))
            assert lanes[number] == profile.cycles == twin.cycles


@pytest.mark.parametrize("system", IN_LANES)
def test_lanes_of_all_nodes_add_up_to_the_delay_of_the_lane(build, system):
    machine, lanes = with_lanes(build("recursion.c", "m3"), "m3", system)
    stalls = sum(node.lanes.sum(axis=0) for node in machine.recorder.graph.nodes if node.lanes is not None)
    own = sum(int(row[L.NODE_STALLS : L.NODE_STALLS + 3].sum()) for row in machine.recorder.graph.rows)
    assert [machine.recorder.cycles - own + stall for stall in stalls.tolist()] == lanes
    assert lanes[0] == machine.recorder.cycles - own


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_recursion_stalls_the_same(build, core, system):
    assert_equal(*both(build("recursion.c", core), core, behind(system)))


def cut(machine, start, end, paths):
    """Make ``start`` to ``end`` of the ideal board's RAM a region with paths of its own, as MPU attributes do."""
    space, recorder = machine.space, machine.recorder
    rows = space.region_table(machine.options.what_if)
    ram = next(row for row in rows if row[0] <= start < row[1] and row[2])
    space.names.append("ram")
    recorder.set_regions([(start, end, ram[2] + start - ram[0], len(space.names) - 1), *rows], space.refusing())
    timing = behind("first level")(recorder.timing)
    piece = replace(timing.regions[ram[3]], paths=paths)
    recorder.use_timing(replace(timing, regions=(*timing.regions, piece)))


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
@pytest.mark.parametrize("seed", range(3))
def test_random_programs_stall_the_same_where_a_part_of_ram_is_not_cached(build_source, core, seed):
    elf = build_source(random_program(seed), core, suffix=".S")
    program, board = programs.load(elf), boards.load(core)
    room = next(symbol.address for symbol in program.symbols if symbol.name == "room")
    uncached = Path("ram", buffered=False)
    machines = [Machine(program, board, core_of(board), Options(bare=bare)) for bare in (False, True)]
    for machine in machines:
        cut(machine, room + 64, room + 192, Paths(None, uncached, uncached))
    fast, slow = machines
    fast.run()
    twin = ReferenceProfile(slow)
    slow.run()
    twin.close()
    profile = profile_of(fast)
    assert_equal(profile, twin)
    uses = [use for use in fast.recorder.memory.path_uses() if use.region == "ram" and use.kind == "read"]
    assert len(uses) == 2 and all(use.units for use in uses)


LONG_BLOCK = r"""
static unsigned char bytes[4096] __attribute__((aligned(4)));
int main(void)
{
    __asm__ volatile(
        "mov r2, %0\n mov r4, #1\n"
        ".balign 1024\n"
        ".rept 230\n ldr r3, [r2, r4]\n adds r4, #2\n .endr\n" /* 460 narrow instructions, words at odd bytes */
        ".rept 120\n ldr r3, [r2], #6\n eor.w r4, r4, r3\n .endr\n"
        : : "r"(bytes) : "r2", "r3", "r4", "cc", "memory");
    return 0;
}
"""


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
def test_the_longest_block_of_straight_code_keeps_the_facts_of_each_access(build_source, core):
    profile, twin = both(build_source(LONG_BLOCK, core), core)
    assert_equal(profile, twin)
    assert sum(use.causes.get(causes.ALIGNMENT, 0) for use in profile.blocks) > 230
