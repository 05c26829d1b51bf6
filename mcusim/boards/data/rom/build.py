"""Assemble and compile the ROM images of this folder: ``python build.py`` writes NAME.hex beside the sources.

Needs arm-none-eabi-gcc. The images are part of the package, so that a simulation needs no compiler.
"""

from __future__ import annotations

import math
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = {
    "rp2040": ("cortex-m0plus", ("rp2040.S", "rp2040_float.c")),
    "rp2350": ("cortex-m33", ("rp2350.S",)),
}
LINE_BYTES = 32
COMPILER = "arm-none-eabi-gcc"


def assemble(name: str) -> bytes:
    """The image ``name`` from its sources, from address 0."""
    core, sources = SOURCES[name]
    with tempfile.TemporaryDirectory() as folder:
        elf, image = Path(folder) / "rom.elf", Path(folder) / "rom.bin"
        (Path(folder) / "constants.h").write_text(constants_header())
        options = [f"-mcpu={core}", "-mthumb", "-O2", "-ffreestanding", "-nostdlib", "-nostartfiles", f"-I{folder}"]
        paths = [str(HERE / source) for source in sources]
        subprocess.run([COMPILER, *options, "-Wl,-Ttext=0,-e,0", *paths, "-o", str(elf)], check=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(image)], check=True)
        return image.read_bytes()


# --- constants of the floating-point part ---------------------------------------------------------------------------------
BITS = 200
HIGH_BITS = 40
"""Bits of the high part of pi/2 and ln 2: times a number of up to 12 bits they are exact in a double."""


def arc_tangent(x: Fraction) -> Fraction:
    """atan x of 0 <= x <= 1, to BITS bits, by the series of an argument halved three times."""
    if x > Fraction(1, 8):
        scale = 1 << 2 * BITS
        hypotenuse = Fraction(math.isqrt((1 + x * x).numerator * scale * scale // (1 + x * x).denominator), scale)
        return 2 * arc_tangent(Fraction(round(x / (1 + hypotenuse) * scale), scale))
    return sum((Fraction((-1) ** k, 2 * k + 1) * x ** (2 * k + 1) for k in range(BITS // 6)), Fraction(0))


def pi() -> Fraction:
    return 16 * arc_tangent(Fraction(1, 5)) - 4 * arc_tangent(Fraction(1, 239))


def ln2() -> Fraction:
    return sum((Fraction(1, k << k) for k in range(1, BITS)), Fraction(0))


def split(value: Fraction) -> tuple[Fraction, Fraction]:
    """High part of HIGH_BITS bits behind the point, and the rest."""
    high = Fraction(math.floor(value * (1 << HIGH_BITS)), 1 << HIGH_BITS)
    return high, value - high


def scalars() -> dict[str, Fraction]:
    half_high, half_low = split(pi() / 2)
    ln2_high, ln2_low = split(ln2())
    return {
        "ONE": Fraction(1), "EIGHT": Fraction(8), "ONE_EIGHTH": Fraction(1, 8), "ONE_HALF": Fraction(1, 2), "PI": pi(),
        "HALF_PI": pi() / 2, "TWO_OVER_PI": 2 / pi(), "HALF_PI_HIGH": half_high, "HALF_PI_LOW": half_low,
        "ONE_OVER_LN2": 1 / ln2(), "LN2_HIGH": ln2_high, "LN2_LOW": ln2_low,
        "ROOT_OF_TWO": Fraction(math.isqrt(2 << 400), 1 << 200),
    }  # fmt: skip


def series() -> dict[str, list[Fraction]]:
    """Taylor coefficients; as many that the next term is below 2**-55 of the result over the reduced range."""
    return {
        "SINE": [Fraction((-1) ** k, math.factorial(2 * k + 1)) for k in range(9)],
        "COSINE": [Fraction((-1) ** k, math.factorial(2 * k)) for k in range(9)],
        "EXPONENTIAL": [Fraction(1, math.factorial(k)) for k in range(14)],
        "ARTANH": [Fraction(2, 2 * k + 1) for k in range(11)],
        "ARCTAN": [Fraction((-1) ** k, 2 * k + 1) for k in range(7)],
    }


def bits_of(value: Fraction) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}ull"


def constants_header() -> str:
    """C source of the constants, doubles as integers."""
    # 2**15 / (1 + (i + 1/2) / 128)
    reciprocals = [round(Fraction(1 << 15) / (1 + Fraction(2 * i + 1, 256))) for i in range(128)]
    lines = [f"static const unsigned short reciprocals[128] = {{{', '.join(map(str, reciprocals))}}};"]
    lines += [f"#define {name} {bits_of(value)}" for name, value in scalars().items()]
    tables = series() | {"ARCS": [arc_tangent(Fraction(k, 8)) for k in range(9)]}
    for name, values in tables.items():
        lines += [f"#define {name}_TERMS {len(values)}"]
        lines += [f"static const unsigned long long {name}[] = {{{', '.join(map(bits_of, values))}}};"]
    return "\n".join([*lines, ""])


def format_hex(name: str, image: bytes) -> str:
    """The image as text, for people and for ``mcusim.machine.boot.read_rom``."""
    lines = [image[start : start + LINE_BYTES].hex() for start in range(0, len(image), LINE_BYTES)]
    sources = ", ".join(SOURCES[name][1])
    return "\n".join([f"# {name}: {len(image)} bytes from {sources}, {COMPILER} {compiler_version()}", *lines, ""])


def compiler_version() -> str:
    """Version of the compiler at hand: C gives the same code only for the same one."""
    result = subprocess.run([COMPILER, "-dumpfullversion"], check=True, capture_output=True, text=True)
    return result.stdout.strip()


def recorded_version(name: str) -> str:
    """Version of the compiler that made the image beside the sources."""
    return (HERE / f"{name}.hex").read_text(encoding="ascii").splitlines()[0].rpartition(" ")[2]


def main() -> None:
    for name in sys.argv[1:] or SOURCES:
        (HERE / f"{name}.hex").write_text(format_hex(name, assemble(name)), encoding="ascii")


if __name__ == "__main__":
    main()
