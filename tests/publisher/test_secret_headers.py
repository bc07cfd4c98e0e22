"""Secrets in headers for backends: written, never read back, sealed wherever they lie, and known to the gateway."""

from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from websockets.http11 import Request
from websockets.sync.server import ServerConnection

from accounts.models import User
from core import vault
from core.errors import Invalid
from core.models import AuditEntry
from gateway.control.loaders import load_deployments
from publisher import operations, snapshots
from publisher.endpoint import HIDDEN
from publisher.forms import EndpointForm
from publisher.models import Api, Revision
from tests.publisher.builders import BACKEND, LATER, NOW, as_posted, make_api
from tests.publisher.test_endpoint_check import backend
from tests.rest.conftest import PUBLISHER

CANARY = "canary-7f3a-in-a-coal-mine"
CONFIG: dict[str, Any] = {
    "endpoint_type": "ws",
    "production_endpoints": {"url": BACKEND},
    "options": {"headers": {"X-Client": "gateway"}, "secret_headers": {"X-Backend-Key": CANARY}},
}


@pytest.fixture(autouse=True)
def vault_key(tmp_path: Path, settings: LazySettings) -> Path:
    """A key file of this test's own."""
    settings.VAULT_KEY_FILE = tmp_path / "vault_key"
    settings.VAULT_KEY_FILE.write_text(vault.rotated())
    return tmp_path / "vault_key"


def _with_secret(user: User, value: str = CANARY) -> Api:
    options = {"headers": {"X-Client": "gateway"}, "secret_headers": {"X-Backend-Key": value}}
    return make_api(user, endpoint_options=options)


def _everything_stored() -> str:
    """Every row of every table, and the file itself where the database is one."""
    rows = [repr(list(model._default_manager.values())) for model in apps.get_models()]
    name = Path(str(connection.settings_dict["NAME"]))
    files = [path.read_bytes().decode("latin-1") for path in name.parent.glob(f"{name.name}*")] if name.exists() else []
    return "".join([*rows, *files])


@pytest.mark.django_db(transaction=True)
def test_no_answer_and_no_row_holds_the_secret_and_the_gateway_knows_it(
    admin: User, observer: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.force_login(admin)
    body = {"name": "Echo", "context": "/echo", "version": "1.0.0", "endpointConfig": CONFIG}
    made = client.post(f"{PUBLISHER}/apis", body, content_type="application/json")
    path = f"{PUBLISHER}/apis/{made.json()['id']}"
    api = Api.objects.get()
    operations.deploy_revision(api=api, actor=admin, now=NOW)
    operations.create_version(api=api, version="2", actor=admin, now=NOW)
    operations.restore_revision(api=api, revision=Revision.objects.get(), actor=admin, now=NOW)

    told = [made.content.decode(), client.get(reverse("publisher:endpoint", args=[api.pk])).content.decode()]
    client.force_login(observer)
    told += [client.get(f"{path}{part}").content.decode() for part in ("", "/revisions", "/lifecycle-history")]
    told += [client.get(reverse(f"publisher:{page}", args=[api.pk])).content.decode() for page in ("api", "endpoint")]
    assert client.get(path).json()["endpointConfig"]["options"]["secret_headers"] == {"X-Backend-Key": HIDDEN}

    assert not [text for text in told if CANARY in text]
    assert CANARY not in _everything_stored()
    assert CANARY not in caplog.text
    (deployed,) = [each for each in load_deployments() if each.revision_id]
    assert deployed.design.options.headers == {"X-Client": "gateway", "X-Backend-Key": CANARY}
    assert CANARY not in repr(deployed)


@pytest.mark.django_db
def test_what_was_read_can_be_sent_back_and_keeps_the_secret(admin: User, client: Client) -> None:
    api = _with_secret(admin)
    client.force_login(admin)
    path = f"{PUBLISHER}/apis/{api.pk}"
    read = client.get(path).json()
    rows = AuditEntry.objects.count()
    client.put(path, read, content_type="application/json")
    assert (AuditEntry.objects.count(), Api.objects.get().endpoint_options) == (rows, api.endpoint_options)

    read["endpointConfig"]["options"]["retries"] = 2
    assert client.put(path, read, content_type="application/json").status_code == 200
    stored = Api.objects.get().endpoint_options
    assert stored["secret_headers"] == api.endpoint_options["secret_headers"]
    assert stored["retries"] == 2

    read["endpointConfig"]["options"]["secret_headers"] = {"x-backend-key": CANARY}
    client.put(path, read, content_type="application/json")
    assert list(Api.objects.get().endpoint_options["secret_headers"].values()) == list(
        stored["secret_headers"].values()
    ), "the same value is no change"


@pytest.mark.django_db
def test_the_endpoint_page_keeps_changes_and_drops_a_secret(admin: User, client: Client) -> None:
    api = _with_secret(admin)
    client.force_login(admin)

    def save(lines: str) -> dict[str, str]:
        sent = {**EndpointForm.initial_of(Api.objects.get()), "secret_headers": lines}
        answer = client.post(reverse("publisher:endpoint", args=[api.pk]), as_posted(sent))
        assert answer.status_code == 302, answer.content
        stored = Api.objects.get().endpoint_options["secret_headers"]
        return {name: vault.unseal(value) for name, value in stored.items()}

    assert EndpointForm.initial_of(api)["secret_headers"] == f"X-Backend-Key: {HIDDEN}"
    assert save(f"X-Backend-Key: {HIDDEN}\nX-More: b") == {"X-Backend-Key": CANARY, "X-More": "b"}
    assert save(f"X-Backend-Key: new\nX-More: {HIDDEN}") == {"X-Backend-Key": "new", "X-More": "b"}
    assert save("") == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "secret_headers",
    [
        {"X-Other": HIDDEN},
        {"X-Client": "twice"},
        {"Host": "x"},
        {"X Y": "x"},
        {"X-A": "ü"},
        {"a": "1", "A": "2"},
        ["x"],
    ],
)
def test_a_secret_that_cannot_be_kept_is_refused_at_its_field(admin: User, secret_headers: Any) -> None:
    api = _with_secret(admin)
    options = {"headers": {"x-client": "gateway"}, "secret_headers": secret_headers}
    with pytest.raises(Invalid) as refused:
        operations.update_api(api=api, changes={"endpoint_options": options}, actor=admin, now=LATER)
    assert refused.value.fields.keys() == {"secret_headers"}
    assert CANARY not in str(refused.value)


OWN = "ws://mallory.example:9900/echo"


@pytest.fixture(autouse=True)
def names_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host name of these tests is somewhere on the internet."""
    monkeypatch.setattr("publisher.ssrf.why_refused", lambda url: "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"production": {"url": OWN}},
        {"sandbox": {"url": OWN}},
        {"production": {"url": BACKEND, "failover": [OWN]}},
        {"production": {"url": BACKEND.replace("9900", "9901")}},
        {"production": {"url": "wss://localhost/echo"}},
        {"production": {"url": OWN}, "endpoint_options": {"secret_headers": {"x-backend-key": HIDDEN}}},
        {"production": {"url": OWN}, "endpoint_options": {"secret_headers": {"X-Backend-Key": HIDDEN, "X-B": "b"}}},
    ],
)
def test_a_secret_is_asked_for_again_when_another_host_would_get_it(alice: User, changes: dict[str, Any]) -> None:
    api = _with_secret(alice)
    with pytest.raises(Invalid) as refused:
        operations.update_api(api=api, changes=changes, actor=alice, now=LATER)
    assert refused.value.fields.keys() == {"secret_headers"}
    assert "Give the value of" in str(refused.value)
    assert Api.objects.get().production == api.production
    assert Api.objects.get().endpoint_options == api.endpoint_options


@pytest.mark.django_db
def test_no_way_round_brings_a_secret_to_another_host(alice: User) -> None:
    api = _with_secret(alice)
    operations.create_revision(api=api, actor=alice, now=NOW)
    nowhere = {"production": {"url": ""}, "sandbox": {"url": ""}}
    operations.update_api(api=api, changes=nowhere, actor=alice, now=LATER)
    copy = operations.create_version(api=Api.objects.get(), version="2", actor=alice, now=LATER)
    for row in (Api.objects.get(pk=api.pk), copy):
        with pytest.raises(Invalid, match="is another host than the one for which"):
            operations.update_api(api=row, changes={"production": {"url": OWN}}, actor=alice, now=LATER)
    with pytest.raises(Invalid, match="No value is kept"):
        make_api(alice, name="B", context="/b", endpoint=OWN, endpoint_options={"secret_headers": {"X": HIDDEN}})


@pytest.mark.django_db
def test_a_secret_that_was_entered_for_another_host_meanwhile_is_not_overwritten_by_one_that_is_kept(
    alice: User,
) -> None:
    """Both requests have read the row before either wrote: the second still has the sealed value for the old host."""
    api = _with_secret(alice)
    junk = {
        "production": {"url": OWN},
        "sandbox": {},
        "endpoint_options": {"secret_headers": {"X-Backend-Key": "junk"}},
    }
    operations.update_api(api=api, changes=junk, actor=alice, now=LATER)
    keep = {"endpoint_options": {"retries": 1, "secret_headers": {"X-Backend-Key": HIDDEN}}}
    with pytest.raises(Invalid, match="has changed meanwhile"):
        operations.update_api(api=api, changes=keep, actor=alice, now=LATER)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {
            "production": {"url": BACKEND.replace("/echo", "/else")},
            "sandbox": {"url": BACKEND.upper().replace("WS:", "ws:")},
        },
        {"sandbox": {"url": ""}},
        {"production": {"url": OWN}, "endpoint_options": {"secret_headers": {}}},
        {"production": {"url": OWN}, "endpoint_options": {"secret_headers": {"x-backend-key": CANARY}}},
        {"production": {"url": OWN}, "endpoint_options": {"secret_headers": {"X-Backend-Key": "another"}}},
    ],
)
def test_the_same_host_and_a_value_that_is_given_again_are_no_reason_to_ask(
    alice: User, changes: dict[str, Any]
) -> None:
    saved = operations.update_api(api=_with_secret(alice), changes=changes, actor=alice, now=LATER)
    assert saved.updated_at == LATER


@pytest.mark.django_db
def test_the_page_and_rest_ask_for_the_secret_again_and_keep_the_rest(
    alice: User, client: Client, observer: User
) -> None:
    api = _with_secret(alice)
    client.force_login(alice)
    page = reverse("publisher:endpoint", args=[api.pk])
    sent = {**EndpointForm.initial_of(api), "production_url": OWN, "retries": "3"}
    answer = client.post(page, as_posted(sent))
    assert answer.status_code == 400
    form = answer.context["form"]
    assert form.errors.keys() == {"secret_headers"}
    assert (form["production_url"].value(), form["retries"].value()) == (OWN, "3")
    assert answer.context["advanced_is_open"]
    assert client.post(page, as_posted({**sent, "secret_headers": "X-Backend-Key: new"})).status_code == 302
    assert Api.objects.get().production["url"] == OWN

    path = f"{PUBLISHER}/apis/{api.pk}"
    config = client.get(path).json()["endpointConfig"]
    config["production_endpoints"]["url"] = BACKEND.replace("localhost", "elsewhere.example")
    refused = client.put(path, {**client.get(path).json(), "endpointConfig": config}, content_type="application/json")
    assert refused.status_code == 400
    assert "elsewhere.example:9900 is another host" in refused.json()["description"]


@pytest.mark.django_db
def test_a_stored_secret_is_not_sent_to_an_address_that_is_only_tried(
    admin: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, tried = _with_secret(admin), []
    monkeypatch.setattr("publisher.endpoint_check.dial", lambda url, options, patience: tried.append(options) or 1 / 0)
    client.force_login(admin)
    sent = {
        **EndpointForm.initial_of(api),
        "test": "production_url",
        "secret_headers": f"X-Backend-Key: {HIDDEN}\nB: 1",
    }
    answer = client.post(reverse("publisher:endpoint-tests"), as_posted(sent))
    assert tried[0].headers == {"X-Client": "gateway", "B": "1"}
    assert b"type their values to try with them" in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["endpoint", "create"])
def test_the_button_sends_a_backend_the_headers_that_it_says_it_sends(admin: User, client: Client, page: str) -> None:
    seen: list[dict[str, str]] = []

    def note(connection: ServerConnection, request: Request) -> None:
        seen.append({name.lower(): value for name, value in request.headers.raw_items()})

    client.force_login(admin)
    with backend(note) as place:
        sent = {"test": "endpoint", "endpoint": f"ws://{place}"}
        if page == "endpoint":
            typed = f"X-Backend-Key: {HIDDEN}\nX-Typed: just-now"
            sent = {
                **EndpointForm.initial_of(_with_secret(admin)),
                **{"test": "production_url", "production_url": f"ws://{place}", "secret_headers": typed},
            }
        said = client.post(reverse("publisher:endpoint-tests"), as_posted(sent)).content.decode()
    (headers,) = seen
    own = {name: value for name, value in headers.items() if name.startswith("x-")}
    if page == "create":
        assert own == {}
        assert "without extra headers" in said
    else:
        assert own == {"x-client": "gateway", "x-typed": "just-now"}
        assert "with X-Client, X-Typed" in said
        assert "Secrets that are stored were not sent" in said


@pytest.mark.django_db(transaction=True)
def test_a_rotation_seals_all_again_and_changes_nothing_else(
    admin: User, vault_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apimanager.bootstrap.is_behind", lambda: False)
    api = operations.deploy_revision(api=_with_secret(admin), actor=admin, now=NOW)
    first, before = vault_key.read_text(), api.endpoint_options["secret_headers"]["X-Backend-Key"]
    call_command("rotate_vault_key", verbosity=0)
    api = Api.objects.select_related("deployed_revision").get()
    assert api.endpoint_options["secret_headers"]["X-Backend-Key"] != before
    assert snapshots.differences(api) == []
    assert vault_key.stat().st_mode & 0o777 == 0o600
    assert AuditEntry.objects.filter(verb="vault.rotated").count() == 1

    call_command("rotate_vault_key", verbosity=0)
    assert first.strip() not in vault_key.read_text(), "the key before the last is gone"
    (deployed,) = load_deployments()
    assert deployed.design.options.headers["X-Backend-Key"] == CANARY


@pytest.mark.django_db(transaction=True)
def test_without_its_key_an_api_is_not_served_and_a_rotation_says_what_to_do(
    admin: User, vault_key: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apimanager.bootstrap.is_behind", lambda: False)
    operations.deploy_revision(api=_with_secret(admin), actor=admin, now=NOW)
    vault_key.unlink()
    vault_key.write_text(vault.rotated())
    (deployment,) = load_deployments()
    assert not deployment.is_served
    assert "sealed with another key" in caplog.text
    with pytest.raises(CommandError, match="Put the right file back"):
        call_command("rotate_vault_key", verbosity=0)


@pytest.mark.django_db
def test_what_was_there_before_is_sealed_by_the_migration_and_can_be_taken_back(admin: User) -> None:
    api = make_api(admin, endpoint_options={"headers": {"X-Backend-Key": CANARY}, "retries": 1})
    operations.create_revision(api=api, actor=admin, now=NOW)
    migration = importlib.import_module("publisher.migrations.0002_secret_headers")
    migration.seal(apps, None)
    api, revision = Api.objects.get(), Revision.objects.get()
    assert CANARY not in json.dumps([api.endpoint_options, revision.snapshot])
    assert api.endpoint_options == revision.snapshot["endpoint_options"]
    assert vault.unseal(api.endpoint_options["secret_headers"]["X-Backend-Key"]) == CANARY
    assert api.endpoint_options["retries"] == 1
    migration.unseal(apps, None)
    assert Api.objects.get().endpoint_options["headers"] == {"X-Backend-Key": CANARY}
