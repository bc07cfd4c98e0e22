"""What people are told of, and in which words they choose it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.translating import gettext_noop


class NotificationKind(StrEnum):
    """Why somebody is told something. Each person chooses by kind: in the portal, by e-mail, or not at all."""

    APPROVALS = "approvals"
    ENDS = "ends"
    BREAKING = "breaking"
    VERSIONS = "versions"
    EXPIRY = "expiry"
    LIMITS = "limits"
    RECORDINGS = "recordings"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class KindTerms:
    """A kind as people read it (translated where it is shown), and whether they get e-mails of it until they say no."""

    label: str
    about: str
    by_mail: bool = True
    always_by_mail: bool = False  # whatever they say: it may be that somebody else did it


TERMS: dict[NotificationKind, KindTerms] = {
    NotificationKind.APPROVALS: KindTerms(
        gettext_noop("Approvals"),
        gettext_noop("Somebody waits for your decision, or what you asked for was approved or rejected."),
    ),
    NotificationKind.ENDS: KindTerms(
        gettext_noop("Ends"),
        gettext_noop("An API that you use was blocked or retired, or your subscription was blocked."),
    ),
    NotificationKind.BREAKING: KindTerms(
        gettext_noop("Breaking changes"),
        gettext_noop("What an API that you use was deployed with may break your client."),
    ),
    NotificationKind.VERSIONS: KindTerms(
        gettext_noop("Versions"),
        gettext_noop("A new version of an API that you use is there, or one that you use is deprecated."),
        by_mail=False,
    ),
    NotificationKind.EXPIRY: KindTerms(
        gettext_noop("Expiry"), gettext_noop("A secret of your applications is going to expire.")
    ),
    NotificationKind.LIMITS: KindTerms(
        gettext_noop("Limits"), gettext_noop("An application has used 80 or 100 % of its quota."), by_mail=False
    ),
    NotificationKind.RECORDINGS: KindTerms(
        gettext_noop("Recordings"), gettext_noop("Somebody records what an application of yours sends and receives.")
    ),
    NotificationKind.ACCOUNT: KindTerms(
        gettext_noop("Your account"),
        gettext_noop(
            "You signed in with another browser, or your password, second factor, e-mail or roles were changed."
        ),
        always_by_mail=True,
    ),
}


LONGEST_SENTENCE = 500


def on_one_line(sentence: str) -> str:
    """What people are told, without line breaks, and cut where somebody's words in it are too long."""
    words = " ".join(sentence.split())
    return words if len(words) <= LONGEST_SENTENCE else f"{words[: LONGEST_SENTENCE - 1]}…"
