"""Programs from real compilers, compared with what pyelftools reads."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from kernels_c.toolchain import find_compiler
from mcusim import program
from mcusim.errors import McusimError

SOURCE = """
int counter = 7;
static int table[5];
const char text[] = "text";
__attribute__((noinline)) int twice(int value) { return 2 * value + counter; }
int main(void) { table[0] = twice(text[1]); return table[0]; }
"""


def available(name: str) -> bool:
    try:
        find_compiler(name)
    except (McusimError, Exception):
        return False
    return True


@pytest.fixture(scope="module", params=["gcc", "zig"])
def compiled(request, build_source) -> Path:
    if not available(request.param):
        pytest.skip(f"{request.param} is not installed")
    return build_source(SOURCE, "m4", flags=["-O1", "-g"], compiler_name=request.param)


def test_segments_agree_with_pyelftools(compiled):
    loaded = program.load(compiled)
    twin = ELFFile(io.BytesIO(compiled.read_bytes()))
    segments = [each for each in twin.iter_segments("PT_LOAD") if each["p_memsz"]]
    assert [(each.address, each.virtual_address, each.memory_size, each.data) for each in loaded.segments] == [
        (each["p_paddr"], each["p_vaddr"], each["p_memsz"], each.data()) for each in segments
    ]


def test_functions_and_objects_agree_with_pyelftools(compiled):
    loaded = program.load(compiled)
    symbols = ELFFile(io.BytesIO(compiled.read_bytes())).get_section_by_name(".symtab").iter_symbols()
    kinds = {"STT_FUNC": "function", "STT_OBJECT": "object"}
    expected = {
        (each.name, each["st_value"] & (~1 if each["st_info"]["type"] == "STT_FUNC" else ~0), each["st_size"], kind)
        for each in symbols
        if (kind := kinds.get(each["st_info"]["type"])) and each["st_shndx"] != "SHN_UNDEF"
    }
    found = {(each.name, each.address, each.size, each.kind) for each in loaded.symbols if each.kind != "label"}
    assert found == expected
    assert ("twice", "function") in {(name, kind) for name, _, _, kind in found}


def test_sections_that_occupy_memory_agree_with_pyelftools(compiled):
    loaded = program.load(compiled)
    twin = ELFFile(io.BytesIO(compiled.read_bytes()))
    expected = {
        (each.name, each["sh_addr"], each["sh_size"])
        for each in twin.iter_sections()
        if each["sh_flags"] & 2 and each["sh_size"]
    }
    assert {(each.name, each.address, each.size) for each in loaded.sections} == expected
    data = next(each for each in loaded.sections if each.name == ".data")
    assert data.load_address != data.address and loaded.read(data.load_address, 4) == b"\x07\0\0\0"


def test_program_starts_at_its_reset_handler(compiled):
    loaded = program.load(compiled)
    symbol, offset = loaded.symbol_at(loaded.entry)
    assert (symbol.name, offset) == ("Reset_Handler", 0)
    assert loaded.vector_table.reset == loaded.entry | 1


def test_lines_point_into_the_source(compiled):
    loaded = program.load(compiled)
    twice = loaded.symbols_named("twice")[0]
    lines = {loaded.line_at(address) for address in range(twice.address, twice.address + 4, 2)}
    assert {line for _, line in lines} == {5}
    assert all(Path(file).suffix == ".c" for file, _ in lines)
    assert loaded.line_at(0x2000_0000) is None
    assert loaded.lines.problem == ""


def sequences(image: bytes) -> list[list[tuple[int, int]]]:
    """Rows (address, line) of all line programs as pyelftools decodes them, sequence by sequence."""
    dwarf = ELFFile(io.BytesIO(image)).get_dwarf_info()
    found: list[list[tuple[int, int]]] = [[]]
    for unit in dwarf.iter_CUs():
        states = [entry.state for entry in dwarf.line_program_for_CU(unit).get_entries() if entry.state is not None]
        for state in states:
            if state.end_sequence:
                found.append([])
            else:
                found[-1].append((state.address, state.line))
    return [rows for rows in found if rows]


def test_lines_agree_with_pyelftools_at_every_row(compiled):
    """Of several rows at one address the last counts; sequences at address 0 belong to dropped functions."""
    loaded = program.load(compiled)
    kept = [rows for rows in sequences(compiled.read_bytes()) if rows[0][0] != 0]
    expected = {address: line for rows in kept for address, line in rows}
    found = {address: loaded.line_at(address) for address in expected}
    assert expected
    assert {address: line[1] if line else 0 for address, line in found.items()} == expected


def test_file_without_debug_information_has_no_lines(build_source):
    loaded = program.load(build_source(SOURCE, "m4", flags=["-O1", "-g0"]))
    main = loaded.symbols_named("main")[0]
    assert loaded.line_at(main.address) is None or loaded.lines.problem == ""


def test_damaged_line_table_costs_the_lines_and_nothing_else(compiled, tmp_path):
    image = bytearray(compiled.read_bytes())
    section = ELFFile(io.BytesIO(bytes(image))).get_section_by_name(".debug_line")
    start, size = section["sh_offset"], section["sh_size"]
    image[start : start + size] = b"\xa5" * size
    (tmp_path / "damaged.elf").write_bytes(image)
    loaded = program.load(tmp_path / "damaged.elf")
    assert loaded.line_at(loaded.entry) is None
    assert "damaged" in loaded.lines.problem or "no line information" in loaded.lines.problem
