"""The slow and obvious twin of every kernel, in NumPy: what a network computes.

Integers agree bit for bit with TensorFlow Lite's reference kernels, floats within 1 ulp of the same sums in the same order.
"""

from mcusim.network.reference.call import Rules
from mcusim.network.reference.run import initial_state, run, run_layer

__all__ = ["Rules", "initial_state", "run", "run_layer"]
