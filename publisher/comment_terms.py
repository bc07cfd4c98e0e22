"""What a comment may be, and how many of them one person writes. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from core.translating import gettext, gettext_noop
from core.values import BadValue, within

LENGTH: Final = 512
MOST_REPLIES: Final = 100
RATES: Final = (
    (
        10,
        timedelta(minutes=1),
        gettext_noop("You may write %(most)s comments a minute. Wait a little, then send it again."),
    ),
    (
        100,
        timedelta(hours=1),
        gettext_noop("You may write %(most)s comments an hour. Wait a little, then send it again."),
    ),
)
"""How many comments one person writes in which time, and what is said to who writes more."""


class EntryPoint(StrEnum):
    """The portal in which a comment was written, by WSO2's names."""

    PUBLISHER = "publisher"
    DEVPORTAL = "devPortal"


def clean_text(value: Any) -> str:
    """What a comment says, without outer blanks; raises BadValue."""
    text = str(value or "").replace("\r\n", "\n").strip()
    if not text:
        raise BadValue(gettext("Write something."))
    if "\0" in text:
        raise BadValue(gettext("A comment cannot contain the character NUL."))
    return within(text, LENGTH, gettext("A comment"))
