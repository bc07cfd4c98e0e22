"""Rows that the scenarios of the developer portal begin with. What is not said takes a sensible value."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from accounts.models import User
from devportal import operations
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, KeyType, Subscription
from devportal.operations import GeneratedKeys
from publisher.models import Api, Plan, Revision
from publisher.operations import search_texts

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_numbers = count(1)


def plan(name: str = "Gold", **fields: Any) -> Plan:
    """A business plan; the same one for the same name."""
    return Plan.objects.get_or_create(name=name, defaults={"display_name": name, **fields})[0]


def api(provider: User, name: str = "EchoWebSocket", *, plans: tuple[str, ...] = ("Gold",), **fields: Any) -> Api:
    """An API that is published, unless `state` says otherwise, and deployed."""
    at = {"created_at": NOW, "updated_at": NOW, "published_at": NOW}
    given = {"context": f"/{name.lower()}", "version": "1.0.0", "state": "PUBLISHED", **at, **fields}
    row = Api.objects.create(name=name, provider=provider, **given)
    row.plans.set(plan(each) for each in plans)
    deploy(row)
    return row


def deploy(row: Api) -> None:
    """Make what the API is now the deployed revision."""
    number = row.revisions.count() + 1
    snapshot = {"api_id": str(row.pk), "topics": row.topics}
    row.deployed_revision = Revision.objects.create(
        api=row, number=number, snapshot=snapshot, created_by=row.provider, created_at=NOW
    )
    row.save()
    search_texts.write(Api.objects.filter(pk=row.pk))


def application(owner: User, name: str = "", **fields: Any) -> Application:
    """An application of `owner`."""
    ensure_application_plans()
    return operations.create_application(name=name or f"Chat client {next(_numbers)}", actor=owner, now=NOW, **fields)


def subscription(app: Application, to: Api, under: str = "Gold", *, state: str = "") -> Subscription:
    """A subscription, put into `state` without asking."""
    row = operations.subscribe(application=app, api=to, plan=plan(under), actor=app.owner, now=NOW)
    if state:
        row.state = state
        row.save()
    return row


def keys(app: Application, key_type: str = KeyType.PRODUCTION, **fields: Any) -> GeneratedKeys:
    """Keys of an application, for client credentials unless `grant_types` says otherwise."""
    return operations.generate_keys(application=app, key_type=key_type, actor=app.owner, now=NOW, **fields)
