"""What WSO2's scopes `apim:…` let a token do in the REST API. Pure.

A scope stands for a role in a part of the REST API, and for no more of it than its holder has: a token speaks with
those of the person's roles that its scopes stand for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, NamedTuple

from accounts.roles import Role

PREFIX: Final = "apim:"
EVERYWHERE, PUBLISHER, DEVPORTAL = "/api/am/", "/api/am/publisher/", "/api/am/devportal/"
SHARED_SCOPES = "/api/am/publisher/v4/scopes"
PLANS, DENY = "/api/am/admin/v4/throttling/policies/", "/api/am/admin/v4/throttling/deny-polic"
CATEGORIES: Final = "/api/am/admin/v4/api-categories"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class RestScope(NamedTuple):
    """A scope: what it lets a token do in words, for the consent page, as which role, where, and with which roles."""

    says: str
    role: Role
    where: str
    reads_only: bool = False
    holders: frozenset[Role] = frozenset()

    def is_held(self, roles: Iterable[Role]) -> bool:
        """Whether somebody with these roles may have it."""
        return bool({self.role, Role.ADMIN, *self.holders} & set(roles))


_IN_THE_PUBLISHER = frozenset({Role.CREATOR, Role.PUBLISHER, Role.OBSERVER})
_reads = partial(RestScope, role=Role.OBSERVER, where=PUBLISHER, reads_only=True, holders=_IN_THE_PUBLISHER)

SCOPES: Final[dict[str, RestScope]] = {
    "apim:api_view": _reads("See the APIs of the Publisher"),
    "apim:api_list_view": _reads("List the APIs of the Publisher"),
    "apim:api_definition_view": _reads("See the definitions of APIs"),
    "apim:subscription_view": _reads("See who is subscribed to the APIs"),
    "apim:publisher_settings": _reads("See the settings of the Publisher"),
    "apim:comment_view": _reads("See the comments on APIs"),
    "apim:api_create": RestScope("Create and design APIs", Role.CREATOR, PUBLISHER),
    "apim:api_delete": RestScope("Delete APIs", Role.CREATOR, PUBLISHER),
    "apim:document_create": RestScope("Write documents of APIs", Role.CREATOR, PUBLISHER),
    "apim:document_manage": RestScope("Change documents of APIs", Role.CREATOR, PUBLISHER),
    "apim:api_publish": RestScope("Publish APIs", Role.PUBLISHER, PUBLISHER),
    "apim:subscription_block": RestScope("Block subscriptions", Role.PUBLISHER, PUBLISHER),
    "apim:subscription_manage": RestScope("Manage subscriptions", Role.PUBLISHER, PUBLISHER),
    "apim:comment_manage": RestScope("Write and moderate comments in the Publisher", Role.PUBLISHER, PUBLISHER),
    "apim:shared_scope_manage": RestScope("Describe the scopes that APIs share", Role.ADMIN, SHARED_SCOPES),
    "apim:api_manage": RestScope("Do everything with APIs", Role.ADMIN, PUBLISHER),
    "apim:subscribe": RestScope("Have applications and subscribe them to APIs", Role.SUBSCRIBER, DEVPORTAL),
    "apim:comment_write": RestScope("Write comments in the Developer Portal", Role.SUBSCRIBER, DEVPORTAL),
    "apim:app_manage": RestScope("Manage your applications", Role.SUBSCRIBER, DEVPORTAL),
    "apim:sub_manage": RestScope("Manage your subscriptions", Role.SUBSCRIBER, DEVPORTAL),
    "apim:store_settings": RestScope("See the settings of the Developer Portal", Role.SUBSCRIBER, DEVPORTAL, True),
    "apim:tier_view": RestScope("See the plans", Role.ADMIN, PLANS, reads_only=True),
    "apim:tier_manage": RestScope("Make and change plans", Role.ADMIN, PLANS),
    "apim:bl_view": RestScope("See the deny policies", Role.ADMIN, DENY, reads_only=True),
    "apim:bl_manage": RestScope("Make and change deny policies", Role.ADMIN, DENY),
    "apim:api_category": RestScope("Manage the categories of the catalogue", Role.ADMIN, CATEGORIES),
    "apim:admin": RestScope("Do everything that an administrator may", Role.ADMIN, EVERYWHERE),
}


def narrows(scopes: Iterable[str]) -> bool:
    """Whether a token with `scopes` speaks with some of its holder's roles only."""
    return any(scope.startswith(PREFIX) for scope in scopes)


def granted(scopes: Iterable[str], roles: Iterable[Role]) -> list[str]:
    """Those of `scopes` that somebody with `roles` gets; of other scopes than these it says nothing and keeps them."""
    held = frozenset(roles)
    mine = {name for name, scope in SCOPES.items() if scope.is_held(held)}
    return [scope for scope in scopes if not scope.startswith(PREFIX) or scope in mine]


def roles_under(scopes: Iterable[str], roles: Iterable[Role], *, method: str, path: str) -> frozenset[Role]:
    """With which roles a request speaks whose token has `scopes` and whose holder has `roles`."""
    held = frozenset(roles)
    known = [SCOPES[scope] for scope in scopes if scope in SCOPES]
    here = [scope for scope in known if path.startswith(scope.where) and (method in READING or not scope.reads_only)]
    return frozenset(scope.role for scope in here if scope.is_held(held))
