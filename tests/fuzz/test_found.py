"""What fuzzing has found, each as the smallest program that shows it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim import boards
from mcusim import program as programs
from mcusim.errors import ProgramError, UnsupportedError
from mcusim.machine import stumbles
from mcusim.machine.machine import Machine, Options
from mcusim.run import core_of
from tests.support.firmware import SEMIHOSTING

TAKES_NO_STORE = 0x90000000
NRF52840 = Layout(flash_bytes=0x100000, ram_bytes=0x40000)


def assembly(body: str) -> str:
    return f".syntax unified\n.thumb\n.text\n.global main\n.thumb_func\nmain:\n{body}\n movs r0, #0\n bx lr\n .ltorg\n"


def raw(tmp_path, body: bytes, board: str = "nucleo-l4r5zi"):
    """A raw image for 0x08000000 that begins with ``body``."""
    path = tmp_path / "image.bin"
    path.write_bytes(struct.pack("<2I", 0x20010000, 0x08000009) + body)
    return mcusim.run(path, board=board, load_address=0x08000000, vector_table=0x08000000, max_instructions=10_000)


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
def test_a_conditional_store_that_faults_runs_nothing_behind_it(build_source, core):
    condition = " b 1f\n1: cmp r2, #0\n itt eq\n streq r2, [r0, #4]\n addeq r2, #1\n adds r2, #1"
    body = f" ldr r0, ={TAKES_NO_STORE}\n movs r2, #0\n{condition}"
    report = mcusim.run(build_source(assembly(body), core, suffix=".S"), core=core)
    assert report.fault is not None
    assert report.fault.disassembly.startswith("str")
    assert report.fault.data_address == TAKES_NO_STORE + 4
    assert report.fault.registers["r2"] == 0


def test_an_address_that_wraps_around_costs_like_any_other(build_source):
    """R1 + offset passes 2^32: the block's own registers must satisfy what it is recognised by."""
    loop = " movs r2, #8\n b 1f\n1: ldr r0, [r1, #-4]\n subs r2, #1\n bne 1b"
    reports = []
    for base, offset in ((0x100, -4), (0xFFFFFFFC, 0x100)):
        text = f" ldr.w r1, ={base}\n{loop}".replace("#-4", f"#{offset}")
        reports.append(mcusim.run(build_source(assembly(text), "m4", suffix=".S"), core="m4"))
    assert reports[0].exit.reason == reports[1].exit.reason == "exit"
    assert (reports[0].instructions, reports[0].cycles) == (reports[1].instructions, reports[1].cycles)


def test_flash_read_through_its_alias_is_counted_too(tmp_path):
    """The same load meets flash at 0x08000000 and then at 0: both turns of the loop count."""
    code = bytes.fromhex(
        "0220"  # movs r0, #2
        "0449"  # ldr r1, =0x08000000
        "ffe7"  # 1: b 2f
        "0a68"  # 2: ldr r2, [r1]
        "0021"  # movs r1, #0
        "0138"  # subs r0, #1
        "fad1"  # bne 1b
        "0020"  # movs r0, #0
        "fee7"  # b .
        "00bf"  # nop
        "00000008"
    )
    report = raw(tmp_path, code)
    assert report.exit.reason == "endless_loop"
    assert report.instructions >= 2 + 2 * 5 + 1
    assert report.memory.regions["flash"].read_bytes == 4 + 2 * 4


def test_an_item_of_a_boot_block_that_is_cut_short_is_a_program_error(tmp_path):
    path = tmp_path / "image.bin"
    block = struct.pack("<I", 0xFFFFDED3) + bytes((0x44, 1, 0, 0, 0xFF, 0, 0, 0))
    path.write_bytes(struct.pack("<2I", 0x20001000, 0x10000101).ljust(256, b"\0") + block + bytes(64))
    with pytest.raises(ProgramError, match="0x10000100"):
        mcusim.run(path, board="raspberry-pi-pico-2", load_address=0x10000000)


def test_semihosting_writes_no_more_than_memory_holds(build_source, tmp_path):
    """SYS_WRITE of 4 GiB: what lies in memory is written, the rest is told as not written, and soon."""
    text = SEMIHOSTING + """
    int main(void) {
        unsigned open[] = {(unsigned)"f", 5, 1};
        unsigned write[] = {(unsigned)call(1, open), 0x20000000u, 0xFFFFFFFFu};
        unsigned nowhere[] = {write[0], 0x90000000u, 0xFFFFFFFFu};
        unsigned left = (unsigned)call(5, write);
        return left < 0xFFFFFFFFu && (unsigned)call(5, nowhere) == 0xFFFFFFFFu ? 0 : 1;
    }
    """
    report = mcusim.run(build_source(text, "m4"), core="m4", semihosting_root=tmp_path, timeout_seconds=20)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)
    assert 1 << 16 <= (tmp_path / "f").stat().st_size <= 1 << 24


def test_refusals_of_files_are_told_a_limited_number_of_times(build_source):
    text = """
    int main(void) {
        static char name[4096];
        for (int i = 0; i < 4095; i++) name[i] = 'x';
        for (int i = 0; i < 500; i++) {
            name[0] = (char)('a' + i % 26), name[1] = (char)('a' + i / 26);
            unsigned open[] = {(unsigned)name, 5, 4095};
            register int r0 __asm__("r0") = 1;
            register unsigned *r1 __asm__("r1") = open;
            __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
        }
        return 0;
    }
    """
    report = mcusim.run(build_source(text, "m3"), core="m3")
    assert report.exit.reason == "exit"
    assert 1 <= len(report.warnings) <= 60
    assert max(map(len, report.warnings)) < 500


def test_many_machines_in_one_process_find_their_engines_registers(build_source):
    path = build_source("int main(void) { return 7; }", "m7")
    assert {mcusim.run(path, core="m7").exit.code for _ in range(60)} == {7}


def firmware_of_stores(*stores: tuple[int, int]) -> str:
    """A program that writes words to addresses and ends."""
    lines = (f"*(volatile unsigned *){address:#x} = {value:#x}u;" for address, value in stores)
    return f"int main(void) {{ {' '.join(lines)} return 0; }}"


def test_an_event_that_triggers_itself_is_refused(build_source):
    """EGU0 event 0 -> PPI channel 0 -> EGU0 task 0."""
    ring = ((0x4001F510, 0x40014100), (0x4001F514, 0x40014000), (0x4001F504, 1), (0x40014000, 1))
    with pytest.raises(UnsupportedError, match="triggers itself"):
        mcusim.run(build_source(firmware_of_stores(*ring), "m4", layout=NRF52840), board="nano-33-ble")


def test_a_subscription_on_a_chip_that_has_none_is_only_a_register(build_source):
    report = mcusim.run(build_source(firmware_of_stores((0x40014080, 0x80000000)), "m4", layout=NRF52840), board="nano-33-ble")
    assert report.exit.reason == "exit"


def test_profiling_counters_survive_a_block_that_faulted_at_once(build_source):
    handler = """
    .global HardFault_Handler
    .thumb_func
    HardFault_Handler: ldr r1, [sp, #24]
     adds r1, #2
     str r1, [sp, #24]
     bx lr
    """
    fault = f" ldr r0, ={TAKES_NO_STORE}\n b 1f\n1: ldr r0, [r0]\n"
    enable = (
        " ldr r0, =0xE000EDFC\n ldr r1, =0x01000000\n str r1, [r0]\n ldr r0, =0xE0001000\n ldr r1, =0x003E0001\n str r1, [r0]"
    )
    report = mcusim.run(build_source(assembly(fault + enable) + handler, "m4", suffix=".S"), core="m4")
    assert report.exit.reason == "exit"
    assert [(row.name, row.count) for row in report.exceptions] == [("HardFault", 1)]


def test_a_program_in_the_bit_band_alias_is_refused(build_source):
    elf = build_source("int main(void) { return 0; }", "m4", layout=replace(Layout(), ram_origin=0x21FFF000))
    with pytest.raises(ProgramError, match="bit-band aliases"):
        mcusim.run(elf, core="m4")


@pytest.mark.parametrize(("core", "board"), [("m4", "nano-33-ble"), ("m33", "nrf5340-dk")])
@pytest.mark.parametrize("store", ["streq r1, [r0]", "streq r1, [r0, r5]", "strheq r1, [r0, r5]\n streq r4, [r0, #4]"])
def test_a_conditional_store_to_flash_goes_to_its_controller_and_nothing_is_run_twice(build_source, core, board, store):
    controller = {"m4": 0x4001E504, "m33": 0x50039504}[core]
    count = store.count("\n") + 2
    body = f"""
     ldr r2, ={controller}
     movs r1, #1
     str r1, [r2]
     ldr r0, =0x80000
     movs r4, #7
     movs r5, #0
     movs r2, #0
     movw r1, #0x1234
     movt r1, #0xFFFF
     cmp r5, #0
     i{"t" * count} eq
     {store}
     addeq r2, #1
     ite ne
     strne r4, [r0]
     addeq r2, #2
     ldr r3, [r0]
     cmp r3, r1
     it eq
     addeq r2, #4
     subs r0, r2, #7
     pop {{r4, r5, pc}}
    """
    text = assembly(" push {r4, r5, lr}\n" + body)
    report = mcusim.run(build_source(text, core, suffix=".S", layout=NRF52840), board=board)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)


@pytest.mark.parametrize("core", ["m0", "m4", "m33"])
def test_a_timer_that_stays_pending_keeps_nobody_busy(build_source, core):
    """SysTick every two cycles, held back by PRIMASK: a core that waits for an event beside it waits for ever."""
    timer = " ldr r0, =0xE000E010\n cpsid i\n movs r1, #1\n str r1, [r0, #4]\n str r1, [r0, #8]\n movs r1, #7\n str r1, [r0]\n"
    wait, spin = (
        mcusim.run(build_source(assembly(timer + end), core, suffix=".S"), core=core, timeout_seconds=60)
        for end in (" wfe\n wfe\n wfe", " b .")
    )
    assert (wait.exit.reason, spin.exit.reason) == ("asleep", "endless_loop")


def test_a_timer_pends_again_when_its_handler_starts_or_its_exception_is_cleared(build_source):
    body = """
     push {r4, lr}
     movs r4, #0
     ldr r0, =0xE000E010
     cpsid i
     movs r1, #99
     str r1, [r0, #4]
     str r1, [r0, #8]
     movs r1, #7
     str r1, [r0]
     ldr r2, =0xE000ED04
     ldr r3, =0x02000000
    1: ldr r1, [r2]
     lsls r1, r1, #5
     bpl 1b
     str r3, [r2]
     ldr r1, [r2]
     lsls r1, r1, #5
     bmi 3f
    2: ldr r1, [r2]
     lsls r1, r1, #5
     bpl 2b
     cpsie i
    4: cmp r4, #3
     bne 4b
     movs r0, #0
     pop {r4, pc}
    3: movs r0, #1
     pop {r4, pc}
     .ltorg
     .global SysTick_Handler
     .thumb_func
    SysTick_Handler: adds r4, #1
     bx lr
    """
    report = mcusim.run(build_source(assembly(body), "m3", suffix=".S"), core="m3", timeout_seconds=60)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)
    assert [(row.name, row.count) for row in report.exceptions] == [("SysTick", 3)]


def test_flash_that_is_programmed_and_erased_reads_as_what_it_holds(build_source):
    text = """
    #define NVMC(offset) (*(volatile unsigned *)(0x4001E000u + (offset)))
    int main(void) {
        volatile unsigned *page = (volatile unsigned *)0x80000;
        page[1] = 5;
        if (page[1] != 0xFFFFFFFFu) return 1;
        NVMC(0x504) = 1;
        for (unsigned i = 0; i < 4; i++) page[i] = i;
        if (page[0] != 0 || page[3] != 3) return 2;
        page[3] = 0xFFFFFFF5u;
        if (page[3] != 1) return 3;
        NVMC(0x504) = 2;
        NVMC(0x508) = 0x80000;
        return page[0] == 0xFFFFFFFFu && page[3] == 0xFFFFFFFFu ? 0 : 4;
    }
    """
    report = mcusim.run(build_source(text, "m4", layout=NRF52840), board="nano-33-ble")
    assert (report.exit.reason, report.exit.code) == ("exit", 0)


def stumbling(loads: int) -> str:
    """A program of two rounds of ``loads`` loads that fault, one after the other; sums in between."""
    handler = """
    .global HardFault_Handler
    .thumb_func
    HardFault_Handler: ldr r1, [sp, #24]
     adds r1, #2
     str r1, [sp, #24]
     bx lr
    """
    body = f"""
     push {{r4, r5, lr}}
     ldr r4, ={TAKES_NO_STORE}
     movs r5, #0
     movs r3, #2
     b 1f
     .ltorg
    1:
     .rept {loads}
     ldrb r0, [r4, #1]
     adds r5, #1
     .endr
     subs r3, #1
     beq 2f
     ldr r0, =1b + 1
     bx r0
    2: ldr r0, ={2 * loads}
     subs r0, r5, r0
     pop {{r4, r5, pc}}
     .ltorg
    """
    return assembly(body) + handler


def finished(elf, core: str) -> Machine:
    """A machine that has run ``elf``."""
    board = boards.load(core)
    machine = Machine(programs.load(elf), board, core_of(board), Options())
    machine.run()
    return machine


@pytest.mark.parametrize("core", ["m0", "m3", "m7", "m33"])
def test_code_that_faults_at_each_instruction_is_not_looked_at_again_to_the_end_of_its_page(build_source, core, monkeypatch):
    elf = build_source(stumbling(300), core, suffix=".S")
    cut = finished(elf, core)
    monkeypatch.setattr(stumbles, "ALLOWED", 1 << 30)
    whole = finished(elf, core)
    looked_at, looked_at_whole = (
        sum(len(record.block.instructions) for record in machine.recorder.blocks.records.values()) for machine in (cut, whole)
    )
    assert 4 * looked_at < looked_at_whole
    for machine in (cut, whole):
        assert machine.finish is not None
        assert (machine.finish.reason, machine.finish.code) == ("exit", 0)
        assert machine.exception_counts[3].count == 600
    assert (cut.recorder.cycles, cut.instruction_count()) == (whole.recorder.cycles, whole.instruction_count())


@pytest.mark.parametrize(("cut", "long", "allowed"), [(3, 0, -1), (1, 0, -1), (16, 8, 100)])
@pytest.mark.parametrize("source", ["nvic.c", "systick.c", "scheduler.c", "faults.c", "memory_functions.c", "recursion.c"])
def test_wherever_blocks_are_cut_a_program_takes_the_same_time(build, source, cut, long, allowed, monkeypatch):
    elf = build(source, "m4")
    whole = finished(elf, "m4")
    for name, value in (("CUT", cut), ("LONG", long), ("ALLOWED", allowed)):
        monkeypatch.setattr(stumbles, name, value)
    pieces = finished(elf, "m4")
    assert pieces.finish == whole.finish
    assert (pieces.recorder.cycles, pieces.instruction_count()) == (whole.recorder.cycles, whole.instruction_count())


def test_a_conditional_store_of_a_floating_point_register_to_flash_faults(build_source):
    enable = " ldr r0, =0xE000ED88\n ldr r1, =0x00F00000\n str r1, [r0]\n dsb\n isb\n"
    store = " ldr r0, =0x80000\n vmov s0, r0\n cmp r0, r0\n itt eq\n vstreq s0, [r0]\n addeq r0, #1"
    elf = build_source(".fpu fpv4-sp-d16\n" + assembly(enable + store), "m4", suffix=".S", layout=NRF52840)
    report = mcusim.run(elf, board="nano-33-ble")
    assert report.fault is not None
    assert report.fault.data_address == 0x80000
