"""Programs that walk through memory, for stalls that can be worked out by hand.

The fragments keep their constants in instructions, where the core has MOVT, so that no literal is read from flash.
"""

from __future__ import annotations

from kernels_c.toolchain import Layout
from mcusim import boards
from mcusim import program as programs
from mcusim.machine.machine import Machine, Options
from mcusim.run import core_of
from tests.support.boards import KIB, PLACES, Place
from tests.support.firmware import build_text

START = ".syntax unified\n.thumb\n.text\n.global main\n.thumb_func\nmain:\n push {r4-r7, lr}\n"
END = " movs r0, #0\n pop {r4-r7, pc}\n .ltorg\n"
WITHOUT_MOVT = ("m0", "m0plus")


class Walker:
    """Fragments for a core, and runs of them on its board."""

    def __init__(self, board: str, place: Place) -> None:
        self.board, self.place = board, place

    def constant(self, register: str, value: int) -> str:
        if self.place.core in WITHOUT_MOVT:
            return f" ldr {register}, ={value:#x}\n"
        return f" movw {register}, #{value & 0xFFFF}\n movt {register}, #{value >> 16}\n"

    def put(self, address: int, value: int) -> str:
        """A store of a word."""
        return f"{self.constant('r0', address)}{self.constant('r1', value)} str r1, [r0]\n dsb\n isb\n"

    def reads(self, base: int, stride: int, count: int, gap: int = 30) -> str:
        """Loads of ``count`` words ``stride`` apart, about ``gap`` cycles between them."""
        start = self.constant("r4", base) + self.constant("r6", count) + self.constant("r5", stride)
        return f"{start} b 1f\n .balign 8\n1: ldr r0, [r4]\n add r4, r5\n .rept {gap}\n nop\n .endr\n subs r6, #1\n bne 1b\n"

    def run(self, *fragments: str) -> Machine:
        """The machine that ran the fragments one after another."""
        text = START + "".join(fragments) + END
        elf = build_text(text, self.place.core, suffix=".S", layout=self.place.layout)
        chosen = boards.load(self.board)
        machine = Machine(programs.load(elf), chosen, core_of(chosen), Options(max_instructions=2_000_000))
        finish = machine.run()
        assert finish.reason == "exit", (finish, machine.warnings)
        return machine


def stalls(machine: Machine, region: str, kind: str = "read") -> int:
    """Stall cycles of one kind of access to a memory."""
    uses = machine.recorder.memory.path_uses()
    return sum(use.stall_cycles for use in uses if (use.region, use.kind) == (region, kind))


DTCM = Layout(0x08000000, 64 * KIB, 0x20000000, 64 * KIB)
LOW = Layout(0, 64 * KIB, 0x20000000, 64 * KIB)
XIP = Layout(0x10000000, 64 * KIB, 0x20000000, 64 * KIB)
OTHERS = {
    "nucleo-l4r5zi-single-bank": ("m4", DTCM), "nucleo-h743zi": ("m7", DTCM), "nucleo-h7a3zi-q": ("m7", DTCM),
    "nucleo-f746zg": ("m7", DTCM), "nano-33-ble": ("m4", LOW), "nrf5340-dk": ("m33", LOW), "frdm-mcxn947": ("m33", LOW),
    "raspberry-pi-pico": ("m0plus", XIP), "raspberry-pi-pico-2": ("m33", XIP),
    "teensy-4.0": ("m7", Layout(0x60002000, 64 * KIB, 0x20000000, 64 * KIB)),
}  # fmt: skip
WALKERS = {board: Walker(board, place) for board, place in PLACES.items()}
WALKERS |= {board: Walker(board, Place(core, layout, "", "")) for board, (core, layout) in OTHERS.items()}
WALKERS["nucleo-u385rg-q"] = Walker("nucleo-u385rg-q", PLACES["nucleo-u575zi-q"])

L4, F4, G0, F7, U5 = 0x40022000, 0x40023C00, 0x40022000, 0x40023C00, 0x40022000
"""Access control registers of flash."""
ICACHE = 0x40030400
"""Control register of the instruction cache of STM32U5 and U3."""


def set_up_xip(walker: Walker) -> str:
    """As boot2_w25q080 of the SDK: quad, one frame of 32 bits, 8 nibbles of address and mode, 4 wait cycles, divider 2."""
    values = ((0x08, 0), (0x14, 2), (0x00, 2 << 21 | 31 << 16 | 3 << 8), (0xF4, 0xA0 << 24 | 4 << 11 | 8 << 2 | 2), (0x08, 1))
    return "".join(walker.put(0x18000000 + offset, value) for offset, value in values)
