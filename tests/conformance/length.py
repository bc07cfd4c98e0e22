"""How long to try: `TEST_LENGTH=long` runs the long targets, anything else what fits into every test run."""

from __future__ import annotations

import os

IS_LONG = os.environ.get("TEST_LENGTH") == "long"


def times(usual: int, long: int) -> int:
    """How often to do something."""
    return long if IS_LONG else usual
