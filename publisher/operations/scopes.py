"""Operations on scopes, of one API or shared. They act at once, on the tokens that are made from then on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import count, listed
from core.values import clean, invalid
from publisher import permissions, scoping
from publisher.models import Api, Scope
from publisher.operations.common import lock
from publisher.scope_terms import CLEANERS, MOST_OF_AN_API, MOST_SHARED

MOST_NAMED = 3


class ScopeExists(Conflict):
    """Another scope has this name."""

    code = 900988  # WSO2's
    field = "name"


class ScopeInUse(Conflict):
    """Topics name the scope, so it stays."""

    code = 900987  # WSO2's


class ScopeChanged(Conflict):
    """Somebody else saved the scope after the person opened it; nothing has been written."""

    sentence = (
        "Somebody changed this scope after you opened it. What you typed is still here: save again to put it in its "
        "place."
    )


@transaction.atomic
def create_scope(*, api: Api | None, fields: Mapping[str, Any], actor: User, now: datetime) -> Scope:
    """Describe a scope: of `api`, or shared by all when that is None. `fields` are those of `scope_terms.CLEANERS`.

    Raises RoleRequired, Invalid (by field) or ScopeExists.
    """
    permissions.require_describe_scopes(actor, api)
    values = clean({"name": "", **fields}, CLEANERS)
    name, most = values["name"], MOST_OF_AN_API if api else MOST_SHARED
    if api:
        lock(api)
    if scoping.scopes_of(api).count() >= most:
        raise invalid(name=f"There are at most {most} scopes here. Delete one first.")
    if other := scoping.holder_of(name, besides=api.context if api else ""):
        whose = f"{other.api} has" if other.api else "All APIs share"
        raise ScopeExists(f"{whose} a scope called {name}. Choose another name, or name that one in your topics.")
    scope = Scope(api=api, **values, updated_at=now)
    rows.save(scope, taken=lambda: ScopeExists(f"There is a scope called {name} here already. Choose another name."))
    record_change(scope, "created", actor=actor, now=now, roles=scope.roles)
    return scope


@transaction.atomic
def update_scope(
    *, scope: Scope, changes: Mapping[str, Any], seen: datetime | None = None, actor: User, now: datetime
) -> Scope:
    """Change what people read of a scope, or who gets it; its name stays, for topics and tokens carry it.

    Raises RoleRequired, Invalid (by field), ScopeNotFound, or ScopeChanged if it was saved after `seen`.
    """
    permissions.require_describe_scopes(actor, scope.api)
    values = clean(changes, CLEANERS)
    row = rows.lock(scope, gone=scoping.ScopeNotFound)
    if seen is not None and row.updated_at != seen:
        raise ScopeChanged
    if values.get("name", row.name) != row.name:
        raise invalid(name=f"The name stays {row.name}, for topics and tokens carry it. Make a new scope instead.")
    differing = sorted(name for name, value in values.items() if getattr(row, name) != value)
    if not differing:
        return row
    for name in differing:
        setattr(row, name, values[name])
    row.updated_at = now
    row.save()
    record_change(row, "updated", actor=actor, now=now, fields=differing, roles=row.roles)
    return row


@transaction.atomic
def delete_scope(*, scope: Scope, actor: User, now: datetime) -> None:
    """Delete a scope that no topic names. Raises RoleRequired, ScopeNotFound or ScopeInUse."""
    permissions.require_describe_scopes(actor, scope.api)
    row = rows.lock(scope, gone=scoping.ScopeNotFound)
    family = [row.api] if row.api else scoping.apis_naming(row)
    if users := [str(api) for api in family if scoping.names(api, row)]:
        whose = listed(users) if len(users) <= MOST_NAMED else count(len(users), "API")
        raise ScopeInUse(
            f"Topics of {whose} ask for {row.name}, here or on the gateway. Take it out there and deploy that first: "
            "without its definition everybody would get it."
        )
    record_change(row, "deleted", actor=actor, now=now)
    row.delete()


def copy_scopes(*, source: Api, copy: Api) -> None:
    """Give a new version the scopes of the one before it. Part of the operation that makes the version."""
    Scope.objects.bulk_create(
        Scope(
            api=copy,
            name=each.name,
            display_name=each.display_name,
            description=each.description,
            roles=each.roles,
            updated_at=each.updated_at,
        )
        for each in scoping.scopes_of(source)
    )
