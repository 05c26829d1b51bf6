"""First-level caches of an STM32H743 under cache maintenance and the MPU: stalls worked out by hand.

Out of reset the core and the AXI bus both run at 64 MHz. A line of AXI SRAM is there 3 + (5 + 1) = 9 core cycles after the
load (parameters.buses of stm32h743.toml), and so is each uncached word. The programs run from flash with their stack in DTCM,
so that nothing else touches AXI SRAM.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim import boards
from mcusim import program as programs
from mcusim.machine import layout as L
from mcusim.machine.machine import Machine, Options
from mcusim.machine.memory_native import through_cache
from mcusim.machine.memory_system import MemorySystem
from mcusim.machine.memory_twin import TwinCache, TwinDevice
from mcusim.pricing.memory import READ, WRITE, Cache, Device
from mcusim.pricing.passage import MemoryTiming
from mcusim.run import core_of

KIB = 1024
LAYOUT = Layout(0x08000000, 64 * KIB, 0x20000000, 64 * KIB)
LINES, MISS = 64, 9
START = ".syntax unified\n.thumb\n.text\n.global main\n.thumb_func\nmain:\n push {r4-r7, lr}\n"
END = " movs r0, #0\n pop {r4-r7, pc}\n .ltorg\n"


def put(address: int, value: int) -> str:
    return f" ldr r0, ={address:#x}\n ldr r1, ={value:#x}\n str r1, [r0]\n dsb\n isb\n"


def walk(body: str, base: int = 0x24000000, stride: int = 32, count: int = LINES) -> str:
    """``body`` for ``count`` values of R4, far enough apart for the bus to be idle again."""
    start = f" ldr r4, ={base:#x}\n ldr r6, ={count}\n"
    return f"{start}1: {body}\n add r4, #{stride}\n .rept 30\n nop\n .endr\n subs r6, #1\n bne 1b\n"


READS, WRITES = walk("ldr r0, [r4]"), walk("str r0, [r4]")
DATA_ON, DATA_OFF = put(0xE000ED14, 0x00010200), put(0xE000ED14, 0x00000200)
BOTH_ON = put(0xE000ED14, 0x00030200)


def by_address(register: int, count: int = LINES) -> str:
    return f" ldr r2, ={register:#x}\n" + walk("str r4, [r2]", count=count)


def by_set_and_way(register: int) -> str:
    """4 ways, named by bits 31 and 30, of 128 sets of 32 bytes."""
    return f" ldr r2, ={register:#x}\n" + "".join(walk("str r4, [r2]", base=way << 30, count=128) for way in range(4))


ICIALLU, DCIMVAC, DCISW, DCCMVAU, DCCMVAC, DCCSW = 0xE000EF50, 0xE000EF5C, 0xE000EF60, 0xE000EF64, 0xE000EF68, 0xE000EF6C
DCCIMVAC, DCCISW = 0xE000EF70, 0xE000EF74


@pytest.fixture
def run(build_source):
    """Runs the fragments one after another on an STM32H743; the machine."""

    def result(*fragments: str, board: str = "nucleo-h743zi", core: str = "m7", layout: Layout = LAYOUT) -> Machine:
        elf = build_source(START + "".join(fragments) + END, core, suffix=".S", layout=layout)
        chosen = boards.load(board)
        machine = Machine(programs.load(elf), chosen, core_of(chosen), Options(max_instructions=2_000_000))
        assert machine.run().reason == "exit"
        return machine

    return result


def stalls(machine: Machine, region: str = "axi_sram", kind: str = "read") -> int:
    uses = machine.recorder.memory.path_uses()
    return sum(use.stall_cycles for use in uses if (use.region, use.kind) == (region, kind))


def writebacks(machine: Machine) -> int:
    return next(use.writebacks for use in machine.recorder.memory.cache_uses() if use.name == "data_cache")


@pytest.mark.parametrize(
    ("between", "misses"),
    [
        ("", 0), (by_set_and_way(DCISW), LINES), (by_set_and_way(DCCISW), LINES), (by_set_and_way(DCCSW), 0),
        (by_address(DCIMVAC, 8), 8), (by_address(DCCIMVAC, 8), 8), (by_address(DCCMVAC), 0), (by_address(DCCMVAU), 0),
        (put(ICIALLU, 0), 0), (DATA_OFF + DATA_ON, 0), (DATA_OFF + by_set_and_way(DCISW) + DATA_ON, LINES),
    ],
)  # fmt: skip
def test_maintenance_decides_which_lines_are_read_again(run, between, misses):
    assert stalls(run(DATA_ON, READS, between, READS)) == (LINES + misses) * MISS


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        (by_set_and_way(DCCSW), LINES), (by_set_and_way(DCCISW), LINES), (by_set_and_way(DCISW), 0),
        (by_address(DCCMVAC), LINES), (by_address(DCCIMVAC, 8), 8), (by_address(DCIMVAC), 0),
        (by_address(DCCMVAC) + by_set_and_way(DCCSW), LINES),  # what is clean is not written again
    ],
)  # fmt: skip
def test_cleaning_writes_back_the_lines_that_stores_made_dirty(run, operation, written):
    machine = run(DATA_ON, WRITES, operation)
    assert writebacks(machine) == written
    assert stalls(machine, kind="write") == 0  # a store waits in the store buffer while its line is fetched


def test_with_the_cache_off_every_load_goes_to_the_bus(run):
    assert stalls(run(READS, READS)) == 2 * LINES * MISS


def test_a_reset_of_the_instruction_cache_fetches_its_lines_again(run):
    call = " bl far\n"
    far = ".balign 32\n.thumb_func\nfar: .rept 159\n nop\n .endr\n bx lr\n"  # 320 bytes: ten lines

    def misses(between: str) -> int:
        machine = run(BOTH_ON, " b 2f\n.ltorg\n .balign 32\n2:", call, between, call, " b 3f\n .ltorg\n" + far + "3:")
        return machine.recorder.memory.lookups("instruction_cache")[1]

    same = misses(put(ICIALLU + 8, 0x24000000))  # ICIMVAU of another line
    assert misses(put(ICIALLU, 0)) - same == 10 + 1  # the ten lines of the function, and the line that runs
    assert misses(put(ICIALLU + 8, 0)) == same


def rasr(tex: int, c: int, b: int, s: int = 0, disabled: int = 0, size: int = 18) -> int:
    return 3 << 24 | tex << 19 | s << 18 | c << 17 | b << 16 | disabled << 8 | size << 1 | 1


def protect(control: int, number: int = 0, base: int = 0x24000000) -> str:
    return put(0xE000ED98, number) + put(0xE000ED9C, base) + put(0xE000EDA0, control)


MPU_ON, MPU_OFF = put(0xE000ED94, 5), put(0xE000ED94, 0)


@pytest.mark.parametrize(
    ("regions", "walks"),
    [
        ("", 1), (protect(rasr(1, 0, 0)), 2), (protect(rasr(0, 0, 1)), 2), (protect(rasr(0, 0, 0)), 2),
        (protect(rasr(0, 1, 0)), 1), (protect(rasr(0, 1, 1)), 1), (protect(rasr(1, 1, 1)), 1), (protect(rasr(4, 0, 0)), 2),
        (protect(rasr(1, 1, 1, s=1)), 2),  # shareable: not cached
        (put(0xE000EF9C, 1) + protect(rasr(1, 1, 1, s=1)), 1),  # CACR.SIWT: cached, written through
        (protect(rasr(1, 0, 0, disabled=1)), 1), (protect(rasr(1, 0, 0, disabled=2)), 2),
        (protect(rasr(1, 0, 0)) + protect(rasr(1, 1, 1), number=1), 1),
        (protect(rasr(1, 0, 0), number=1) + protect(rasr(1, 1, 1)), 2),
        (protect(rasr(1, 0, 0) & ~1), 1),
        (protect(rasr(1, 0, 0), base=0x24000010), 2),  # RBAR.VALID: region 0
        (put(0xE000ED98, 3) + put(0xE000EDA4, 0x24000000) + put(0xE000EDA8, rasr(1, 0, 0)), 2),  # RBAR_A1, RASR_A1
    ],
)  # fmt: skip
def test_the_mpu_decides_whether_data_are_cached(run, regions, walks):
    machine = run(DATA_ON, regions, MPU_ON, READS, READS)
    assert stalls(machine) == walks * LINES * MISS


def test_half_of_the_lines_not_cacheable_are_read_anew_each_time(run):
    half = protect(rasr(1, 0, 0, size=9))  # 1 KB: the first 32 of the 64 lines
    assert stalls(run(DATA_ON, half, MPU_ON, READS, READS, READS)) == (LINES + 2 * LINES // 2) * MISS


def test_switching_the_mpu_off_brings_the_default_map_back(run):
    machine = run(DATA_ON, protect(rasr(1, 0, 0)), MPU_ON, READS, MPU_OFF, READS, READS)
    assert stalls(machine) == 2 * LINES * MISS


def test_a_region_switched_while_the_mpu_is_on_counts_at_once(run):
    machine = run(DATA_ON, MPU_ON, READS, protect(rasr(1, 0, 0)), READS, protect(0), READS)
    assert stalls(machine) == 2 * LINES * MISS


@pytest.mark.parametrize(
    ("policy", "read_misses", "written"),
    [
        (rasr(1, 1, 1), 0, LINES),  # write-back, write-allocate: the stores fetched the lines
        (rasr(0, 1, 1), LINES, 0),  # write-back: a store that misses goes to memory
        (rasr(0, 1, 0), LINES, 0),  # write-through
    ],
)  # fmt: skip
def test_stores_to_lines_that_are_not_there_allocate_where_the_attributes_say_so(run, policy, read_misses, written):
    machine = run(DATA_ON, protect(policy), MPU_ON, WRITES, READS, by_set_and_way(DCCSW))
    assert (stalls(machine), writebacks(machine)) == (read_misses * MISS, written)


@pytest.mark.parametrize(("policy", "written"), [(rasr(0, 1, 1), LINES), (rasr(0, 1, 0), 0)])
def test_stores_to_lines_that_are_there_make_them_dirty_unless_written_through(run, policy, written):
    assert writebacks(run(DATA_ON, protect(policy), MPU_ON, READS, WRITES, by_set_and_way(DCCSW))) == written


def test_tightly_coupled_memory_is_never_cached_whatever_the_mpu_says(run):
    walked, region = walk("ldr r0, [r4]", base=0x20008000), protect(rasr(1, 1, 1), base=0x20000000)
    memory = run(DATA_ON, region, MPU_ON, walked).recorder.memory
    assert not any(use.region == "dtcm" for use in memory.path_uses())


def test_code_that_the_mpu_makes_non_cacheable_goes_round_the_cache_of_an_stm32u575(run):
    layout = Layout(0x08000000, 64 * KIB, 0x20000000, 64 * KIB)
    setup = put(0x40022000, 4) + put(0x40030400, 5)  # four wait states; ICACHE on, two ways
    region = put(0xE000EDC0, 0x44) + put(0xE000ED9C, 0x08000000 | 2 << 1) + put(0xE000EDA0, 0x0800FFE1)
    loop = " ldr r6, =100\n1: .rept 40\n nop\n .endr\n subs r6, #1\n bne 1b\n"

    def fetches(*fragments: str) -> int:
        return sum(run(*fragments, board="nucleo-u575zi-q", core="m33", layout=layout).recorder.memory.lookups("icache")[:2])

    assert fetches(setup, region, MPU_ON, loop) == fetches(setup, region, MPU_ON)
    assert fetches(setup, region, loop) > 100 * 5


def test_identification_registers_tell_the_geometry_of_the_caches(run):
    read = "".join(
        put(0xE000ED84, selected) + f" ldr r0, =0xe000ed80\n ldr r1, [r0]\n ldr r2, ={value:#x}\n cmp r1, r2\n bne bad\n"
        for selected, value in ((0, 0xF00FE019), (1, 0xF01FE009))
    )
    machine = run(read, " b good\nbad: movs r0, #0\n udf #0\ngood:\n")
    assert machine.finish.reason == "exit"  # and not by the undefined instruction


SPECS = (
    Cache("data_cache", 32, 8, 4, write_allocate=True),
    Cache("data_cache", 16, 4, 2, policy="round_robin", write_allocate=True),
)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("seed", range(3))
def test_the_native_cache_and_its_twin_agree_under_maintenance(spec, seed):
    chance, device = random.Random(seed), Device("ram", 8, 9, next_cycles=2, write_cycles=3)
    state = np.zeros(L.STATE_WORDS, np.int64)
    memory = MemorySystem(state)
    memory.configure(MemoryTiming((), (spec,), (device,)))
    twin, twin_device, now = TwinCache(spec), TwinDevice(device), 0
    for _ in range(2000):
        address = chance.randrange(64) * spec.line_bytes // 2
        action = chance.random()
        if action < 0.75:
            kind, stores = chance.choice((READ, WRITE)), chance.randrange(3)
            row, ram = memory.caches[spec].row, memory.devices["ram"]
            stall = through_cache(row.ctypes.data, ram.ctypes.data, address, now, kind, stores)
            assert stall == twin.access(twin_device, address, now, kind, stores)
        elif action < 0.99:
            clean, invalidate = chance.random() < 0.5, chance.random() < 0.5
            place = memory.place_at(spec.name, address)
            written = memory.clean(spec.name, place) if clean and place is not None else None
            if invalidate and place is not None:
                memory.drop(spec.name, place)
            if written is not None:
                memory.write_back("ram", now)
            if twin.maintain(address, clean, invalidate):
                twin_device.write(now)
                assert written is not None
            else:
                assert written is None
        else:
            memory.invalidate(spec.name)
            twin.invalidate()
        now += chance.randrange(20)


@pytest.mark.parametrize("wait_states", [0, 2, 7])
def test_a_saved_run_whose_mpu_is_switched_on_the_way_is_priced_as_a_run_would_be(build_source, wait_states):
    flash = walk("ldr r0, [r4]", base=0x08008000)
    part = protect(rasr(1, 0, 0, size=9), base=0x08008000)
    body = (put(0x52002000, 0x34), BOTH_ON, flash, part, MPU_ON, flash, by_set_and_way(DCCISW), flash, MPU_OFF, flash)
    elf = build_source(START + "".join(body) + END, "m7", suffix=".S", layout=LAYOUT)
    kept = []
    mcusim.run(elf, board="nucleo-h743zi", save_profile=kept.append)
    (answer,) = mcusim.retime(kept[0], sweeps={"wait_states": [wait_states]}, pure=True).answers
    assert answer.how == "priced"
    assert answer.cycles == mcusim.run(elf, board="nucleo-h743zi", wait_states=wait_states).cycles
