"""Applications that are shared: who may do what, and what ends when the sharing does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken
from oauthlib.common import Request

from accounts import operations as accounts
from accounts.models import Notification, User
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEntry
from devportal import memberships, news, operations, queries, sharing, tokens
from devportal.errors import ApiNotListed, ApplicationNotFound, KeysNotFound
from devportal.memberships import affected_by
from devportal.models import Application, ClientSecret, Membership
from devportal.oauth.validator import Validator
from devportal.sharing import Right
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(carol: User) -> Application:
    return builders.application(carol, "Chat")


def share(app: Application, person: User, right: Right) -> Membership:
    return operations.add_member(application=app, name=person.username, right=right, actor=app.owner, now=NOW)


def test_what_is_shared_is_found_by_those_it_is_shared_with_and_says_whose_it_is(
    app: Application, mallory: User, carol: User, client: Client
) -> None:
    with pytest.raises(ApplicationNotFound):
        queries.application_for(mallory, app.pk)

    share(app, mallory, Right.SEE)

    assert queries.application_for(mallory, app.pk) == app
    assert "shares the application Chat with you. You may see it." in Notification.objects.get(user=mallory).sentence
    client.force_login(mallory)
    assert "shared by <bdi>carol" in client.get("/devportal/applications", secure=True).content.decode()
    page = client.get(f"/devportal/applications/{app.pk}", secure=True).content.decode()
    assert "shares it with you" in page
    assert "Give away" not in page
    assert "Subscribe to an API" not in page


def test_each_right_includes_those_before_it_and_nothing_more(app: Application, carol: User, mallory: User) -> None:
    keys = builders.keys(app).client
    member = share(app, mallory, Right.SEE)
    by = {"actor": mallory, "now": NOW}
    fields = {"name": "Mine", "description": "", "plan": app.plan, "token_type": "JWT"}
    deeds = {
        Right.KEYS: lambda: operations.generate_token(client=keys, **by),
        Right.MANAGE: lambda: operations.update_application(application=app, **fields, **by),
        Right.OWN: lambda: operations.delete_application(application=app, **by),
    }
    for right in sharing.GIVEN:
        Membership.objects.filter(pk=member.pk).update(right=right)
        for needed, deed in deeds.items():
            if right >= needed:
                deed()
            else:
                with pytest.raises(NotAllowed):
                    deed()
    with pytest.raises(NotAllowed):
        operations.add_member(application=app, name="alice", right=Right.SEE, **by)
    with pytest.raises(NotAllowed):
        operations.transfer_application(application=app, to="mallory", **by)


def test_removing_somebody_ends_what_they_made_and_nothing_else(app: Application, carol: User, mallory: User) -> None:
    made = builders.keys(app)
    member = share(app, mallory, Right.MANAGE)
    mine = operations.generate_token(client=made.client, actor=carol, now=NOW)
    theirs = operations.generate_token(client=made.client, actor=mallory, now=NOW)
    operations.add_secret(client=made.client, name="Carol's", seconds=None, actor=carol, now=NOW)
    operations.add_secret(client=made.client, name="Mallory's", seconds=None, actor=mallory, now=NOW)
    assert memberships.makings_in(app)[mallory.pk] == (1, 1)

    operations.remove_member(member=member, actor=carol, now=NOW)

    assert [row.pk for row in AccessToken.objects.all()] == [mine.row.pk]
    assert ClientSecret.objects.get().name == "Carol's"
    revoked = AuditEntry.objects.get(verb="token.revoked")
    assert (revoked.actor, revoked.detail["token_id"]) == (carol, theirs.row.pk)
    removed = AuditEntry.objects.get(verb="member.removed")
    assert (removed.detail["tokens"], removed.detail["secrets"]) == (1, 1)
    with pytest.raises(KeysNotFound):
        queries.own_keys(mallory, str(made.client.pk))


def test_a_first_secret_ends_with_whoever_made_it(app: Application, carol: User, mallory: User) -> None:
    client = builders.keys(app).client
    member = share(app, mallory, Right.MANAGE)
    operations.regenerate_secret(client=client, actor=mallory, now=NOW)
    client.refresh_from_db()
    known = client.client_secret

    operations.change_right(member=member, right=Right.KEYS, actor=carol, now=NOW)

    client.refresh_from_db()
    assert (client.client_secret != known, client.secret_by, client.user) == (True, None, carol)


def test_whoever_leaves_is_not_asked_and_the_owner_is_told(app: Application, carol: User, mallory: User) -> None:
    operations.remove_member(member=share(app, mallory, Right.KEYS), actor=mallory, now=NOW)

    assert not app.members.exists()
    assert "mallory has left the application Chat" in Notification.objects.get(user=carol).sentence


def test_an_account_that_goes_leaves_keys_of_others_as_they_are(app: Application, mallory: User) -> None:
    share(app, mallory, Right.MANAGE)
    keys = operations.generate_keys(application=app, key_type="SANDBOX", actor=mallory, now=NOW)

    operations.applications.delete_applications_of(mallory, NOW)
    mallory.delete()

    assert app.clients.get() == keys.client


def test_whom_to_share_with_is_said_by_name_or_by_an_address_that_was_confirmed(
    app: Application, carol: User, mallory: User, admin: User
) -> None:
    User.objects.filter(pk=mallory.pk).update(email="m@example.test", confirmed_email="m@example.test")
    User.objects.filter(pk=admin.pk).update(email="a@example.test")
    by = {"application": app, "right": Right.SEE, "actor": carol, "now": NOW}

    operations.add_member(name="M@Example.test", **by)

    for name, refusal in (("mallory", Conflict), ("a@example.test", Invalid), ("carol", Invalid), ("", Invalid)):
        with pytest.raises(refusal):
            operations.add_member(name=name, **by)


def test_nobody_gets_into_an_api_through_an_application_of_somebody_who_may_not(
    app: Application, mallory: User, alice: User, bob: User
) -> None:
    alice.role_grants.create(role="subscriber")
    share(app, alice, Right.MANAGE)
    api = builders.api(bob, visibility="RESTRICTED", visible_roles=["creator"])
    with pytest.raises(ApiNotListed):
        operations.subscribe(application=app, api=api, plan=builders.plan(), actor=alice, now=NOW)


def test_groups_over_rest_are_the_people_and_what_they_may_do(
    app: Application, carol: User, mallory: User, admin: User, client: Client
) -> None:
    client.force_login(carol)
    address = f"/api/am/devportal/v3/applications/{app.pk}"

    def put(groups: list[str], name: str = "Chat") -> tuple[int, list[str] | str]:
        body = {"name": name, "groups": groups}
        answer = client.put(address, body, "application/json", secure=True)
        return answer.status_code, answer.json().get("groups", answer.json().get("description"))

    assert put(["mallory:manage", "admin"]) == (200, ["admin", "mallory:manage"])
    assert put(["mallory"]) == (200, ["mallory"])
    assert put(["nobody-there"])[0] == put(["mallory:own"])[0] == 400
    assert client.get("/api/am/devportal/v3/applications", secure=True).json()["list"][0]["groups"] == ["mallory"]
    put(["mallory:manage"])
    client.force_login(mallory)
    assert put(["mallory:manage"], name="Ours") == (200, ["mallory:manage"])
    assert put([])[0] == 403
    made = {"name": "Mine", "groups": ["carol:see"]}
    made = client.post("/api/am/devportal/v3/applications", made, "application/json", secure=True).json()
    assert made["groups"] == ["carol:see"]


def test_people_are_added_changed_and_removed_on_their_page(
    app: Application, carol: User, mallory: User, client: Client
) -> None:
    client.force_login(carol)
    address = f"/devportal/applications/{app.pk}/members"

    wrong = client.post(address, {"name": "nobody-there", "right": "2"}, secure=True)
    assert wrong.status_code == 400
    assert "There is no developer called nobody-there" in wrong.content.decode()
    client.post(address, {"name": "Mallory", "right": "2"}, secure=True)
    member = app.members.get()
    client.post(f"{address}/{member.pk}/rights", {"right": "3"}, secure=True)
    member.refresh_from_db()
    assert member.right == Right.MANAGE
    assert "May manage it" in client.get(address, secure=True).content.decode()
    client.post(f"{address}/{member.pk}/deletions", secure=True)
    assert not app.members.exists()


def test_what_a_disabled_person_made_is_suspended_until_they_are_enabled(
    app: Application, admin: User, mallory: User, carol: User
) -> None:
    keys = builders.keys(app)
    share(app, mallory, Right.MANAGE)
    now = timezone.now()
    by = {"actor": mallory, "now": now}
    made = operations.generate_token(client=keys.client, **by)
    further, _ = operations.add_secret(client=keys.client, name="Her script", seconds=None, **by)
    theirs = operations.generate_token(client=keys.client, actor=carol, now=now)
    validator = Validator()

    def works(secret: str) -> bool:
        shown = {"client_id": keys.client.client_id, "client_secret": secret}
        return bool(validator.authenticate_client(Request("https://apim.test/oauth2/token", "POST", shown)))

    assert tokens.find(made.token, now)
    assert works(further)

    accounts.set_active(active=False, user=mallory, actor=admin, now=now)

    assert tokens.find(made.token, now) is None
    assert tokens.find(theirs.token, now), "what the others made goes on"
    assert works(keys.secret)
    assert not works(further)
    suspended = AuditEntry.objects.get(verb="user.disabled").detail
    assert (suspended["tokens"], suspended["secrets"]) == (1, 1)
    told = Notification.objects.filter(user=carol).latest("pk").sentence
    assert "what they made of Chat does not work (1 token and 1 secret)" in told

    accounts.set_active(active=True, user=mallory, actor=admin, now=now)
    first = operations.regenerate_secret(client=keys.client, **by)
    assert tokens.find(made.token, now)
    assert works(further)
    assert works(first)

    accounts.set_active(active=False, user=mallory, actor=admin, now=now)
    assert not works(first), "the first secret too, where it was they who made it"


def test_before_somebody_is_disabled_it_is_said_what_of_others_stops(
    app: Application, admin: User, mallory: User, client: Client
) -> None:
    keys = builders.keys(app).client
    share(app, mallory, Right.KEYS)
    operations.generate_token(client=keys, actor=mallory, now=timezone.now())
    client.force_login(admin)
    page = client.get(f"/admin/users/{mallory.pk}", secure=True).content.decode()
    assert "1 token that they made of applications of others stops working." in page


def test_what_breaks_clients_is_told_to_those_who_manage_them_too(app: Application, alice: User, mallory: User) -> None:
    api = builders.api(alice)
    builders.subscription(app, api)
    member = share(app, mallory, Right.KEYS)
    assert set(affected_by(api)) == {app.owner}
    operations.change_right(member=member, right=Right.MANAGE, actor=app.owner, now=NOW)
    assert affected_by(api) == {app.owner: ["Chat"], mallory: ["Chat"]}
    assert set(news.users_of(api)) == {app.owner, mallory}
