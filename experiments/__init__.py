"""Studies on top of the simulator and its cost models; nothing else here imports them."""
