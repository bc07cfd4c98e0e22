"""What a scope `apim:…` stands for."""

from __future__ import annotations

import pytest

from accounts.roles import Role
from devportal.rest_scopes import SCOPES, granted, narrows, roles_under

CREATOR, PUBLISHER, SUBSCRIBER, OBSERVER, ADMIN = Role
APIS, APPLICATIONS = "/api/am/publisher/v4/apis", "/api/am/devportal/v3/applications"
PLANS, DENY_POLICIES = "/api/am/admin/v4/throttling/policies/subscription", "/api/am/admin/v4/throttling/deny-policies"


@pytest.mark.parametrize(
    ("asked", "roles", "given"),
    [
        ("apim:subscribe apim:app_manage", {SUBSCRIBER}, "apim:subscribe apim:app_manage"),
        ("apim:subscribe apim:admin", {SUBSCRIBER}, "apim:subscribe"),
        ("apim:api_view apim:api_create", {PUBLISHER}, "apim:api_view"),
        ("apim:tier_view", {CREATOR, PUBLISHER, SUBSCRIBER, OBSERVER}, ""),
        ("default openid apim:nonsense", {ADMIN}, "default openid"),
        ("apim:admin", set(), ""),
    ],
)
def test_what_is_asked_for_is_given_as_far_as_the_roles_go(asked: str, roles: set[Role], given: str) -> None:
    assert granted(asked.split(), roles) == given.split()


def test_an_administrator_gets_every_scope() -> None:
    assert granted(SCOPES, {ADMIN}) == [*SCOPES]


@pytest.mark.parametrize(
    ("scopes", "held", "method", "path", "roles"),
    [
        ("apim:subscribe", {SUBSCRIBER, ADMIN}, "POST", APPLICATIONS, {SUBSCRIBER}),
        ("apim:subscribe", {ADMIN}, "GET", APPLICATIONS, {SUBSCRIBER}),
        ("apim:subscribe", {SUBSCRIBER, CREATOR}, "GET", APIS, set()),
        ("apim:subscribe", set(), "GET", APPLICATIONS, set()),
        ("apim:api_view", {CREATOR}, "GET", APIS, {OBSERVER}),
        ("apim:api_view", {CREATOR}, "POST", APIS, set()),
        ("apim:api_view apim:api_create", {CREATOR}, "POST", APIS, {CREATOR}),
        ("apim:api_create", {PUBLISHER}, "POST", APIS, set()),
        ("apim:tier_view", {ADMIN}, "GET", PLANS, {ADMIN}),
        ("apim:tier_view", {ADMIN}, "PUT", PLANS, set()),
        ("apim:tier_manage", {ADMIN}, "PUT", PLANS, {ADMIN}),
        ("apim:tier_manage", {ADMIN}, "POST", DENY_POLICIES, set()),
        ("apim:tier_manage", {ADMIN}, "POST", APIS, set()),
        ("apim:bl_manage", {ADMIN}, "DELETE", "/api/am/admin/v4/throttling/deny-policy/1", {ADMIN}),
        ("apim:admin", {ADMIN}, "DELETE", "/api/am/gateway/v1/connections/1", {ADMIN}),
        ("default", {ADMIN}, "GET", APIS, set()),
    ],
)
def test_a_token_speaks_with_the_roles_that_its_scopes_stand_for(
    scopes: str, held: set[Role], method: str, path: str, roles: set[Role]
) -> None:
    assert roles_under(scopes.split(), held, method=method, path=path) == roles


def test_only_these_scopes_narrow_what_a_token_may() -> None:
    assert (narrows(["default", "openid"]), narrows(["default", "apim:nonsense"])) == (False, True)
