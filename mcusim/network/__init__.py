"""Neural networks as frozen data, and importers for them. Knows nothing of cores, boards or the simulator."""

from mcusim.network.load import load
from mcusim.network.network import Layer, Network, NetworkError
from mcusim.network.tensor import ElementType, Quantization, Tensor

__all__ = ["ElementType", "Layer", "Network", "NetworkError", "Quantization", "Tensor", "load"]
