"""What a descent leaves behind: a Trace of Steps, which figures, tables, lessons and tests all read.

``minimize`` and ``fit(..., trace=True)`` write them. A trace is data and nothing else: it does not change once it
is made, it goes to JSON and back exactly, and however long the run was, it holds no more steps than it was told to.
"""

from tinygrad_edu.traces.parts import Part
from tinygrad_edu.traces.recorder import LEAST, MAX_BYTES, TraceRecorder, bytes_of_step, check_keep
from tinygrad_edu.traces.step import Point, Step, StopReason
from tinygrad_edu.traces.trace import Trace

__all__ = [
    "LEAST",
    "MAX_BYTES",
    "Part",
    "Point",
    "Step",
    "StopReason",
    "Trace",
    "TraceRecorder",
    "bytes_of_step",
    "check_keep",
]
