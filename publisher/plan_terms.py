"""The words of a plan, as they are stored, sent over the REST API and read by the gateway. Pure."""

from enum import StrEnum
from typing import Final

from core.enums import at_hand


class Billing(StrEnum):
    """Whether a plan costs money. WSO2's words."""

    FREE = "FREE"
    COMMERCIAL = "COMMERCIAL"


class QuotaUnit(StrEnum):
    """What a quota counts."""

    MESSAGES = "messages"
    BYTES = "bytes"


class QuotaPeriod(StrEnum):
    """How long a quota lasts. Periods begin on the calendar's minute, hour, day or month in UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@at_hand
class CountedDirection(StrEnum):
    """Which messages count: those of both sides, or only those that the client sends."""

    BOTH = "both"
    CLIENT = "client"


@at_hand
class ExceededAction(StrEnum):
    """What is done with a message over a limit: it waits, is left out, ends the connection, or passes all the same."""

    DELAY = "delay"
    DROP = "drop"
    CLOSE = "close"
    PASS = "pass"  # noqa: S105 - no password


MOST_APPLICATIONS: Final = 10
"""How many applications one person may subscribe to an API where a new plan does not say."""
OVER_RATE: Final = (ExceededAction.DELAY, ExceededAction.DROP, ExceededAction.CLOSE)
OVER_QUOTA: Final = (ExceededAction.CLOSE, ExceededAction.DROP, ExceededAction.PASS)
"""Nothing waits for a quota, whose next period may be a month away."""
