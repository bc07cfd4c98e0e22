"""Rows as the tests need them, made by the operations themselves wherever one exists."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from PIL import Image

from accounts.models import RoleGrant, User
from accounts.roles import Role
from core.models import AuditEntry
from publisher import operations, queries, runtime
from publisher.bootstrap import ensure_default_plans
from publisher.lifecycle import State
from publisher.models import Api, Plan

NOW = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
BACKEND = "ws://localhost:9900/echo"
RUNTIME: dict[str, Any] = {name: value for name, value in runtime.defaults().items() if value != 0}
"""What a browser sends of the Runtime page of a new API, besides origins and tokens in the address."""


def plans(*names: str) -> list[Plan]:
    """The default plans of these names."""
    ensure_default_plans()
    return queries.plans_named(names)


def give_role(user: User, *roles: Role) -> User:
    """The same person, read again, with more roles."""
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in roles)
    return User.objects.get(pk=user.pk)


def make_api(creator: User, **given: Any) -> Api:
    """A design of EchoWebSocket by `creator`, with an endpoint and two plans unless told otherwise."""
    fields = {
        "name": "EchoWebSocket",
        "context": "/echowebsocket",
        "version": "1.0.0",
        "endpoint": BACKEND,
        "plans": plans("Gold", "Silver"),
    }
    return operations.create_api(**{**fields, **given}, actor=creator, now=NOW)


def picture(form: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB") -> bytes:
    """A picture in one colour, as a file."""
    file = BytesIO()
    Image.new(mode, size, 200).save(file, form)
    return file.getvalue()


def in_state(api: Api, state: State) -> Api:
    """The API put straight into a state, past all rules."""
    Api.objects.filter(pk=api.pk).update(state=state.value)
    return Api.objects.get(pk=api.pk)


def as_posted(fields: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends of a form that shows these values: no box that is not ticked."""
    return {name: value for name, value in fields.items() if value is not None and value is not False}


def verbs(api: Api) -> list[str]:
    """What the audit log says about the API, oldest first."""
    rows = AuditEntry.objects.filter(kind="api", object_id=str(api.pk)).order_by("id")
    return [row.verb for row in rows]
