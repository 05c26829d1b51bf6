"""Reports: what a run found, as data, text, JSON, flame graph and trace."""

from mcusim.report.fault import fault_text
from mcusim.report.files import check_writable, write_atomically
from mcusim.report.flamegraph import write_flamegraph
from mcusim.report.progress import Progress
from mcusim.report.report import (
    SCHEMA,
    CallNode,
    ClockEpoch,
    ExceptionUse,
    Exit,
    Fault,
    Frame,
    FunctionUse,
    Host,
    MarkUse,
    Memory,
    ProgramFile,
    RegionTraffic,
    Report,
    ReportError,
    SectionUse,
    StackUse,
    SymbolUse,
    Timeline,
    TimelineEvent,
    UnmodelledUse,
    text_of,
)
from mcusim.report.terminal import report_text, write_report
from mcusim.report.trace import write_trace

__all__ = [
    "SCHEMA",
    "CallNode",
    "ClockEpoch",
    "ExceptionUse",
    "Exit",
    "Fault",
    "Frame",
    "FunctionUse",
    "Host",
    "MarkUse",
    "Memory",
    "Progress",
    "ProgramFile",
    "RegionTraffic",
    "Report",
    "ReportError",
    "SectionUse",
    "StackUse",
    "SymbolUse",
    "Timeline",
    "TimelineEvent",
    "UnmodelledUse",
    "check_writable",
    "fault_text",
    "report_text",
    "text_of",
    "write_atomically",
    "write_flamegraph",
    "write_report",
    "write_trace",
]
