"""From a network to an ELF for a board."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from kernels_c.toolchain import Compiler, Layout, ToolchainError, find_compiler
from mcusim.boards import Board
from mcusim.deploy.arrangement import Arrangement, Making, fitting, moved, settled, smallest
from mcusim.deploy.buffers import Memory, PlanError
from mcusim.deploy.firmware import Firmware, TooLarge, sizes_of, taken_bytes
from mcusim.deploy.generate import Sources, generate
from mcusim.deploy.kernels import Kernels
from mcusim.deploy.layout import Support, arena_memories, support_of, with_joined
from mcusim.deploy.library import Recipe, kernel_includes, kernel_sources, objects, system_sources
from mcusim.deploy.lower import lower
from mcusim.deploy.placement import FLASH, IN_FLASH, RAM, Placement
from mcusim.deploy.promises import promises
from mcusim.deploy.scratch import TargetSizes, sizes_on_target
from mcusim.errors import BoardError
from mcusim.network import Network

MODEL_SOURCES = ("network.c", "main.c")
OPTIMISE = "-O2"
ROOM_BYTES = 0x1000_0000
"""A memory in which any network has room; no address matters where only sizes are asked for."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How firmware is built. ``compiler``: ``"gcc"``, ``"zig"`` or "" for the first one found. ``optimise``: ``"-O2"``...

    ``cmsis_nn``: root of a checkout of CMSIS-NN whose kernels are used instead of ours. ``marks``: count cycles by layer.
    ``memories``: what the arena may be put in, banks of the board by name, filled in this order; () for the main RAM, and the
    others of the board where that is too small. ``arena_limit_bytes``: what the arena may take, None for all that there is.
    ``smallest``: the smallest arena that can be found, whatever it costs. In all memories together, an arena is no larger.
    ``sparse``: when layers keep only weights that are not zero, a key of ``mcusim.deploy.sparse_choice.POLICIES``.
    """

    compiler: str = ""
    optimise: str = OPTIMISE
    cmsis_nn: Path | None = None
    marks: bool = True
    placement: Placement = IN_FLASH
    memories: tuple[str, ...] = ()
    stack_bytes: int = Layout.stack_bytes
    arena_limit_bytes: int | None = None
    smallest: bool = False
    sparse: str = "auto"
    defines: Mapping[str, object] = field(default_factory=dict, hash=False)

    def kernels(self, core: str) -> Kernels:
        """The kernels for a core."""
        return Kernels(core, self.cmsis_nn, self.sparse)


USUAL = BuildOptions()


def sources_of(network: Network, board: Board, options: BuildOptions = USUAL) -> Sources:
    """The C of a network for a board: lowered, planned, written.

    Where it needs more memory than there is, or than ``options`` allow, it is rewritten in the cheapest way that suffices;
    ``Sources.arrangement`` says how. Where none does, the smallest arena is told: by PlanError if ``options`` do not allow it,
    else by what ``build_sources`` raises.
    """
    return written(arranged(network, board, options), board, options)


def written(arrangement: Arrangement, board: Board, options: BuildOptions) -> Sources:
    """The C of an arrangement."""
    return generate(arrangement, options.kernels(board.core), options.placement)


def arranged(network: Network, board: Board, options: BuildOptions = USUAL) -> Arrangement:
    """The form in which a network is built for a board, and where its tensors lie."""
    making, support = making_for(board, options), support_for(board, options)
    memories = arena_memories(board, support.layout, options.memories, options.placement.memories)

    def settle(arrangement: Arrangement) -> Arrangement | None:
        if _too_long(arrangement, options) or settled(arrangement, memories) is None:
            return None
        found = settled(arrangement, left_over(arrangement, memories, board, options))
        return None if found is None or _too_long(found, options) else found

    room = min(sum(memory.size_bytes or 0 for memory in memories), options.arena_limit_bytes or ROOM_BYTES)
    if not options.smallest and (fit := fitting(network, making, settle, room)):
        return fit
    least = smallest(network, making)
    if _too_long(least, options):
        found, allowed = least.plan.total_bytes, options.arena_limit_bytes
        raise PlanError(f"{network.name}: the smallest arena found has {found:,} bytes; allowed are {allowed:,}")
    return settle(least) or replace(least, plan=moved(least.plan, memories[0].name))


def _too_long(arrangement: Arrangement, options: BuildOptions) -> bool:
    return options.arena_limit_bytes is not None and arrangement.plan.total_bytes > options.arena_limit_bytes


def making_for(board: Board, options: BuildOptions) -> Making:
    """How networks become calls of the kernels for a board."""
    kernels, answers = options.kernels(board.core), answers_for(board, options)
    return Making(
        lambda network: lower(network, kernels, answers),
        lambda steps: promises(steps, answers.ask) if kernels.own else {},
    )


def answers_for(board: Board, options: BuildOptions) -> TargetSizes:
    """What the kernels for a board say about their scratch memory, and about their order of reading and writing."""
    compiler, support, kernels = find_compiler(options.compiler), support_for(board, options), options.kernels(board.core)
    return sizes_on_target(kernel_recipe(support, kernels, options), compiler, sorted(kernels.functions | kernels.walks))


SPARE_BYTES, SPARE_BYTES_OF_LAYER = 4096, 64
"""More than all data of a program that is neither arena nor weights; a mark takes 40 bytes."""


def left_over(arrangement: Arrangement, memories: Sequence[Memory], board: Board, options: BuildOptions) -> Sequence[Memory]:
    """``memories`` less what else a program keeps there. It is built to know, unless there is room enough in the first one."""
    spare = SPARE_BYTES + SPARE_BYTES_OF_LAYER * len(arrangement.steps)
    first = memories[0]
    if options.placement == IN_FLASH and arrangement.plan.total_bytes + spare <= (first.size_bytes or 0):
        return memories
    # of the whole arena only what its alignment leaves over, so that what lies around it lies as it will
    arena_bytes = ARENA_ALIGNMENT + arrangement.plan.total_bytes % ARENA_ALIGNMENT
    hollow = replace(arrangement, plan=replace(moved(arrangement.plan, first.name), peak_bytes={first.name: arena_bytes}))
    layout = support_for(board, options).layout
    with tempfile.TemporaryDirectory(prefix="mcusim") as folder:
        try:
            firmware = build_sources(written(hollow, board, options), board, Path(folder) / "hollow.elf", options)
            taken = taken_bytes(firmware.elf, layout)
        except TooLarge as error:  # flash is too small; what memory the rest would leave is told all the same
            taken = dict(error.sizes.memories)
            taken[layout.stack] -= layout.stack_bytes
    used = {**taken, first.name: taken.get(first.name, arena_bytes) - arena_bytes}
    return [replace(memory, size_bytes=(memory.size_bytes or 0) - used.get(memory.name, 0)) for memory in memories]


ARENA_ALIGNMENT = 16
"""Of the array of an arena, in templates/network.c.j2."""


def build(network: Network, board: Board, output: Path, options: BuildOptions = USUAL) -> Firmware:
    """Firmware of ``network`` for ``board``, its ELF at ``output``.

    Raises NetworkError where a layer has no kernel, TooLarge where the board has too little memory, ToolchainError with the
    compiler's words. Objects that do not depend on the network are kept in the user's cache folder.
    """
    return build_sources(sources_of(network, board, options), board, output, options)


def support_for(board: Board, options: BuildOptions, arenas: Iterable[str] = ()) -> Support:
    """What a build for the board needs, its memories as the placement wants them. BoardError for memories it has not.

    ``arenas``: memories in which arenas lie; of banks that touch, those joined that are named here or in ``options``.
    """
    support, placement = support_of(board, stack_bytes=options.stack_bytes), options.placement
    layout = with_joined(board, support.layout, (*options.memories, *arenas), placement.memories)
    support = replace(support, layout=layout)
    known = (RAM, *(bank.name for bank in layout.banks))
    for name in (placement.weights, placement.kernels, *options.memories):
        if name not in (FLASH, *known):
            raise BoardError(f"board {board.name} has no memory {name!r} to put things in; it has: {', '.join(known)}")
    if placement.kernels == FLASH:
        return support
    if not layout.banks:
        raise BoardError(f"board {board.name}: kernels cannot be copied to {placement.kernels}; its start-up copies data only")
    return replace(support, layout=replace(layout, kernels=placement.kernels))


def build_sources(sources: Sources, board: Board, output: Path, options: BuildOptions = USUAL) -> Firmware:
    """Firmware of generated C."""
    compiler, support = find_compiler(options.compiler), support_for(board, options, sources.plan.peak_bytes)
    kernels = options.kernels(board.core)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mcusim") as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        own = _model_jobs(sources, Path(folder), compiler, support, kernels, options)
        running = [pool.submit(job) for job in own]
        shared = library_objects(compiler, support, kernels, options)
        built = [each.result() for each in running]
        _link((*built, *shared), output, compiler, support, sources, board)
    flags = compiler.object_flags(support.core, (options.optimise,), {}, (), support.fpu)
    recorded = tuple(flag for flag in flags if not flag.startswith("-I"))
    sizes = sizes_of(output, sources, support.layout)
    return Firmware(sources, output, board.name, f"{compiler.name} {compiler.version}", recorded, sizes)


def _link(
    parts: Sequence[Path], output: Path, compiler: Compiler, support: Support, sources: Sources, board: Board
) -> None:
    """Link; where that fails because the board is too small, say how much is missing."""
    script = output.with_name(output.name + ".ld")
    script.write_text(support.layout.script())
    try:
        compiler.link(parts, output, support.core, script, fpu=support.fpu)
    except ToolchainError:
        with tempfile.TemporaryDirectory(prefix="mcusim") as folder:
            large = Path(folder) / output.name
            banks = tuple(replace(bank, bytes=ROOM_BYTES) for bank in support.layout.banks)
            roomy = replace(support.layout, flash_bytes=ROOM_BYTES, ram_bytes=ROOM_BYTES, banks=banks)
            script = large.with_suffix(".ld")
            script.write_text(roomy.script())
            compiler.link(parts, large, support.core, script, fpu=support.fpu, overlapping=True)
            sizes = sizes_of(large, sources, roomy)
        if sizes.lacking(support.layout):
            raise TooLarge(board.name, sizes, support.layout) from None
        raise


def library_objects(compiler: Compiler, support: Support, kernels: Kernels, options: BuildOptions) -> tuple[Path, ...]:
    """Kernels, start-up and console, from the cache where they are there."""
    system = system_sources(support.console, support.sources)
    system_recipe = Recipe(system, support.core, support.fpu, (options.optimise,), (), support.defines)
    return (*objects(kernel_recipe(support, kernels, options), compiler), *objects(system_recipe, compiler))


def kernel_recipe(support: Support, kernels: Kernels, options: BuildOptions) -> Recipe:
    """How the kernels are compiled."""
    return Recipe(kernel_sources(kernels), support.core, support.fpu, (options.optimise,), kernel_includes(kernels))


Job = Callable[[], Path]


def _model_jobs(
    sources: Sources, folder: Path, compiler: Compiler, support: Support, kernels: Kernels, options: BuildOptions
) -> Sequence[Job]:
    """Compilations of the model's own files. Weights are assembled from their bytes: as C they take seconds to compile."""
    write_assembly(sources, folder)
    for name, text in sources.files.items():
        (folder / name).write_text(text)
    defines = {**support.defines, "MCUSIM_MARKS": int(options.marks), **options.defines}

    def job(name: str) -> Job:
        return lambda: compiler.compile_object(
            folder / name, folder / f"{name}.o", support.core, flags=(options.optimise,), defines=defines,
            includes=(folder, *kernel_includes(kernels)), fpu=support.fpu,
        )  # fmt: skip

    return [job(name) for name in (*MODEL_SOURCES, "weights.S")]


def write_assembly(sources: Sources, folder: Path) -> None:
    """``weights.S``, which is weights.c in another form, and the bytes that it includes."""
    section, place = sources.placement.weights_section, 0
    path = folder / "weights.bin"
    flags = "aw" if sources.placement.in_ram else "a"
    lines, blob = [], bytearray()
    for array in sources.arrays:
        data = array.data.tobytes()
        lines += [
            f'.section {section}.{array.name},"{flags}",%progbits', ".balign 16", f".global {array.name}",
            f".type {array.name}, %object", f".size {array.name}, {len(data)}", f"{array.name}:",
            f'.incbin "{path}", {place}, {len(data)}',
        ]  # fmt: skip
        blob += data
        place += len(data)
    path.write_bytes(blob)
    (folder / "weights.S").write_text("\n".join(lines) + "\n")
