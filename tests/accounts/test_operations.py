"""What may be done to accounts, and what it leaves in the audit log."""

import datetime as dt

import pytest
from django.contrib.auth import base_user
from django.db import connection

from accounts import operations
from accounts.models import RoleGrant, User
from accounts.permissions import RoleRequired
from accounts.roles import Role
from core.errors import Invalid
from core.models import AuditEntry

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
PASSWORD = "correct horse battery staple"
NEW = "a wholly different phrase"


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("id")


@pytest.mark.django_db
def test_signing_up_gives_the_role_subscriber_and_nothing_else() -> None:
    user = operations.sign_up(username="dave", password=PASSWORD, email="dave@example.test", now=NOW)
    assert user.roles == {Role.SUBSCRIBER}
    assert user.check_password(PASSWORD)
    assert not user.must_change_password
    assert (last_entry().verb, last_entry().actor_name, last_entry().at) == ("user.created", "dave", NOW)


@pytest.mark.parametrize("name", ["carol", "CAROL", "cArOl"])
def test_a_name_is_taken_in_any_case(carol: User, name: str) -> None:
    with pytest.raises(operations.UsernameTaken) as refusal:
        operations.sign_up(username=name, password=PASSWORD, now=NOW)
    assert "username" in refusal.value.fields


def test_a_taken_name_is_said_before_a_weak_password(carol: User) -> None:
    with pytest.raises(operations.UsernameTaken):
        operations.sign_up(username="CAROL", password="weak", now=NOW)


def test_a_name_taken_after_it_was_looked_up_is_refused_in_the_same_words(carol: User) -> None:
    late = User(username="CAROL", date_joined=NOW)
    with pytest.raises(operations.UsernameTaken):
        operations.admit(late, [Role.SUBSCRIBER], actor=late, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["two words", "semi;colon", "<b>", ""])
def test_a_name_with_other_signs_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        operations.sign_up(username=name, password=PASSWORD, now=NOW)
    assert "username" in refusal.value.fields
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["short", "password", "12345678", "daveydavey"])
def test_a_weak_password_is_refused_with_the_reason(password: str) -> None:
    with pytest.raises(operations.WeakPassword) as refusal:
        operations.sign_up(username="daveydave", password=password, now=NOW)
    assert refusal.value.fields["password"]


def test_only_administrators_create_accounts_for_others(admin: User, carol: User) -> None:
    with pytest.raises(RoleRequired):
        operations.create_user(username="erin", password=PASSWORD, roles=[Role.ADMIN], actor=carol, now=NOW)
    erin = operations.create_user(username="erin", password=PASSWORD, roles=[Role.CREATOR], actor=admin, now=NOW)
    assert erin.must_change_password
    assert last_entry().detail == {"user_id": erin.pk, "username": "erin", "roles": ["creator"]}


def test_changing_ones_password_needs_the_current_one(carol: User) -> None:
    with pytest.raises(operations.WrongPassword):
        operations.change_password(user=carol, new_password=NEW, current_password="guess", actor=carol, now=NOW)
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)
    assert not AuditEntry.objects.exists()


def test_a_changed_password_counts_at_once_and_ends_the_duty_to_change_it(carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(must_change_password=True)
    carol.refresh_from_db()
    operations.change_password(user=carol, new_password=NEW, current_password=PASSWORD, actor=carol, now=NOW)
    carol.refresh_from_db()
    assert carol.check_password(NEW)
    assert not carol.must_change_password


def test_a_password_may_not_be_changed_to_itself(carol: User) -> None:
    with pytest.raises(operations.WeakPassword) as refusal:
        operations.change_password(user=carol, new_password=PASSWORD, current_password=PASSWORD, actor=carol, now=NOW)
    assert "new_password" in refusal.value.fields


def test_no_password_ever_reaches_the_audit_log(carol: User) -> None:
    operations.change_password(user=carol, new_password=NEW, current_password=PASSWORD, actor=carol, now=NOW)
    written = str(last_entry().detail)
    assert last_entry().verb == "user.password_changed"
    assert NEW not in written
    assert PASSWORD not in written


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_transaction_in_which_a_password_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    hashed = base_user.make_password

    def watched(password: str | None) -> str:
        held.append(connection.in_atomic_block)
        return hashed(password)

    monkeypatch.setattr(base_user, "make_password", watched)
    erin = operations.create_user(username="erin", password=PASSWORD, roles=[Role.CREATOR], actor=None, now=NOW)
    operations.change_password(user=erin, new_password=NEW, current_password=PASSWORD, actor=erin, now=NOW)
    operations.reset_password(user=erin, actor=None, now=NOW)
    operations.sign_up(username="frank", password=PASSWORD, now=NOW)
    assert held == [False] * 4


def test_a_password_that_is_reset_while_its_owner_changes_it_stays_reset(
    carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset_meanwhile(password: str, user: User, *, field: str) -> None:
        operations.reset_password(user=User.objects.get(pk=carol.pk), actor=None, now=NOW)

    monkeypatch.setattr(operations.users, "check_policy", reset_meanwhile)
    with pytest.raises(operations.WrongPassword):
        operations.change_password(user=carol, new_password=NEW, current_password=PASSWORD, actor=carol, now=NOW)
    carol.refresh_from_db()
    assert not carol.check_password(NEW)
    assert last_entry().verb == "user.password_reset"


def test_an_administrator_sets_a_password_that_its_owner_must_change(admin: User, carol: User) -> None:
    operations.change_password(user=carol, new_password=NEW, actor=admin, now=NOW)
    assert carol.must_change_password


def test_nobody_changes_the_password_of_somebody_else(carol: User, mallory: User) -> None:
    with pytest.raises(RoleRequired):
        operations.change_password(user=carol, new_password=NEW, current_password=PASSWORD, actor=mallory, now=NOW)


def test_roles_become_exactly_the_ones_asked_for(admin: User, alice: User) -> None:
    assert alice.roles == {Role.CREATOR}
    operations.set_roles(user=alice, roles=[Role.PUBLISHER, Role.OBSERVER], actor=admin, now=NOW)
    assert alice.roles == {Role.PUBLISHER, Role.OBSERVER}
    assert last_entry().detail["before"] == ["creator"]
    assert last_entry().detail["roles"] == ["observer", "publisher"]


def test_roles_that_somebody_else_changed_meanwhile_are_not_overwritten(admin: User, alice: User) -> None:
    operations.set_roles(user=alice, roles=[Role.OBSERVER], actor=admin, now=NOW)
    with pytest.raises(operations.RolesChanged, match="now they are observer"):
        operations.set_roles(user=alice, roles=[Role.ADMIN], seen=[Role.CREATOR], actor=admin, now=NOW)
    assert [grant.role for grant in alice.role_grants.all()] == ["observer"]


def test_roles_and_state_change_together_or_not_at_all(admin: User, alice: User) -> None:
    operations.set_roles(user=alice, roles=[Role.ADMIN], actor=admin, now=NOW)
    operations.set_active(active=False, user=admin, actor=alice, now=NOW)
    with pytest.raises(operations.LastAdministrator):
        operations.change_user(user=alice, roles=[Role.ADMIN, Role.CREATOR], active=False, actor=alice, now=NOW)
    assert [grant.role for grant in alice.role_grants.all()] == ["admin"]


def test_a_one_time_password_replaces_the_old_one_and_must_be_changed(admin: User, carol: User) -> None:
    password = operations.reset_password(user=carol, actor=admin, now=NOW)
    carol.refresh_from_db()
    assert carol.check_password(password)
    assert carol.must_change_password
    assert last_entry().verb == "user.password_reset"
    assert password not in str(last_entry().detail)
    operations.check_policy(password, carol, field="password")


def test_nobody_resets_their_own_password_nor_that_of_a_program(admin: User, carol: User) -> None:
    with pytest.raises(operations.NoPassword, match="your own"):
        operations.reset_password(user=admin, actor=admin, now=NOW)
    carol.is_service = True
    with pytest.raises(operations.NoPassword, match="keys"):
        operations.reset_password(user=carol, actor=admin, now=NOW)


def test_only_administrators_reset_passwords_and_end_sessions(carol: User, mallory: User) -> None:
    with pytest.raises(RoleRequired):
        operations.reset_password(user=carol, actor=mallory, now=NOW)
    with pytest.raises(RoleRequired):
        operations.end_sessions(user=carol, actor=mallory, now=NOW)


def test_whoever_works_on_the_server_itself_needs_no_role(carol: User) -> None:
    operations.set_roles(user=carol, roles=[Role.ADMIN], actor=None, now=NOW)
    assert last_entry().actor_name == "system"


def test_roles_that_do_not_change_are_said_to_be_so(admin: User, alice: User) -> None:
    with pytest.raises(operations.NothingToChange):
        operations.set_roles(user=alice, roles=[Role.CREATOR], actor=admin, now=NOW)


def test_nobody_gives_themselves_a_role(alice: User) -> None:
    with pytest.raises(RoleRequired):
        operations.set_roles(user=alice, roles=[Role.CREATOR, Role.ADMIN], actor=alice, now=NOW)
    assert not RoleGrant.objects.filter(role=Role.ADMIN).exists()


def test_the_last_administrator_stays(admin: User) -> None:
    with pytest.raises(operations.LastAdministrator):
        operations.set_roles(user=admin, roles=[Role.CREATOR], actor=admin, now=NOW)
    with pytest.raises(operations.LastAdministrator):
        operations.set_active(active=False, user=admin, actor=admin, now=NOW)


def test_a_disabled_administrator_does_not_count_as_one(admin: User, bob: User) -> None:
    operations.set_roles(user=bob, roles=[Role.PUBLISHER, Role.ADMIN], actor=admin, now=NOW)
    operations.set_active(active=False, user=bob, actor=admin, now=NOW)
    with pytest.raises(operations.LastAdministrator):
        operations.set_active(active=False, user=admin, actor=admin, now=NOW)


def test_a_second_administrator_may_go(admin: User, bob: User) -> None:
    operations.set_roles(user=bob, roles=[Role.ADMIN], actor=admin, now=NOW)
    operations.set_active(active=False, user=admin, actor=bob, now=NOW)
    assert not admin.is_active


def test_a_disabled_person_has_no_role_until_enabled_again(admin: User, carol: User) -> None:
    operations.set_active(active=False, user=carol, actor=admin, now=NOW)
    assert not carol.has_role(Role.SUBSCRIBER)
    assert (last_entry().verb, last_entry().detail["user_id"]) == ("user.disabled", carol.pk)
    operations.set_active(active=True, user=carol, actor=admin, now=NOW)
    assert carol.has_role(Role.SUBSCRIBER)


def test_disabling_twice_is_said_to_be_done_already(admin: User, carol: User) -> None:
    operations.set_active(active=False, user=carol, actor=admin, now=NOW)
    with pytest.raises(operations.NothingToChange):
        operations.set_active(active=False, user=carol, actor=admin, now=NOW)


@pytest.mark.parametrize("active", [False, True])
def test_only_administrators_shut_people_out_and_let_them_in(active: bool, carol: User, mallory: User) -> None:
    with pytest.raises(RoleRequired):
        operations.set_active(user=carol, active=active, actor=mallory, now=NOW)


def test_a_profile_belongs_to_its_person(carol: User, mallory: User) -> None:
    operations.update_profile(user=carol, first_name="Carol", last_name="Ng", email="", actor=carol, now=NOW)
    assert carol.display_name == "Carol Ng"
    with pytest.raises(RoleRequired):
        operations.update_profile(user=carol, first_name="X", last_name="", email="", actor=mallory, now=NOW)
