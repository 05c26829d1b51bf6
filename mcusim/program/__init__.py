"""Programs: what a linker or a flash tool made, as data.

``load(path)`` reads ELF, Intel HEX and raw images into a frozen ``Program``.
"""

from mcusim.program.lines import LineTable
from mcusim.program.loader import load
from mcusim.program.program import Program, Section, Segment, Symbol, VectorTable

__all__ = ["LineTable", "Program", "Section", "Segment", "Symbol", "VectorTable", "load"]
