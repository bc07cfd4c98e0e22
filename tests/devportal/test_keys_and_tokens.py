"""Keys, secrets and tokens: made once, shown once, ended for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from oauth2_provider.models import AccessToken, RefreshToken

from accounts.models import User
from core.errors import Invalid
from core.models import AuditEntry
from devportal import operations, queries, tokens
from devportal.errors import KeysNotFound, TokenNotFound
from devportal.models import Application, KeyType, OAuthClient, TokenName
from devportal.operations.keys import KeysExist
from devportal.operations.tokens import GrantMissing
from devportal.permissions import NotYourApplication
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(carol: User) -> Application:
    return builders.application(carol)


# --- keys ----------------------------------------------------------------------------------------------------


def test_keys_are_a_client_that_acts_for_the_owner(app: Application, carol: User) -> None:
    made = operations.generate_keys(
        application=app,
        key_type="SANDBOX",
        grant_types=["refresh_token", "authorization_code"],
        callback_url="https://example.test/callback",
        token_seconds=600,
        actor=carol,
        now=NOW,
    )

    client = OAuthClient.objects.get()
    assert (client.application, client.user, client.key_type, client.token_seconds) == (app, carol, "SANDBOX", 600)
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.redirect_uris == "https://example.test/callback"
    assert client.client_type == "confidential"
    assert made.client == client


def test_the_secret_is_kept_as_a_digest_and_never_shown_by_accident(app: Application) -> None:
    made = builders.keys(app)

    stored = OAuthClient.objects.get().client_secret
    assert made.secret not in stored
    assert check_password(made.secret, stored)
    assert made.secret not in repr(made)


def test_keys_live_as_long_as_the_product_says_unless_told_otherwise(app: Application) -> None:
    assert builders.keys(app).client.token_seconds == 3600


def test_an_application_has_one_set_of_keys_of_each_type(app: Application) -> None:
    builders.keys(app, KeyType.PRODUCTION)
    builders.keys(app, KeyType.SANDBOX)

    with pytest.raises(KeysExist, match="production keys already"):
        builders.keys(app, KeyType.PRODUCTION)
    assert AuditEntry.objects.filter(verb="keys.generated").count() == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"grant_types": []}, "grant_types"),
        ({"grant_types": ["password", "client_credentials"]}, "grant_types"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        ({"grant_types": ["refresh_token", "client_credentials"]}, "grant_types"),
        ({"grant_types": ["authorization_code"]}, "callback_url"),
        ({"grant_types": ["authorization_code"], "callback_url": "http://example.test/"}, "callback_url"),
        ({"grant_types": ["authorization_code"], "callback_url": "https://example.test/#x"}, "callback_url"),
        ({"grant_types": ["authorization_code"], "callback_url": "https://a.test https://b.test"}, "callback_url"),
        ({"grant_types": ["authorization_code"], "callback_url": "javascript:alert(1)"}, "callback_url"),
        ({"grant_types": ["authorization_code"], "callback_url": "https://[::1"}, "callback_url"),
        ({"token_seconds": 0}, "token_seconds"),
        ({"token_seconds": 86_401}, "token_seconds"),
        ({"key_type": "STAGING"}, "key_type"),
    ],
)
def test_keys_that_cannot_work_are_refused_beside_the_field(
    app: Application, carol: User, given: dict[str, object], field: str
) -> None:
    wanted: dict[str, object] = {"key_type": "PRODUCTION", **given}
    with pytest.raises(Invalid) as caught:
        operations.generate_keys(application=app, actor=carol, now=NOW, **wanted)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [field]
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize("url", ["http://localhost:8000/cb", "http://127.0.0.1/cb", "http://[::1]/cb"])
def test_a_callback_on_this_computer_needs_no_encryption(app: Application, url: str) -> None:
    made = builders.keys(app, grant_types=["authorization_code"], callback_url=url)
    assert made.client.redirect_uris == url


def test_keys_are_changed_without_touching_the_secret(app: Application, carol: User) -> None:
    made = builders.keys(app)

    operations.update_keys(
        client=made.client,
        grant_types=["client_credentials", "authorization_code"],
        callback_url="https://example.test/cb",
        token_seconds=60,
        actor=carol,
        now=NOW,
    )

    client = OAuthClient.objects.get()
    assert (client.grant_types, client.token_seconds) == (["client_credentials", "authorization_code"], 60)
    assert check_password(made.secret, client.client_secret)
    assert AuditEntry.objects.filter(verb="keys.updated", detail__client_id=client.client_id).exists()


def test_a_regenerated_secret_replaces_the_old_one(app: Application, carol: User) -> None:
    made = builders.keys(app)
    issued = operations.generate_token(client=made.client, actor=carol, now=NOW)

    new = operations.regenerate_secret(client=made.client, revoke_tokens=False, actor=carol, now=NOW)

    stored = OAuthClient.objects.get().client_secret
    assert check_password(new, stored)
    assert not check_password(made.secret, stored)
    assert tokens.find(issued.token, NOW) is not None
    assert AuditEntry.objects.filter(verb="keys.secret_regenerated").count() == 1


def test_regenerating_may_end_all_tokens_refresh_tokens_included(app: Application, carol: User) -> None:
    client = builders.keys(app).client
    issued = operations.generate_token(client=client, actor=carol, now=NOW)
    refresh = RefreshToken.objects.create(user=carol, application=client, token="r", access_token=issued.row)

    operations.regenerate_secret(client=client, revoke_tokens=True, actor=carol, now=NOW)

    assert tokens.find(issued.token, NOW) is None
    refresh.refresh_from_db()
    assert refresh.revoked == NOW
    assert AuditEntry.objects.get(verb="token.revoked").actor == carol


def test_nobody_else_touches_the_keys(app: Application, mallory: User) -> None:
    client = builders.keys(app).client
    with pytest.raises(NotYourApplication):
        operations.generate_keys(application=app, key_type="SANDBOX", actor=mallory, now=NOW)
    with pytest.raises(NotYourApplication):
        operations.regenerate_secret(client=client, revoke_tokens=False, actor=mallory, now=NOW)
    with pytest.raises(NotYourApplication):
        operations.generate_token(client=client, actor=mallory, now=NOW)


def test_a_service_account_has_no_keys_here(carol: User) -> None:
    client = OAuthClient.objects.create(user=carol, client_type="confidential")
    with pytest.raises(KeysNotFound):
        operations.generate_token(client=client, actor=carol, now=NOW)
    with pytest.raises(KeysNotFound):
        operations.regenerate_secret(client=client, revoke_tokens=False, actor=carol, now=NOW)


# --- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("token_type", "parts"), [("JWT", 3), ("OAUTH", 1)])
def test_a_token_is_of_the_applications_type_and_kept_as_a_digest(carol: User, token_type: str, parts: int) -> None:
    client = builders.keys(builders.application(carol, token_type=token_type)).client

    issued = operations.generate_token(client=client, actor=carol, now=NOW)

    row = AccessToken.objects.get()
    assert len(issued.token.split(".")) == parts
    assert (row.token, row.token_checksum) == ("", tokens.digest(issued.token))
    assert (row.user, row.scope, row.expires) == (None, "default", NOW + timedelta(hours=1))
    assert issued.expires_at == row.expires


def test_the_audit_log_says_who_issued_a_token_and_holds_nothing_of_it(app: Application, carol: User) -> None:
    issued = operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)

    row = AuditEntry.objects.get(verb="token.issued")
    assert (row.actor, row.object_id, row.detail["application_id"]) == (carol, str(issued.row.pk), str(app.pk))
    assert issued.token not in str(row.detail)


def test_a_token_may_live_shorter_than_its_keys_say(app: Application, carol: User) -> None:
    issued = operations.generate_token(client=builders.keys(app).client, seconds=5, actor=carol, now=NOW)
    assert issued.expires_at == NOW + timedelta(seconds=5)


def test_a_token_carries_scopes_that_the_subscribed_apis_ask_for(app: Application, bob: User, carol: User) -> None:
    chat = builders.api(bob, "Chat", topics=[{"target": "/rooms/{id}", "verbs": ["subscribe"], "scopes": ["chat"]}])
    builders.subscription(app, chat)
    client = builders.keys(app).client

    issued = operations.generate_token(client=client, scopes=["chat", "chat", "default"], actor=carol, now=NOW)

    assert issued.row.scope == "chat default"
    assert queries.scopes_of(app) == ["default", "chat"]


@pytest.mark.parametrize("name", ["Chat on the web shop", "聊天", "متجر الويب", "x" * 60])
def test_a_named_token_says_its_name_in_the_audit_log_and_takes_it_with_it(
    app: Application, carol: User, name: str
) -> None:
    client = builders.keys(app).client

    issued = operations.generate_token(client=client, name=f"  {name} ", actor=carol, now=NOW)

    assert TokenName.objects.get().token == issued.row
    assert queries.active_tokens(client, NOW).get().given.name == name
    operations.revoke_token(row=AccessToken.objects.get(), actor=carol, now=NOW)
    said = AuditEntry.objects.filter(kind="token").order_by("pk").values_list("verb", "detail__name")
    assert list(said) == [("token.issued", name), ("token.revoked", name)]
    assert not TokenName.objects.exists()


def test_a_name_goes_with_its_token_whatever_else_goes(app: Application, carol: User) -> None:
    operations.generate_token(client=builders.keys(app).client, name="Web shop", actor=carol, now=NOW)
    operations.delete_application(application=app, actor=carol, now=NOW)
    assert AuditEntry.objects.get(verb="token.revoked").detail["name"] == "Web shop"
    assert not TokenName.objects.exists()


@pytest.mark.parametrize("name", ["", "  "])
def test_a_token_without_a_name_gets_none(app: Application, carol: User, name: str) -> None:
    operations.generate_token(client=builders.keys(app).client, name=name, actor=carol, now=NOW)
    assert not TokenName.objects.exists()
    assert AuditEntry.objects.get(verb="token.issued").detail["name"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"seconds": 0}, "seconds"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"name": "x" * 61}, "name"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_a_token_that_cannot_be_is_refused_beside_the_field(
    app: Application, carol: User, given: dict[str, object], field: str
) -> None:
    client = builders.keys(app).client
    with pytest.raises(Invalid) as caught:
        operations.generate_token(client=client, actor=carol, now=NOW, **given)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [field]
    assert not AccessToken.objects.exists()


def test_keys_without_client_credentials_give_no_token_here(app: Application, carol: User) -> None:
    made = builders.keys(app, grant_types=["authorization_code"], callback_url="https://example.test/cb")
    with pytest.raises(GrantMissing, match="client credentials"):
        operations.generate_token(client=made.client, actor=carol, now=NOW)


def test_keys_that_went_meanwhile_give_no_token(app: Application, carol: User) -> None:
    made = builders.keys(app)
    OAuthClient.objects.all().delete()
    with pytest.raises(KeysNotFound):
        operations.generate_token(client=made.client, actor=carol, now=NOW)


def test_a_revoked_token_is_gone_and_the_audit_log_says_who(app: Application, carol: User) -> None:
    issued = operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)
    token_id = issued.row.pk

    operations.revoke_token(row=issued.row, actor=carol, now=NOW)

    assert not AccessToken.objects.exists()
    row = AuditEntry.objects.get(verb="token.revoked")
    assert (row.actor, row.object_id) == (carol, str(token_id))


def test_revoking_twice_is_said(app: Application, carol: User) -> None:
    issued = operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)
    again = AccessToken.objects.get()
    operations.revoke_token(row=issued.row, actor=carol, now=NOW)
    with pytest.raises(TokenNotFound):
        operations.revoke_token(row=again, actor=carol, now=NOW)


def test_nobody_else_revokes_a_token(app: Application, carol: User, mallory: User, admin: User) -> None:
    issued = operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)
    for other in (mallory, admin):
        with pytest.raises(NotYourApplication):
            operations.revoke_token(row=issued.row, actor=other, now=NOW)
