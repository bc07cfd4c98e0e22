"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def describe() -> list[tuple[str, str]]:
    """Pairs of name and value, for the head of a report."""
    return [
        ("Processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("Memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("Load average at the start", f"{os.getloadavg()[0]:.2f}"),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
