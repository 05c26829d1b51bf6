"""Random and mutated images: ``make fuzz`` sweeps, ``python -m tests.fuzz stream/m4/17`` runs one again by its name."""
