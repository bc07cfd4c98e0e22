"""What becomes of a side of a relay from its first byte to its last: states, and which may follow which. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from core.enums import at_hand


@at_hand
class LegState(IntEnum):
    """What becomes of what a side sends. In order: a side that is closing only goes forward."""

    FLOWING = 0  # the one state in which a chunk may take the fast way; falsy
    HOLDING = 1  # bytes are kept (part of a header, or what the plan makes wait), or a message is being left out
    FINISHING = 2  # the rest of one frame passes, and behind it a Close of the gateway's own
    IGNORED = 3  # nothing passes; it is still read, for its Close
    BROKEN = 4  # it broke the protocol, so not even its Close can be found any more
    ENDED = 5  # it has sent its last byte, and can still be written to
    GONE = 6  # its transport is lost


NEXT: Final[tuple[frozenset[LegState], ...]] = tuple(
    frozenset(following)
    for following in (
        set(LegState) - {LegState.FLOWING},
        set(LegState) - {LegState.HOLDING},
        {state for state in LegState if state > LegState.FINISHING},
        {state for state in LegState if state > LegState.IGNORED},
        {state for state in LegState if state > LegState.BROKEN},
        {LegState.GONE},
        (),
    )
)
"""By state, the states that may follow it."""


@at_hand
class CloseState(IntEnum):
    """What a side has been told of the end."""

    OPEN = 0
    REPLACING = 1  # the Close with which the other side answers ours is replaced by one of the gateway's
    SENT = 2  # a Close, its own side's or the gateway's; or the transport is being closed without one
