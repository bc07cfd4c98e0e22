"""Creating, changing and deleting applications."""

from __future__ import annotations

from datetime import timedelta

import pytest
from oauth2_provider.models import AccessToken

from accounts.models import RoleGrant, User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.models import AuditEntry
from devportal import operations, queries
from devportal.bootstrap import ensure_application_plans
from devportal.errors import ApplicationNotFound
from devportal.models import Application, ApplicationPlan, OAuthClient, Subscription
from devportal.operations.applications import ApplicationNameTaken
from devportal.permissions import NotYourApplication
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def application_plans(db: None) -> None:
    ensure_application_plans()


def test_a_developer_creates_an_application_under_the_default_plan(carol: User) -> None:
    made = operations.create_application(name="  Chat client ", description=" Talks ", actor=carol, now=NOW)

    kept = Application.objects.get(pk=made.pk)
    assert (kept.owner, kept.name, kept.description) == (carol, "Chat client", "Talks")
    assert (kept.plan.name, kept.token_type, kept.created_at) == ("Unlimited", "JWT", NOW)


def test_creating_is_in_the_audit_log(carol: User) -> None:
    made = operations.create_application(name="Chat client", actor=carol, now=NOW)

    row = AuditEntry.objects.get(verb="application.created")
    assert (row.actor, row.kind, row.object_id, row.at) == (carol, "application", str(made.pk), NOW)
    assert row.detail == {"application_id": str(made.pk), "name": "Chat client"}


def test_somebody_without_the_subscriber_role_is_told_so(alice: User) -> None:
    with pytest.raises(RoleRequired, match="subscriber role"):
        operations.create_application(name="Chat client", actor=alice, now=NOW)
    assert not Application.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Chat", "description": "x" * 513}, "description"),
        ({"name": "Chat", "token_type": "SAML"}, "token_type"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(carol: User, given: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        operations.create_application(**given, actor=carol, now=NOW)
    assert list(caught.value.fields) == [field]


def test_the_longest_name_and_description_are_kept_whole(carol: User) -> None:
    made = operations.create_application(name="x" * 100, description="y" * 512, actor=carol, now=NOW)
    assert len(made.name) == 100


@pytest.mark.parametrize("name", ["Chat\u202etneilc", "Chat\nclient", "Chat\u200bclient", "Chat\0client"])
def test_a_name_holds_nothing_that_is_not_seen(carol: User, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        builders.application(carol, name)
    assert "not seen" in refusal.value.fields["name"]


def test_a_name_is_unique_for_its_owner_in_any_case_of_letters(carol: User, mallory: User) -> None:
    operations.create_application(name="Chat client", actor=carol, now=NOW)

    with pytest.raises(ApplicationNameTaken, match="CHAT CLIENT"):
        operations.create_application(name="CHAT CLIENT", actor=carol, now=NOW)
    operations.create_application(name="Chat client", actor=mallory, now=NOW)
    assert AuditEntry.objects.filter(verb="application.created").count() == 2


def test_an_application_is_changed_whole(carol: User) -> None:
    app = builders.application(carol, "Chat client")
    later = NOW + timedelta(hours=1)
    small = ApplicationPlan.objects.get(name="10PerMin")

    operations.update_application(
        application=app, name="Chat 2", description="new", plan=small, token_type="OAUTH", actor=carol, now=later
    )

    kept = Application.objects.get(pk=app.pk)
    assert (kept.name, kept.description, kept.plan, kept.token_type) == ("Chat 2", "new", small, "OAUTH")
    assert (kept.created_at, kept.updated_at) == (NOW, later)
    assert AuditEntry.objects.filter(verb="application.updated", object_id=str(app.pk)).count() == 1


def test_an_application_cannot_take_the_name_of_another(carol: User) -> None:
    builders.application(carol, "Chat client")
    other = builders.application(carol, "Ticker")

    with pytest.raises(ApplicationNameTaken):
        _rename(other, "chat CLIENT", carol)
    assert _rename(other, "TICKER", carol).name == "TICKER"


def test_only_the_owner_changes_or_deletes_an_application(carol: User, mallory: User, admin: User) -> None:
    app = builders.application(carol)

    for other in (mallory, admin):
        with pytest.raises(NotYourApplication):
            _rename(app, "Mine now", other)
        with pytest.raises(NotYourApplication):
            operations.delete_application(application=app, actor=other, now=NOW)


def test_an_owner_who_lost_the_role_may_look_but_not_change(carol: User) -> None:
    app = builders.application(carol)
    RoleGrant.objects.filter(user=carol).delete()
    carol = User.objects.get(pk=carol.pk)

    with pytest.raises(RoleRequired):
        _rename(app, "Still mine", carol)
    assert queries.application_for(carol, app.pk) == app


def test_deleting_takes_subscriptions_keys_and_tokens_along(carol: User, bob: User) -> None:
    app = builders.application(carol)
    builders.subscription(app, builders.api(bob))
    operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)

    operations.delete_application(application=app, actor=carol, now=NOW)

    for model in (Application, Subscription, OAuthClient, AccessToken):
        assert not model.objects.exists(), model
    row = AuditEntry.objects.get(verb="application.deleted")
    assert row.detail["application_id"] == str(app.pk)
    assert (row.detail["subscriptions"], row.detail["tokens"]) == (1, 1)


def test_tokens_that_end_with_their_application_are_in_the_audit_log_with_who_did_it(carol: User) -> None:
    app = builders.application(carol)
    issued = operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)
    token_id = issued.row.pk

    operations.delete_application(application=app, actor=carol, now=NOW)

    row = AuditEntry.objects.get(verb="token.revoked")
    assert (row.object_id, row.actor, row.at) == (str(token_id), carol, NOW)
    assert row.detail["application_id"] == str(app.pk)


def test_what_somebody_else_deleted_first_is_not_found(carol: User) -> None:
    app = builders.application(carol)
    Application.objects.filter(pk=app.pk).delete()

    with pytest.raises(ApplicationNotFound):
        operations.delete_application(application=app, actor=carol, now=NOW)
    with pytest.raises(ApplicationNotFound):
        _rename(app, "Ghost", carol)


def test_ensuring_the_plans_twice_changes_nothing() -> None:
    ApplicationPlan.objects.filter(name="10PerMin").update(description="Ours")

    ensure_application_plans()

    assert set(ApplicationPlan.objects.values_list("name", "per_minute")) == {
        ("10PerMin", 10),
        ("20PerMin", 20),
        ("50PerMin", 50),
        ("Unlimited", None),
    }
    assert ApplicationPlan.objects.get(name="10PerMin").description == "Ours"


def _rename(app: Application, name: str, actor: User) -> Application:
    return operations.update_application(
        application=app,
        name=name,
        description=app.description,
        plan=app.plan,
        token_type=app.token_type,
        actor=actor,
        now=NOW,
    )
