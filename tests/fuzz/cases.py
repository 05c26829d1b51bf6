"""Images by name: ``stream/m4/17`` is always the same bytes, run with the same options."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mcusim import boards
from tests.fuzz.streams import VECTORS, Places, Stream
from tests.support.firmware import build_firmware

CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")
REAL_BOARDS = (
    "nucleo-l4r5zi", "nucleo-h743zi", "nucleo-u575zi-q", "nucleo-g0b1re", "nucleo-f746zg", "nano-33-ble", "frdm-mcxn947",
    "raspberry-pi-pico", "raspberry-pi-pico-2", "stm32f4discovery", "nucleo-u385rg-q", "nucleo-h7a3zi-q", "nrf5340-dk",
)  # fmt: skip
FIRMWARE = (
    "calls.c", "cycle_counter.c", "faults.c", "itm.c", "memory_functions.c", "mpu.c", "nvic.c", "recursion.c", "reset.c",
    "scheduler.c", "semihosting.c", "sleep.c", "systick.c", "vector_table.c", "bit_band.c",
)  # fmt: skip
FIRMWARE_V6M = (
    "calls.c",
    "faults_v6m.c",
    "memory_functions.c",
    "nvic.c",
    "recursion.c",
    "reset.c",
    "systick.c",
    "vector_table.c",
)
IDEAL_BASES = (0x00000000, 0x08000000, 0x20000000, 0x20000000, 0x10000000)
LIMITS_INSTRUCTIONS = (1_000, 2_000, 5_000, 20_000)
LIMIT_SIMULATED_SECONDS = 1.0
BOOT_SIZE = 256
"""Second-stage boot of RP2040, its checksum included (RP2040 datasheet, 2.8.1.3.1)."""


@dataclass(frozen=True)
class Case:
    """One image and how to run it; ``options`` are arguments of ``mcusim.run``."""

    name: str
    image: bytes
    suffix: str
    options: dict[str, Any] = field(default_factory=dict)
    opens_directory: bool = False


def case(name: str) -> Case:
    """The case of a name ``kind/board/seed``."""
    kind, board, _seed = name.split("/")
    chance = random.Random(name)
    image, suffix, options = KINDS[kind](board, chance)
    options |= {"board": board, "max_instructions": chance.choice(LIMITS_INSTRUCTIONS), "max_seconds": LIMIT_SIMULATED_SECONDS}
    options |= {"strict": chance.random() < 0.05, "trace": chance.random() < 0.1}
    if chance.random() < 0.1:
        options |= {"until": chance.choice((b"a", b"\0", b"passed")), "send": ((b"", b"x\n"), (b"a", b"hello"))}
    return Case(name, image, suffix, options, opens_directory=chance.random() < 0.5)


def names(kinds: dict[str, tuple[str, ...]], count: int, first: int = 0) -> list[str]:
    """``count`` names, turn by turn from each kind and each of its boards."""
    rounds = [(kind, board) for kind, places in kinds.items() for board in places]
    return [
        f"{kind}/{board}/{first + number // len(rounds)}"
        for number in range(count)
        for kind, board in [rounds[number % len(rounds)]]
    ]


# --- kinds ------------------------------------------------------------------------------------------------------------
def noise(board: str, chance: random.Random) -> tuple[bytes, str, dict[str, Any]]:
    """A valid vector table before random bytes."""
    places = places_of(board, chance)
    table = [places.ram_end, *(places.base + 4 * VECTORS + 2 * chance.randrange(64) + 1 for _ in range(VECTORS - 1))]
    image = struct.pack(f"<{VECTORS}I", *table) + chance.randbytes(chance.randrange(16, 4096))
    return raw(board, image, places)


def stream(board: str, chance: random.Random) -> tuple[bytes, str, dict[str, Any]]:
    """Valid instructions with random operands, see ``streams``."""
    places = places_of(board, chance)
    return raw(board, Stream(chance, places).image(chance.randrange(2, 60)), places)


def mutant(board: str, chance: random.Random) -> tuple[bytes, str, dict[str, Any]]:
    """Firmware of ours with bits, bytes or words of it changed: mostly in its code, now and then in its headers."""
    image = bytearray(firmware(chance.choice(FIRMWARE_V6M if board in ("m0", "m0plus") else FIRMWARE), board))
    header = struct.unpack_from("<I", image, 28)[0]
    offset, _, _, size = struct.unpack_from("<4I", image, header + 4)
    code = (offset, max(min(offset + size, len(image) - 4), offset + 1))
    spans = (code, code, code, code, (16, 120), (0, len(image) - 4))
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(*chance.choice(spans))
        if chance.random() < 0.6:
            image[place] ^= 1 << chance.randrange(8)
        else:
            size = chance.choice((1, 2, 4))
            image[place : place + size] = chance.choice((chance.randbytes(size), b"\0" * size, b"\xff" * size))
    return bytes(image), ".elf", {}


def boot(board: str, chance: random.Random) -> tuple[bytes, str, dict[str, Any]]:
    """What boot ROMs read before the image: an RP2350 block of random items, or an i.MX RT image vector table."""
    flash = next(memory for memory in load_board(board).memories if memory.kind == "external")
    image = bytearray(chance.choice((b"\0", b"\xff")) * 0x3000)
    struct.pack_into("<2I", image, 0, 0x20001000, flash.address + 0x401)
    for _ in range(chance.randrange(1, 4)):
        block = struct.pack("<I", 0xFFFFDED3)
        for _ in range(chance.randrange(6)):
            kind, size = chance.choice((0x42, 0x03, 0x44, 0xFF, 0xC2, 0x83, chance.randrange(256))), chance.randrange(5)
            block += bytes((kind, size, 0, chance.randrange(256))) + chance.randbytes(4 * max(size - chance.randrange(2), 0))
        place = 4 * chance.randrange(0x400)
        image[place : place + len(block)] = block
    target = flash.address + chance.randrange(len(image))
    struct.pack_into("<8I", image, 0x1000, 0x412000D1, chance.choice((target, target & ~3, chance.getrandbits(32))), *[0] * 6)
    image[0x400:0x500] = chance.randbytes(0x100)
    return bytes(image[: chance.choice((len(image), chance.randrange(8, len(image))))]), ".bin", {"load_address": flash.address}


KINDS = {"noise": noise, "stream": stream, "mutant": mutant, "boot": boot}
PLAN = {
    "stream": CORES * 2 + REAL_BOARDS, "mutant": CORES, "noise": CORES + REAL_BOARDS[:6],
    "boot": ("raspberry-pi-pico-2", "teensy-4.0", "raspberry-pi-pico"),
}  # fmt: skip
"""What a sweep runs, turn by turn."""


# --- places -----------------------------------------------------------------------------------------------------------
def raw(board: str, image: bytes, places: Places) -> tuple[bytes, str, dict[str, Any]]:
    """A raw image with its load address; RP2040 gets a second-stage boot that goes on behind itself."""
    if board == "raspberry-pi-pico" and places.base == 0x10000000 + BOOT_SIZE:
        return rp2040_boot(places.base) + image, ".bin", {"load_address": 0x10000000}
    return image, ".bin", {"load_address": places.base, "vector_table": places.base}


def rp2040_boot(table: int) -> bytes:
    """A second-stage boot that loads SP and PC from the vector table, with the checksum that the ROM checks."""
    code = bytes.fromhex(
        "0248"  # ldr r0, [pc, #8]
        "02c8"  # ldm r0!, {r1}
        "8d46"  # mov sp, r1
        "02c8"  # ldm r0!, {r1}
        "0847"  # bx r1
        "00bf"  # nop
    ) + struct.pack("<I", table)
    code = code.ljust(BOOT_SIZE - 4, b"\0")
    return code + struct.pack("<I", rp2040_checksum(code))


def rp2040_checksum(data: bytes) -> int:
    """CRC-32 with polynomial 0x04C11DB7, not reflected, initially all ones (RP2040 datasheet, 2.8.1.3.1)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value >> 31 else value << 1) & 0xFFFFFFFF
    return value


def places_of(name: str, chance: random.Random) -> Places:
    """Where an image for board ``name`` goes."""
    board = load_board(name)
    if board.ideal:
        base = chance.choice(IDEAL_BASES)
        return Places(base, 0x20000000, 0x20100000 if base != 0x20000000 else 0x20080000)
    flash = next(memory for memory in board.memories if memory.kind in ("flash", "external"))
    ram = next(memory for memory in board.memories if memory.kind in ("ram", "tcm") and memory.address >= 0x20000000)
    base = flash.address + (BOOT_SIZE if name == "raspberry-pi-pico" else 0)
    if name.startswith("nucleo") and chance.random() < 0.3:
        base = ram.address
    return Places(base, ram.address, ram.address + ram.size, tuple(spec.address for spec in board.peripherals))


@cache
def load_board(name: str) -> boards.Board:
    return boards.load(name)


@cache
def firmware(source: str, core: str) -> bytes:
    """One of ours from tests/firmware, as ELF."""
    return Path(build_firmware(source, core)).read_bytes()
