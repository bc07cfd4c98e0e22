"""What may be read of scopes: those of an API, those that all share, and which of them topics name."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from core.errors import NotFound
from publisher.models import Api, Scope
from publisher.scope_terms import OURS, possible


class ScopeNotFound(NotFound):
    """There is no such scope, or it is not of this API."""

    code = 900983  # WSO2's
    sentence = "There is no such scope. It may have been deleted."


@dataclass(frozen=True, slots=True)
class Use:
    """A scope on the page of an API: its definition, and the topics that name it."""

    name: str
    definition: Scope | None
    topics: tuple[str, ...]


def scopes_of(api: Api | None) -> QuerySet[Scope]:
    """The scopes that belong to this API alone, by name; without one, those that every API may name."""
    return Scope.objects.filter(api=api).order_by("name")


def get_scope(rows: QuerySet[Scope], pk: uuid.UUID | str) -> Scope:
    """One of these scopes; raises ScopeNotFound."""
    try:
        return rows.get(pk=pk)
    except (Scope.DoesNotExist, ValidationError):
        raise ScopeNotFound from None


def holder_of(name: str, *, besides: str) -> Scope | None:
    """A scope of this name that a new one would be taken for: shared, or of an API at no context called `besides`."""
    others = Scope.objects.filter(name=name).select_related("api")
    if besides:
        others = others.exclude(api__context__iexact=besides)
    return others.first()


def uses_of(api: Api) -> list[Use]:
    """The API's own scopes, and those others that its topics name; without a definition: nobody has described it."""
    named = named_by(api.topics)
    rows = Scope.objects.filter(Q(api=api) | Q(api=None, name__in=named))
    known = {scope.name: scope for scope in sorted(rows, key=lambda each: each.api_id is not None)}
    names = sorted({*known, *(named.keys() - OURS)})
    return [Use(name, known.get(name), tuple(named.get(name, ()))) for name in names]


def apis_naming(scope: Scope) -> list[Api]:
    """The APIs whose topics name a scope, in the design or on the gateway. It reads the topics of all that may."""
    word = f'"{scope.name}"'
    rows = Api.objects.filter(Q(topics__icontains=word) | Q(deployed_revision__snapshot__icontains=word))
    return [api for api in rows.select_related("deployed_revision").order_by("name", "version") if names(api, scope)]


def names(api: Api, scope: Scope) -> bool:
    """Whether topics of an API name a scope, in the design or in the revision on the gateway."""
    deployed = api.deployed_revision.snapshot.get("topics", ()) if api.deployed_revision else ()
    return scope.name in named_by([*api.topics, *deployed])


def named_by(topics: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The scopes that topics name, each with the paths that name it."""
    named: dict[str, list[str]] = {}
    for topic in topics:
        for name in topic.get("scopes", ()):
            named.setdefault(name, []).append(topic["target"])
    return named


def roles_by_name(names: Iterable[str], apis: Iterable[object]) -> dict[str, list[Collection[str]]]:
    """For each of these names the roles of every definition that counts for these APIs (ids): theirs and the shared."""
    wanted = Q(api=None) | Q(api__in=list(apis))
    found: dict[str, list[Collection[str]]] = {}
    for name, roles in Scope.objects.filter(wanted, name__in=possible(names)).values_list("name", "roles"):
        found.setdefault(name, []).append(roles)
    return found


def descriptions_of(names: Iterable[str]) -> dict[str, str]:
    """What scopes let a token do, as a person reads it, by name; not those that nobody has described."""
    rows = Scope.objects.filter(name__in=possible(names)).order_by("updated_at")
    return {scope.name: words for scope in rows if (words := scope.description or scope.display_name)}
