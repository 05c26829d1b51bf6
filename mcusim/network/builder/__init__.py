"""Builder: a float network made operator by operator from a source that puts channels first.

Layers are channels last; where the elements of a value must be reordered for it, a Transpose layer is made, and only there
(layout.py). Scales that the source states for its tensors are noted beside the network, for lowering.py. A class for each
kind of layer, one upon the other: Draft, Ordering, Shaping, Images, Weighted; Elementwise upon Ordering; all of them Builder.
"""

from mcusim.network.builder.builder import Builder
from mcusim.network.builder.draft import Constant, Operand

__all__ = ["Builder", "Constant", "Operand"]
