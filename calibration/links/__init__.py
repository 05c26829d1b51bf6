"""Ways to a board: lines of text go to its firmware and come back.

* ``link``: what a link does, and its errors;
* ``serial_port``: a serial port, or a pseudo-terminal that looks like one;
* ``probe``: a debug probe that flashes, beside the serial port;
* ``simulated``: a simulated board in a process of its own, behind a pseudo-terminal;
* ``via``: links by what is typed on the command line;
* ``dialogue``: commands and answers of microbenchmark firmware over any of them.
"""
