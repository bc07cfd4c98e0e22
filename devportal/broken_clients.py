"""Telling those whose programs a deployment breaks: owners and managers of the applications subscribed to the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations import notify
from core.text import listed
from devportal.memberships import affected_by
from publisher.models import Api, DeployedChange

MOST_NAMED = 5
"""Applications named in one message; of more their number is said."""


def tell_owners(*, api: Api, change: DeployedChange, actor: User, now: datetime, **_: Any) -> None:
    """Tell each of them, in the portal and by e-mail as they chose."""
    link, more = reverse("devportal:changes", args=[api.pk]), _body(api, change)
    for owner, names in affected_by(api).items():
        sentence = f"{api} has changed and may break {listed(names, MOST_NAMED)}."
        notify(people=[owner], kind=NotificationKind.BREAKING, sentence=sentence, link=link, more=more, now=now)


def _body(api: Api, change: DeployedChange) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in change.breaking)
    said = f"\n\nWhat the publisher says about it: {change.description}" if change.description else ""
    return (
        f"Revision {change.revision} of {api} is on the gateway since just now. What it changes breaks clients of "
        f"revision {change.before}:\n\n{lines}{said}\n\nConnections that are open stay as they are; new ones meet the "
        "new revision."
    )
