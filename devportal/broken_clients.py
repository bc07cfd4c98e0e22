"""Telling those whose programs a deployment breaks: owners and managers of the applications subscribed to the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations import notify
from core.sentences import Sentence
from core.translating import gettext_noop
from devportal.memberships import affected_by
from publisher.models import Api, DeployedChange

MOST_NAMED = 5
"""Applications named in one message; of more their number is said."""


def tell_owners(*, api: Api, change: DeployedChange, actor: User, now: datetime, **_: Any) -> None:
    """Tell each of them, in the portal and by e-mail as they chose."""
    link = reverse("devportal:changes", args=[api.pk])
    revision = gettext_noop(
        "Revision %(revision)s of %(api)s is on the gateway since just now. What it changes breaks clients of revision "
        "%(before)s:"
    )
    said = gettext_noop("What the publisher says about it: %(words)s")
    goes_on = gettext_noop("Connections that are open stay as they are; new ones meet the new revision.")
    more: list[Sentence | str] = [
        Sentence(revision, api=api, revision=str(change.revision), before=str(change.before)),
        "\n".join(f"- {sentence}" for sentence in change.breaking),
        *([Sentence(said, words=change.description)] if change.description else []),
        Sentence(goes_on),
    ]
    for owner, names in affected_by(api).items():
        others = Sentence(gettext_noop("%(number)s more"), number=len(names) - MOST_NAMED)
        told = [*names[:MOST_NAMED], *([others] if len(names) > MOST_NAMED else [])]
        changed = gettext_noop("%(api)s has changed and may break %(applications)s.")
        sentence = Sentence(changed, api=api, applications=told)
        notify(people=[owner], kind=NotificationKind.BREAKING, sentence=sentence, link=link, more=more, now=now)
