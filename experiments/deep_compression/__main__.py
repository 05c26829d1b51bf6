"""``python -m experiments.deep_compression``."""

from experiments.deep_compression.command import main

main()
