"""The memory that this process has used."""

from __future__ import annotations

import re
import resource
from pathlib import Path

__all__ = ["peak_memory"]


def peak_memory() -> float:
    """The peak of the resident bytes since this program began.

    The system's counter of a process (`ru_maxrss`) also counts what its parent held when it was forked, so Linux's own
    figure of the address space is taken where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return float(found.group(1)) * 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
