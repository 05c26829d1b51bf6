"""Images made of random instructions, with gadgets that go to where simulators break."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from tests.fuzz.encodings import IT, halfwords, instruction

VECTORS = 48
PATHS = (
    b":tt", b"f", b"folder/f", b"../canary", b"../../canary", b"/etc/hostname", b"link", b"link/canary", b"out/x", b".", b"",
    b"..", b"folder", b"f\0/../../canary", b"\xff\xfe", b"a" * 300, b"folder/../../canary", b"/proc/self/mem", b"./f",
    b"x" * 5000,
)  # fmt: skip
SYSTEM_REGISTERS = (
    0xE000E010, 0xE000E014, 0xE000E018, 0xE000E100, 0xE000E104, 0xE000E180, 0xE000E200, 0xE000E280, 0xE000E300, 0xE000E400,
    0xE000E404, 0xE000ED00, 0xE000ED04, 0xE000ED08, 0xE000ED0C, 0xE000ED10, 0xE000ED14, 0xE000ED18, 0xE000ED1C, 0xE000ED20,
    0xE000ED24, 0xE000ED28, 0xE000ED2C, 0xE000ED38, 0xE000ED88, 0xE000ED90, 0xE000ED94, 0xE000ED98, 0xE000ED9C, 0xE000EDA0,
    0xE000EDFC, 0xE000EF00, 0xE000EF34, 0xE000EF38, 0xE000EF50, 0xE000EF5C, 0xE0001000, 0xE0001004, 0xE0001008, 0xE000100C,
    0xE0001010, 0xE0001014, 0xE0001018, 0xE0000000, 0xE0000004, 0xE0000E00, 0xE0000E80, 0xE0000FB0, 0xE0002000, 0xE0040000,
    0xE0042000, 0xE00FFFFC, 0xE00FF000, 0xE000E000, 0xE000E004, 0xE000E008, 0xE000EF90, 0xE000EDFA, 0xE000E011,
)  # fmt: skip
VALUES = (
    0, 1, 2, 3, 4, 5, 7, 0xFF, 0x100, 0xFFFF, 0x10000, 0x05FA0004, 0x05FA0700, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000000,
    0x04000000, 0x00F00000, 0x00070000, 0x01000000, 0x003F0001, 0x18, 0x200, 0x30000, 0xC0000000,
)  # fmt: skip
EXCEPTION_RETURNS = (0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD, 0xFFFFFFE1, 0xFFFFFFE9, 0xFFFFFFED, 0xFFFFFFBC, 0xFFFFFFB8, 0xFEFFFFFF)
SPECIAL_NUMBERS = (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 0x88, 0x89, 0x90, 0x94, 255)
GO_ON = bytes.fromhex(  # a fault handler: go on two bytes behind the fault, or at ``again`` from outside of the image
    "7046"  # mov r0, lr
    "4007"  # lsls r0, r0, #29
    "02d4"  # bmi 1f
    "eff30880"  # mrs r0, msp
    "01e0"  # b 2f
    "eff30980"  # 1: mrs r0, psp
    "8169"  # 2: ldr r1, [r0, #24]
    "0231"  # adds r1, #2
    "044a"  # ldr r2, base
    "8b1a"  # subs r3, r1, r2
    "044a"  # ldr r2, size
    "9342"  # cmp r3, r2
    "00d3"  # blo 3f
    "0449"  # ldr r1, again
    "8161"  # 3: str r1, [r0, #24]
    "7047"  # bx lr
    "00bf00bf"  # nop, nop
)  # fmt: skip
NOP, BRANCH_OVER = b"\x00\xbf", b"\x01\xe0"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie on a board: ``base`` of the image, the main RAM, and some register blocks."""

    base: int
    ram: int
    ram_end: int
    registers: tuple[int, ...] = ()


class Stream:
    """Code under construction at ``places.base``; ``chance`` decides everything."""

    def __init__(self, chance: random.Random, places: Places) -> None:
        self.chance, self.places = chance, places
        self.code = bytearray(4 * VECTORS)
        self.code += GO_ON
        self.handler_words = len(self.code)
        self.code += bytes(12)
        self.blocks = self._parameter_blocks()
        if len(self.code) % 4:
            self.code += NOP
        self.start = self.here

    @property
    def here(self) -> int:
        return self.places.base + len(self.code)

    def _parameter_blocks(self) -> list[int]:
        """Addresses of parameter blocks for semihosting: a name and its length, and hostile ones."""
        names = []
        for path in PATHS:
            names.append((self.here, len(path)))
            self.code += path + b"\0" * (4 - len(path) % 4)
        blocks = []
        for _ in range(24):
            blocks.append(self.here)
            self.code += struct.pack("<4I", *self._parameters(names))
        return blocks

    def _parameters(self, names: list[tuple[int, int]]) -> tuple[int, int, int, int]:
        chance = self.chance
        name, other = chance.choice(names), chance.choice(names)
        size = chance.choice((0, 1, 16, 0x1000, 0x7FFFFFFF, 0xFFFFFFFF))
        forms = (
            (name[0], chance.randrange(14), name[1], 0),  # SYS_OPEN
            (chance.randrange(1, 6), self.address(), size, 0),  # SYS_WRITE, SYS_READ, SYS_SEEK, SYS_FLEN, SYS_CLOSE
            (chance.randrange(1, 4), chance.choice((0, 5, 0x7FFFFFFF, 0xFFFFFFFF)), 4, 0),
            (*name, *other),  # SYS_REMOVE, SYS_RENAME
            (self.address(), chance.choice(VALUES), size, chance.choice(VALUES)),
            (0x20026, chance.choice(VALUES), 0, 0),
        )
        return chance.choice(forms)

    # --- values -----------------------------------------------------------------------------------------------------
    def address(self) -> int:
        """An address worth trying: edges of memories, own code, registers, holes."""
        chance, places = self.chance, self.places
        edge = chance.choice((places.ram, places.ram_end, places.base, places.base + len(self.code), 0x22000000, 0x40000000))
        near = (edge + chance.choice((-8, -4, -2, -1, 0, 1, 2, 4, 0x20, 0x100))) & 0xFFFFFFFF
        ram = chance.randrange(places.ram, places.ram_end)
        own = places.base + chance.randrange(len(self.code) + 64)
        block = chance.choice(places.registers or (0x40000000,)) + 4 * chance.randrange(64)
        anywhere = chance.getrandbits(32)
        return chance.choice((near, ram & ~3, ram & ~3, ram, own & ~3, own, block, block, anywhere, *SYSTEM_REGISTERS[:2]))

    def value(self) -> int:
        """A number worth trying."""
        chance = self.chance
        return chance.choice(
            (chance.choice(VALUES), chance.choice(VALUES), chance.getrandbits(32), self.address(), 1 << chance.randrange(32))
        )

    # --- emitting -----------------------------------------------------------------------------------------------------
    def emit(self, *halves: int) -> None:
        for half in halves:
            self.code += half.to_bytes(2, "little")

    def load(self, register: int, value: int) -> None:
        """LDR register (R0..R7), =value, with the literal right behind it: every core has it."""
        if len(self.code) % 4:
            self.code += NOP
        self.emit(0x4800 | register << 8)
        self.code += BRANCH_OVER + struct.pack("<I", value & 0xFFFFFFFF)

    def random(self, count: int) -> None:
        for _ in range(count):
            self.code += instruction(self.chance)

    # --- gadgets ------------------------------------------------------------------------------------------------------
    def plain(self) -> None:
        self.random(self.chance.randrange(1, 12))

    def reload(self) -> None:
        for register in self.chance.sample(range(8), self.chance.randrange(1, 5)):
            self.load(register, self.value())

    def high_registers(self) -> None:
        self.load(3, self.value())
        self.emit(0x4680 | 3 << 3 | self.chance.randrange(8))

    def system_store(self) -> None:
        """A store to the private peripheral bus or, on real boards, to a peripheral."""
        chance = self.chance
        where = chance.choice((chance.choice(SYSTEM_REGISTERS), 0xE0000000 + 4 * chance.randrange(0x40000), self.address()))
        self.load(2, where)
        self.load(3, self.value())
        self.emit(chance.choice((0x6013, 0x6013, 0x6013, 0x7013, 0x8013, 0x6813, 0x7813, 0x8813)))

    def timer(self) -> None:
        """SysTick with a short period, its interrupt enabled."""
        for address, value in (
            (0xE000E014, self.chance.randrange(0, 400)),
            (0xE000E018, 0),
            (0xE000E010, self.chance.choice((3, 7, 7))),
        ):
            self.load(2, address)
            self.load(3, value)
            self.emit(0x6013)

    def pend(self) -> None:
        """Interrupts enabled and pended."""
        for address in (0xE000E100, self.chance.choice((0xE000E200, 0xE000ED04, 0xE000EF00))):
            self.load(2, address)
            self.load(3, self.chance.choice((0xFFFFFFFF, 1 << self.chance.randrange(32), 0x10000000)))
            self.emit(0x6013)

    def float_unit(self) -> None:
        self.load(2, 0xE000ED88)
        self.load(3, self.chance.choice((0x00F00000, 0x00F00000, 0xFFFFFFFF, 0, 0x00500000)))
        self.emit(0x6013)

    def semihosting(self) -> None:
        chance = self.chance
        operation = chance.choice((*range(0x20), 0x20, 0x30, 0x31, 1, 1, 1, 5, 6, 0x0E, 0x0F, 2, 5, chance.getrandbits(32)))
        self.load(0, operation)
        self.load(1, chance.choice((*self.blocks, self.value(), self.value())))
        self.emit(0xBEAB)

    def exit_soon(self) -> None:
        """An exit that is taken once the flags say so."""
        self.load(0, 0x18)
        self.load(1, 0x20026)
        self.emit(0xD000 | self.chance.randrange(14) << 8, 0xBEAB)

    def special_registers(self) -> None:
        chance = self.chance
        number, register = chance.choice(SPECIAL_NUMBERS), chance.randrange(8)
        if chance.random() < 0.5:
            self.load(register, self.value())
            self.emit(0xF380 | register, 0x8800 | number)
        else:
            self.emit(0xF3EF, 0x8000 | register << 8 | number)

    def processor_state(self) -> None:
        self.emit(0xB660 | self.chance.randrange(32))

    def waiting(self) -> None:
        self.emit(self.chance.choice((0xBF10, 0xBF20, 0xBF30, 0xBF40, 0xBF20, 0xBF30)))

    def call(self) -> None:
        self.emit(self.chance.choice((0xDF00, 0xDF01, 0xBE00, 0xBE01, 0xDE00, 0xBEAB)))

    def conditions(self) -> None:
        self.code += halfwords(IT, self.chance)
        self.random(self.chance.randrange(1, 5))

    def far_jump(self) -> None:
        """BX or BLX to an exception return, a register block, own code, RAM, or a hole."""
        chance = self.chance
        target = chance.choice(
            (chance.choice(EXCEPTION_RETURNS), 0xFFFFFF00 | chance.randrange(256), self.address() | 1, self.address())
        )
        register = chance.randrange(8)
        self.load(register, target)
        self.emit(chance.choice((0x4700, 0x4780)) | register << 3)

    def rewrite(self) -> None:
        """A store into code close by: behind, ahead, or what runs right now."""
        chance = self.chance
        self.load(2, self.here + chance.randrange(-40, 60) & ~1)
        self.load(3, int.from_bytes(instruction(chance)[:2] + instruction(chance)[:2], "little"))
        self.emit(chance.choice((0x8013, 0x6013, 0x7013)))
        self.random(chance.randrange(4))

    def loop(self) -> None:
        """A counted loop around random code: what runs often takes the fast ways."""
        chance = self.chance
        self.emit(0x2600 | chance.choice((3, 20, 200)))
        begin = len(self.code)
        self.random(chance.randrange(1, 8))
        self.emit(0x3E01)
        back = (begin - len(self.code) - 4) >> 1
        self.emit(0xD100 | back & 0xFF)

    def stack(self) -> None:
        chance = self.chance
        self.emit(chance.choice((0xB400, 0xBC00, 0xB500, 0xBD00)) | chance.getrandbits(8))

    def recursion(self) -> None:
        """BL to own code behind or ahead."""
        offset = self.chance.randrange(-64, 64) & 0x7FFFFF
        self.emit(0xF000 | (0x400 if offset >> 22 & 1 else 0) | offset >> 11 & 0x3FF, 0xF800 | offset & 0x7FF)

    GADGETS = (
        plain, plain, plain, reload, reload, high_registers, system_store, system_store, timer, pend, float_unit, semihosting,
        semihosting, exit_soon, special_registers, processor_state, waiting, call, conditions, conditions, far_jump, rewrite,
        loop, loop, stack, recursion,
    )  # fmt: skip

    # --- the image ------------------------------------------------------------------------------------------------------
    def _vectors(self) -> bytes:
        chance, places = self.chance, self.places
        skip = places.base + 4 * VECTORS | 1
        good_stack = places.ram_end - 8 * chance.randrange(1, 64)
        stack = good_stack if chance.random() < 0.95 else chance.choice((self.address(), places.ram + 16, 0, places.base + 256))
        wild = (self.start | 1, self.address(), self.address() | 1, places.base + len(self.code) - 2 | 1, 0, 0xFFFFFFFF)
        tame = chance.random() < 0.7
        handlers = [skip if tame or chance.random() < 0.5 else chance.choice(wild) for _ in range(VECTORS - 2)]
        return struct.pack(f"<{VECTORS}I", stack & 0xFFFFFFFF, self.start | 1, *handlers)

    def image(self, gadgets: int) -> bytes:
        """The whole image: vectors, data, ``gadgets`` gadgets, and a loop back to the first."""
        self.reload()
        for _ in range(gadgets):
            self.chance.choice(self.GADGETS)(self)
        self.load(7, self.start | 1)
        self.emit(0x4738)
        self.code[: 4 * VECTORS] = self._vectors()
        again = self.start + 2 * self.chance.randrange((len(self.code) - (self.start - self.places.base)) // 2)
        struct.pack_into("<3I", self.code, self.handler_words, self.places.base, len(self.code), again)
        return bytes(self.code)
