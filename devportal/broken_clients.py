"""Telling those whose programs a deployment breaks: the owners of the applications subscribed to the API, by e-mail."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.core import mail
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from core.text import listed
from devportal.models import Subscription
from devportal.subscription_states import SubscriptionState
from publisher.models import Api, DeployedChange

MOST_NAMED = 5
"""Applications named in one message; of more their number is said."""


def affected_by(api: Api) -> dict[User, list[str]]:
    """The people whose applications may call the API or wait to, with the names of these applications."""
    held = Subscription.objects.filter(api=api, application__owner__is_active=True)
    rows = held.exclude(state=SubscriptionState.REJECTED).select_related("application__owner")
    found: dict[User, list[str]] = {}
    for row in rows.order_by("application__name_key"):
        found.setdefault(row.application.owner, []).append(row.application.name)
    return found


def tell_owners(*, api: Api, change: DeployedChange, actor: User, now: datetime, **_: Any) -> None:
    """Have one message written to each of them, once what was deployed is deployed."""
    messages = []
    for owner, names in affected_by(api).items():
        if owner.email:
            subject = f"{api} has changed and may break {listed(_named(names))}"
            messages.append(mail.EmailMessage(subject, _body(api, change), to=[owner.email]))
    if messages:
        transaction.on_commit(partial(_send, messages), robust=True)


def _send(messages: list[mail.EmailMessage]) -> None:
    mail.get_connection(fail_silently=True).send_messages(messages)


def _named(names: list[str]) -> list[str]:
    more = len(names) - MOST_NAMED
    return [*names[:MOST_NAMED], f"{more} more"] if more > 0 else names


def _body(api: Api, change: DeployedChange) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in change.breaking)
    said = f"\n\nWhat the publisher says about it: {change.description}" if change.description else ""
    page = f"{settings.PORTAL_URL}{reverse('devportal:changes', args=[api.pk])}"
    return (
        f"Revision {change.revision} of {api} is on the gateway since just now. What it changes breaks clients of "
        f"revision {change.before}:\n\n{lines}{said}\n\nConnections that are open stay as they are; new ones meet the "
        f"new revision. All changes: {page}\n"
    )
