"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def describe() -> list[tuple[str, str]]:
    """Pairs of name and value, for the head of a report."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return [
        ("Processor", f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores"),
        ("Memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("Load average at the start", f"{os.getloadavg()[0]:.2f}"),
    ]
