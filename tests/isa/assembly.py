"""Assembly in tests: rows carry source and machine code, so that they run without an assembler; one test compares the
two."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import Block, Instruction

ASSEMBLER = shutil.which("arm-none-eabi-as")
ADDRESS = 0x8000
"""Where the code of a row lies unless it says otherwise."""

CPUS = {
    "m0": ("cortex-m0", ""), "m0plus": ("cortex-m0plus", ""), "m3": ("cortex-m3", ""),
    "m4": ("cortex-m4", "fpv4-sp-d16"),
    "m7": ("cortex-m7", "fpv5-d16"), "m33": ("cortex-m33", "fpv5-sp-d16"),
}  # fmt: skip


def code_of(words: str) -> bytes:
    """Bytes of halfwords as the manuals write them: ``"6808 f8d1 2004"``."""
    return b"".join(int(word, 16).to_bytes(2, "little") for word in words.split())


def words_of(code: bytes) -> str:
    """The inverse of ``code_of``."""
    return " ".join(f"{code[at] | code[at + 1] << 8:04x}" for at in range(0, len(code), 2))


def block_of(words: str, address: int = ADDRESS) -> Block:
    """Block of machine code in hexadecimal."""
    code = code_of(words)
    return decode_block(lambda at, size: code[at - address : at - address + size], address, len(code))


def instruction_of(words: str, address: int = ADDRESS) -> Instruction:
    """The first instruction of machine code in hexadecimal."""
    return block_of(words, address).instructions[0]


def assemble(sources: list[str], core: str, folder: Path) -> list[str]:
    """Machine code of each source (statements separated by ``;``), assembled in one go."""
    cpu, fpu = CPUS[core]
    text = [".syntax unified", ".thumb"]
    for number, source in enumerate(sources):
        text += [f".section .row{number}, \"ax\", %progbits", *source.replace(";", "\n").splitlines()]
    (folder / "rows.s").write_text("\n".join(text) + "\n")
    options = [f"-mcpu={cpu}", *([f"-mfpu={fpu}"] if fpu else [])]
    assert ASSEMBLER is not None
    subprocess.run([ASSEMBLER, *options, "rows.s", "-o", "rows.o"], cwd=folder, check=True, capture_output=True)
    return [words_of(section(folder / "rows.o", f".row{number}")) for number in range(len(sources))]


def section(path: Path, name: str) -> bytes:
    """Contents of one section of an object file."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        found = ELFFile(file).get_section_by_name(name)
        return bytes(found.data())
