"""Fields of decoded instructions, from the encodings in the Armv7-M ARM."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from mcusim.errors import DecodeError
from mcusim.isa.decode import decode, decode_block, open_slots
from mcusim.isa.instruction import ALWAYS, Branch, Instruction, MemoryOperand, Operand
from mcusim.isa.kind import Kind
from tests.isa.assembly import block_of, code_of, instruction_of


def r(number: int, shift: str = "", amount: int = 0) -> Operand:
    return Operand("register", number, shift=shift, amount=amount)


def s(number: int) -> Operand:
    return Operand("float", number)


def d(number: int) -> Operand:
    return Operand("float", 2 * number, width=2)


def i(value: int) -> Operand:
    return Operand("immediate", value)


# machine code, mnemonic, operands, sets flags
OPERANDS: list[tuple[str, str, tuple[Operand, ...], bool]] = [
    ("0008", "mov", (r(0), r(1)), True),  # MOVS R0, R1 is LSLS #0
    ("00c8", "lsl", (r(0), r(1), i(3)), True),
    ("0808", "lsr", (r(0), r(1), i(32)), True),
    ("1008", "asr", (r(0), r(1), i(32)), True),
    ("1888", "add", (r(0), r(1), r(2)), True),
    ("1ec8", "sub", (r(0), r(1), i(3)), True),
    ("30c8", "add", (r(0), r(0), i(200)), True),
    ("28c8", "cmp", (r(0), i(200)), True),
    ("4148", "adc", (r(0), r(0), r(1)), True),
    ("4248", "rsb", (r(0), r(1), i(0)), True),  # NEGS
    ("4348", "mul", (r(0), r(1), r(0)), True),
    ("43c8", "mvn", (r(0), r(1)), True),
    ("4088", "lsl", (r(0), r(0), r(1)), True),
    ("4488", "add", (r(8), r(8), r(1)), False),
    ("4588", "cmp", (r(8), r(1)), True),
    ("4688", "mov", (r(8), r(1)), False),
    ("a902", "add", (r(1), r(13), i(8)), False),
    ("b084", "sub", (r(13), r(13), i(16)), False),
    ("b2c8", "uxtb", (r(0), r(1)), False),
    ("ba08", "rev", (r(0), r(1)), False),
    ("eb01 10c2", "add", (r(0), r(1), r(2, "lsl", 7)), False),
    ("eb11 0072", "add", (r(0), r(1), r(2, "ror", 1)), True),
    ("ea4f 0031", "rrx", (r(0), r(1)), False),
    ("ea4f 00c1", "lsl", (r(0), r(1), i(3)), False),
    ("ea4f 0011", "lsr", (r(0), r(1), i(32)), False),
    ("ea5f 0001", "mov", (r(0), r(1)), True),
    ("ea6f 0001", "mvn", (r(0), r(1)), False),
    ("ea11 0f02", "tst", (r(1), r(2)), True),
    ("ea91 0f02", "teq", (r(1), r(2)), True),
    ("ebb1 0f02", "cmp", (r(1), r(2)), True),
    ("eb11 0f02", "cmn", (r(1), r(2)), True),
    ("f04f 10ab", "mov", (r(0), i(0x00AB00AB)), False),
    ("f04f 20ab", "mov", (r(0), i(0xAB00AB00)), False),
    ("f04f 30ab", "mov", (r(0), i(0xABABABAB)), False),
    ("f04f 402b", "mov", (r(0), i(0xAB000000)), False),
    ("f481 50fe", "eor", (r(0), r(1), i(0x1FC0)), False),
    ("f201 1023", "add", (r(0), r(1), i(0x123)), False),  # ADDW
    ("f6a1 70ff", "sub", (r(0), r(1), i(0xFFF)), False),  # SUBW
    ("f241 2034", "movw", (r(0), i(0x1234)), False),
    ("f2c1 2034", "movt", (r(0), i(0x1234)), False),
    ("f3c1 00c4", "ubfx", (r(0), r(1), i(3), i(5)), False),
    ("f341 00c4", "sbfx", (r(0), r(1), i(3), i(5)), False),
    ("f361 00c7", "bfi", (r(0), r(1), i(3), i(5)), False),
    ("f36f 00c7", "bfc", (r(0), i(3), i(5)), False),
    ("f301 0007", "ssat", (r(0), i(8), r(1)), False),
    ("f3a1 00c8", "usat", (r(0), i(8), r(1, "asr", 3)), False),
    ("f321 0007", "ssat16", (r(0), i(8), r(1)), False),
    ("fa01 f002", "lsl", (r(0), r(1), r(2)), False),
    ("fa4f f091", "sxtb", (r(0), r(1, "ror", 8)), False),
    ("fa51 f0a2", "uxtab", (r(0), r(1), r(2, "ror", 16)), False),
    ("eac1 4002", "pkhbt", (r(0), r(1), r(2, "lsl", 16)), False),
    ("eac1 0022", "pkhtb", (r(0), r(1), r(2, "asr", 32)), False),
    ("fa82 f081", "qadd", (r(0), r(1), r(2)), False),  # QADD Rd, Rm, Rn
    ("fab1 f081", "clz", (r(0), r(1)), False),
    ("fa91 f0a1", "rbit", (r(0), r(1)), False),
    ("fb01 3002", "mla", (r(0), r(1), r(2), r(3)), False),
    ("fb01 3012", "mls", (r(0), r(1), r(2), r(3)), False),
    ("fba2 0103", "umull", (r(0), r(1), r(2), r(3)), False),
    ("fb91 f0f2", "sdiv", (r(0), r(1), r(2)), False),
    ("ee30 0a81", "vadd", (s(0), s(1), s(2)), False),
    ("ee31 0b02", "vadd", (d(0), d(1), d(2)), False),
    ("eeb7 0a00", "vmov", (s(0), i(0x3F800000)), False),  # 1.0
    ("eeb7 0b00", "vmov", (d(0), i(0x3FF0000000000000)), False),
    ("eeb6 0a00", "vmov", (s(0), i(0x3F000000)), False),  # 0.5
    ("eeb0 0a00", "vmov", (s(0), i(0x40000000)), False),  # 2.0
    ("ee00 0a10", "vmov", (s(0), r(0)), False),
    ("ec51 0b10", "vmov", (r(0), r(1), d(0)), False),
    ("eeb7 0ae0", "vcvt", (d(0), s(1)), False),
    ("eebd 0ae0", "vcvt", (s(0), s(1)), False),
    ("eef1 fa10", "vmrs", (Operand("special", 1),), True),
]


@pytest.mark.parametrize(("words", "mnemonic", "operands", "sets_flags"), OPERANDS)
def test_operands_are_in_normal_form(
    words: str, mnemonic: str, operands: tuple[Operand, ...], sets_flags: bool
) -> None:
    found = instruction_of(words)
    assert (found.mnemonic, found.operands, found.sets_flags) == (mnemonic, operands, sets_flags)


def bits(*registers: int) -> int:
    return sum(1 << register for register in registers)


# machine code, registers read, registers written
REGISTERS = [
    ("b510", (4, 13, 14), (13,)),  # PUSH {R4, LR}
    ("bd10", (13,), (4, 13, 15)),  # POP {R4, PC}
    ("e8bd 4030", (13,), (4, 5, 13, 14)),  # POP.W {R4, R5, LR}
    ("c906", (1,), (1, 2)),  # LDM R1, {R1, R2}: base loaded, not written back
    ("f850 1b04", (0,), (0, 1)),  # LDR R1, [R0], #4
    ("f840 1d04", (0, 1), (0,)),  # STR R1, [R0, #-4]!
    ("e841 2000", (1, 2), (0,)),  # STREX R0, R2, [R1]
    ("f000 f802", (), (14, 15)),  # BL
    ("4788", (1,), (14, 15)),  # BLX R1
    ("4770", (14,), (15,)),  # BX LR
    ("b108", (0,), (15,)),  # CBZ R0
    ("d002", (), (15,)),  # BEQ
    ("e8d0 f001", (0, 1), (15,)),  # TBB [R0, R1]
    ("f2c1 2034", (0,), (0,)),  # MOVT keeps the lower half
    ("f361 00c7", (0, 1), (0,)),  # BFI
    ("f36f 00c7", (0,), (0,)),  # BFC
    ("fbc2 0103", (0, 1, 2, 3), (0, 1)),  # SMLAL
    ("fba2 0103", (2, 3), (0, 1)),  # UMULL
    ("4687", (0,), (15,)),  # MOV PC, R0
    ("4801", (15,), (0,)),  # LDR R0, literal
    ("a001", (15,), (0,)),  # ADR
    ("ec51 0b10", (), (0, 1)),  # VMOV R0, R1, D0
    ("ecbd 8b04", (13,), (13,)),  # VPOP {D8, D9}
]


@pytest.mark.parametrize(("words", "reads", "writes"), REGISTERS)
def test_register_masks_include_implicit_registers(words: str, reads: tuple[int, ...], writes: tuple[int, ...]) -> None:
    found = instruction_of(words)
    assert (found.reads, found.writes) == (bits(*reads), bits(*writes))


# machine code, S registers read, S registers written
FLOAT_REGISTERS = [
    ("ee30 0a81", (1, 2), (0,)),
    ("ee00 0a81", (0, 1, 2), (0,)),  # VMLA reads its destination
    ("ee31 0b02", (2, 3, 4, 5), (0, 1)),
    ("ecbd 8b04", (), (16, 17, 18, 19)),
    ("eeb7 0ae0", (1,), (0, 1)),  # VCVT.F64.F32 D0, S1
    ("ee20 0b10", (), (1,)),  # VMOV.32 D0[1], R0
]


@pytest.mark.parametrize(("words", "reads", "writes"), FLOAT_REGISTERS)
def test_float_masks_count_s_registers(words: str, reads: tuple[int, ...], writes: tuple[int, ...]) -> None:
    found = instruction_of(words)
    assert (found.float_reads, found.float_writes) == (bits(*reads), bits(*writes))


MEMORY = [
    ("6848", MemoryOperand(1, 4, 4, 1, False, registers=(0,))),
    ("8048", MemoryOperand(1, 2, 2, 1, True, registers=(0,))),
    ("5e88", MemoryOperand(1, 0, 2, 1, False, index=2, signed=True, registers=(0,))),
    ("9802", MemoryOperand(13, 8, 4, 1, False, registers=(0,))),
    ("4801", MemoryOperand(15, 4, 4, 1, False, registers=(0,))),
    ("f85f 0004", MemoryOperand(15, -4, 4, 1, False, registers=(0,))),
    ("f851 0022", MemoryOperand(1, 0, 4, 1, False, index=2, shift=2, registers=(0,))),
    ("f851 0c04", MemoryOperand(1, -4, 4, 1, False, registers=(0,))),
    ("f851 0f04", MemoryOperand(1, 4, 4, 1, False, writeback=4, registers=(0,))),
    ("f851 0904", MemoryOperand(1, 0, 4, 1, False, writeback=-4, registers=(0,))),
    ("f851 0e04", MemoryOperand(1, 4, 4, 1, False, registers=(0,))),  # LDRT
    ("f991 0001", MemoryOperand(1, 1, 1, 1, False, signed=True, registers=(0,))),
    ("e9d2 0101", MemoryOperand(2, 4, 4, 2, False, registers=(0, 1))),
    ("e8e2 0101", MemoryOperand(2, 0, 4, 2, True, writeback=4, registers=(0, 1))),
    ("b510", MemoryOperand(13, -8, 4, 2, True, writeback=-8, registers=(4, 14))),
    ("bd10", MemoryOperand(13, 0, 4, 2, False, writeback=8, registers=(4, 15))),
    ("c106", MemoryOperand(1, 0, 4, 2, True, writeback=8, registers=(1, 2))),
    ("e911 000c", MemoryOperand(1, -8, 4, 2, False, registers=(2, 3))),  # LDMDB
    ("e851 0f02", MemoryOperand(1, 8, 4, 1, False, registers=(0,), exclusive=True)),
    ("e8d1 0f4f", MemoryOperand(1, 0, 1, 1, False, registers=(0,), exclusive=True)),
    ("e8d1 0faf", MemoryOperand(1, 0, 4, 1, False, registers=(0,))),  # LDA
    ("e8d0 f011", MemoryOperand(0, 0, 2, 1, False, index=1, shift=1)),  # TBH
    ("ed90 0a01", MemoryOperand(0, 4, 4, 1, False, float_registers=(0,))),
    ("ed10 1b02", MemoryOperand(0, -8, 4, 2, False, float_registers=(2, 3))),
    ("ed2d 8b04", MemoryOperand(13, -16, 4, 4, True, writeback=-16, float_registers=(16, 17, 18, 19))),
    ("ecb0 0a02", MemoryOperand(0, 0, 4, 2, False, writeback=8, float_registers=(0, 1))),
]


@pytest.mark.parametrize(("words", "memory"), MEMORY)
def test_memory_operands_cover_every_addressing_mode(words: str, memory: MemoryOperand) -> None:
    assert instruction_of(words).memory == memory


BRANCHES = [
    ("e002", Branch("jump", 0x8008), ALWAYS),
    ("e7fe", Branch("jump", 0x8000), ALWAYS),
    ("d002", Branch("conditional", 0x8008), 0),
    ("d1fd", Branch("conditional", 0x7FFE), 1),
    ("f000 8002", Branch("conditional", 0x8008), 0),
    ("f43f affe", Branch("conditional", 0x8000), 0),
    ("f7ff fffe", Branch("call", 0x8000), ALWAYS),
    ("f000 b802", Branch("jump", 0x8008), ALWAYS),
    ("b910", Branch("compare", 0x8008), ALWAYS),
    ("4770", Branch("return"), ALWAYS),
    ("4708", Branch("register"), ALWAYS),
    ("4788", Branch("call_register"), ALWAYS),
    ("4687", Branch("register"), ALWAYS),
    ("46f7", Branch("return"), ALWAYS),
    ("448f", Branch("register"), ALWAYS),
    ("bd10", Branch("load"), ALWAYS),
    ("f8d1 f000", Branch("load"), ALWAYS),
    ("e8d0 f001", Branch("table"), ALWAYS),
]


@pytest.mark.parametrize(("words", "branch", "condition"), BRANCHES)
def test_branches_know_their_kind_and_target(words: str, branch: Branch, condition: int) -> None:
    found = instruction_of(words)
    assert (found.branch, found.condition) == (branch, condition)


def test_a_branch_reaches_across_its_whole_range() -> None:
    farthest = code_of("f3ff d7ff")  # BL +0xFFFFFE
    nearest = code_of("f400 d000")  # BL -0x1000000
    assert decode(farthest, 0x08000000).branch == Branch("call", 0x08000000 + 4 + 0xFFFFFE)
    assert decode(nearest, 0x08000000).branch == Branch("call", 0x08000000 + 4 - 0x1000000)


def test_adr_gives_the_absolute_address_from_the_aligned_pc() -> None:
    assert instruction_of("a001", 0x8002).operands == (r(0), i(0x8008))
    assert instruction_of("f2af 0004", 0x8002).operands == (r(0), i(0x8000))


def test_the_cache_places_the_same_word_at_any_address() -> None:
    first, second = instruction_of("d002", 0x100), instruction_of("d002", 0x2000)
    assert (first.address, first.branch) == (0x100, Branch("conditional", 0x108))
    assert (second.address, second.branch) == (0x2000, Branch("conditional", 0x2008))
    assert first.text == "beq #0x108"


# --- IT blocks ------------------------------------------------------------------------------------------------------
def test_conditions_run_through_an_it_block() -> None:
    block = block_of("bf0b 2001 3101 2002 3102 3101")  # ITETE EQ ... and one behind it
    found = [(one.condition, one.in_it, one.sets_flags) for one in block.instructions]
    assert block.instructions[0].it_conditions == (0, 1, 1, 1) or block.instructions[0].it_conditions[0] == 0
    assert [in_it for _, in_it, _ in found] == [False, True, True, True, True, False]
    assert [flags for _, _, flags in found] == [False, False, False, False, False, True]
    assert [condition for condition, _, _ in found[1:5]] == list(block.instructions[0].it_conditions)


@pytest.mark.parametrize(
    ("words", "conditions"),
    [
        ("bf08", (0,)),  # IT EQ
        ("bf18", (1,)),  # IT NE
        ("bf04", (0, 0)),  # ITT EQ
        ("bf0c", (0, 1)),  # ITE EQ
        ("bf14", (1, 0)),  # ITE NE
        ("bfc1", (12, 12, 12, 12)),  # ITTTT GT
        ("bfcf", (12, 13, 13, 13)),  # ITEEE GT
        ("bfd2", (13, 12, 12)),  # ITEE LE
    ],
)
def test_it_lists_the_conditions_of_its_slots(words: str, conditions: tuple[int, ...]) -> None:
    assert instruction_of(words).it_conditions == conditions


def test_compares_set_flags_in_an_it_block_and_wide_instructions_follow_their_s_bit() -> None:
    assert decode(code_of("2800"), 0, (0,)).sets_flags
    assert decode(code_of("eb11 0002"), 0, (0,)).sets_flags
    assert not decode(code_of("1888"), 0, (0,)).sets_flags


def test_a_branch_in_an_it_slot_is_conditional() -> None:
    found = decode(code_of("e002"), 0x8000, (1,))
    assert (found.branch, found.condition, found.reads_flags) == (Branch("conditional", 0x8008), 1, True)


def test_text_in_an_it_slot_shows_the_condition() -> None:
    assert decode(code_of("3001"), 0, (0,)).text == "addeq r0, #1"
    assert decode(code_of("eb11 0002"), 0, (12,)).text == "addsgt.w r0, r1, r2"
    assert decode(code_of("e002"), 0x8000, (1,)).text == "bne #0x8008"


def test_a_block_can_begin_and_end_inside_an_it_block() -> None:
    code = code_of("3001 3101")
    block = decode_block(lambda at, size: code[at : at + size], 0, 4, (0, 0, 1))
    assert [one.condition for one in block.instructions] == [0, 0]
    assert open_slots(block.instructions[0], (0, 0, 1)) == (0, 1)


# --- what is no instruction -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "size"),
    [("de01", 2), ("f7f0 a000", 4), ("b600", 2), ("eff0 0000", 4), ("f800 f000", 4), ("bff8", 2), ("c900", 2)],
)
def test_words_that_are_no_instruction_are_undefined_with_their_size(words: str, size: int) -> None:
    found = instruction_of(words)
    assert (found.size, found.kind) == (size, Kind.UNDEFINED)


def test_no_word_makes_the_decoder_raise() -> None:
    choice = random.Random(20)
    words = [choice.randrange(1 << 32) | 0xE800 << 16 for _ in range(30_000)]
    sizes = {decode(code_of(f"{word >> 16:04x} {word & 0xFFFF:04x}"), 0).size for word in words}
    narrow = {decode(word.to_bytes(2, "little"), 0).size for word in range(0xE800)}
    assert (sizes, narrow) == ({4}, {2})


def test_code_that_ends_inside_an_instruction_is_an_error() -> None:
    with pytest.raises(DecodeError, match="0x00000010"):
        decode(code_of("f000"), 0x10)


def test_a_block_reads_on_to_finish_its_last_instruction() -> None:
    code = code_of("2001 f000 f802")
    block = decode_block(lambda at, size: code[at - 0x100 : at - 0x100 + size], 0x100, 4)
    assert [one.mnemonic for one in block.instructions] == ["mov", "bl"]
    assert block.end == 0x106


def test_decoding_twice_gives_equal_instructions() -> None:
    one, two = instruction_of("f851 0f04"), instruction_of("f851 0f04")
    assert one == two
    assert isinstance(one, Instruction)
    assert replace(one, address=0) == replace(two, address=0)
