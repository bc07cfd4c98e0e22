"""Who may do what, role by role, for every operation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.roles import Role
from core.errors import NotAllowed
from publisher import operations, permissions
from publisher.lifecycle import Action, State
from publisher.models import Api, Comment, Revision
from publisher.permissions import can_enter
from tests.publisher.builders import LATER, give_role, in_state, make_api, plans

Attempt = Callable[[Api, Revision, User], object]
CREATOR, PUBLISHER, OBSERVER, SUBSCRIBER, ADMIN = (
    Role.CREATOR,
    Role.PUBLISHER,
    Role.OBSERVER,
    Role.SUBSCRIBER,
    Role.ADMIN,
)

ATTEMPTS: dict[str, tuple[Attempt, set[Role]]] = {
    "create": (
        lambda api, revision, who: make_api(who, name="New", context="/new"),
        {CREATOR, ADMIN},
    ),
    "edit": (
        lambda api, revision, who: operations.update_api(api=api, changes={"description": "x"}, actor=who, now=LATER),
        {CREATOR, ADMIN},
    ),
    "save endpoint": (
        lambda api, revision, who: operations.update_api(
            api=api, changes={"production": {}, "sandbox": {}}, actor=who, now=LATER
        ),
        {CREATOR, ADMIN},
    ),
    "version": (
        lambda api, revision, who: operations.create_version(api=api, version="2", actor=who, now=LATER),
        {CREATOR, ADMIN},
    ),
    "revise": (
        lambda api, revision, who: operations.create_revision(api=api, actor=who, now=LATER),
        {CREATOR, PUBLISHER, ADMIN},
    ),
    "restore": (
        lambda api, revision, who: operations.restore_revision(api=api, revision=revision, actor=who, now=LATER),
        {CREATOR, ADMIN},
    ),
    "deploy": (
        lambda api, revision, who: operations.deploy_revision(api=api, revision=revision, actor=who, now=LATER),
        {PUBLISHER, ADMIN},
    ),
    "undeploy": (
        lambda api, revision, who: operations.undeploy(
            api=operations.deploy_revision(api=api, revision=revision, actor=api.provider, now=LATER),
            actor=who,
            now=LATER,
        ),
        {PUBLISHER, ADMIN},
    ),
    "set plans of a published API": (
        lambda api, revision, who: operations.update_api(
            api=in_state(api, State.PUBLISHED), changes={"plans": plans("Gold")}, actor=who, now=LATER
        ),
        {PUBLISHER, ADMIN},
    ),
    "publish": (
        lambda api, revision, who: operations.transition_api(api=api, action=Action.PUBLISH, actor=who, now=LATER),
        {PUBLISHER, ADMIN},
    ),
    "delete a design": (
        lambda api, revision, who: operations.delete_api(api=api, actor=who, now=LATER),
        {CREATOR, ADMIN},
    ),
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("what", list(ATTEMPTS))
def test_a_role_may_do_what_the_table_says_and_nothing_else(admin: User, mallory: User, what: str, role: Role) -> None:
    act, allowed = ATTEMPTS[what]
    api = make_api(admin)
    revision = operations.create_revision(api=api, actor=admin, now=LATER)
    mallory.role_grants.all().delete()
    who = give_role(mallory, role)
    if role in allowed:
        act(api, revision, who)
    else:
        with pytest.raises(NotAllowed):
            act(api, revision, who)


@pytest.mark.parametrize(
    ("role", "enters"), [(CREATOR, True), (PUBLISHER, True), (OBSERVER, True), (ADMIN, True), (SUBSCRIBER, False)]
)
def test_the_publisher_is_open_to_those_who_work_there(mallory: User, role: Role, enters: bool) -> None:
    mallory.role_grants.all().delete()
    assert can_enter(give_role(mallory, role)) is enters


def test_a_person_whose_account_is_closed_may_do_nothing(admin: User) -> None:
    api = make_api(admin)
    admin.is_active = False
    rules = {name for name in dir(permissions) if name.startswith("require_")} - {
        "require_role",
        "require_owns_nothing",
    }
    assert len(rules) == 19
    for name in rules:
        thing = Comment(api=api, author=admin) if name in ("require_edit_comment", "require_delete_comment") else api
        with pytest.raises(NotAllowed):
            getattr(permissions, name)(admin, thing)
