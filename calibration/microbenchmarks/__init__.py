"""Microbenchmarks: one firmware for a board that times every kind of instruction, and what a core's table says to it.

* ``bodies``: the table of what is timed;
* ``firmware``: from the table to C, assembly and an ELF;
* ``results``: from what the board prints to cycles;
* ``parameters``: a core's timing parameters as numbers;
* ``model``: how often each parameter occurs in each body, and so the rows of a fit.
"""
