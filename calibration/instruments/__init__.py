"""Files of instruments: power traces and logs. ``read_trace`` tells the format from the head of the file."""

from calibration.instruments.formats import FORMATS, read_trace
from calibration.instruments.trace import Trace

__all__ = ["FORMATS", "Trace", "read_trace"]
