"""The other secrets of an endpoint: the key of a client certificate, parameters, and the client of a token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from apimanager import tls
from core import vault
from core.errors import Invalid
from gateway.control.loaders import load_deployments
from publisher import operations
from publisher.endpoint import HIDDEN, read_options
from publisher.forms import EndpointForm
from publisher.models import Api, Revision
from publisher.operations.secrets import seal_again
from tests.publisher.builders import LATER, NOW, as_posted, make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.django_db
CANARY = "canary-9d21-in-a-coal-mine"
FIELDS = ("secret_query", "secret_key", "token_secret")


@pytest.fixture(autouse=True)
def vault_key(tmp_path: Path, settings: LazySettings) -> None:
    """A key file of this test's own."""
    settings.VAULT_KEY_FILE = tmp_path / "vault_key"
    settings.VAULT_KEY_FILE.write_text(vault.rotated())


@pytest.fixture(autouse=True)
def names_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host name of these tests is somewhere on the internet."""
    monkeypatch.setattr("publisher.ssrf.why_refused", lambda url: "")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate and its key, in PEM."""
    folder = tmp_path_factory.mktemp("pair")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    tls.ensure_certificate(certificate, key, "localhost", NOW, given=False)
    return certificate.read_text(), key.read_text()


@pytest.fixture
def options(pair: tuple[str, str]) -> dict[str, Any]:
    """Every secret there is."""
    return {
        "client_certificate": pair[0],
        "secret_key": pair[1],
        "secret_query": {"api_key": CANARY},
        "token_url": "https://login.example/token",
        "token_client": "gateway",
        "token_secret": CANARY,
    }


def stored() -> dict[str, Any]:
    document: dict[str, Any] = Api.objects.get().endpoint_options
    return document


def test_no_row_and_no_answer_holds_a_secret_and_the_gateway_knows_all(
    admin: User, client: Client, options: dict[str, Any]
) -> None:
    api = make_api(admin, endpoint_options=options, publish=True)
    held = [options["secret_key"].split("\n")[1], CANARY]
    rows = json.dumps([stored(), Revision.objects.get().snapshot])
    client.force_login(admin)
    page = client.get(reverse("publisher:endpoint", args=[api.pk])).content.decode()
    rest = client.get(f"{PUBLISHER}/apis/{api.pk}").content.decode()
    assert not [text for text in held for place in (rows, page, rest) if text in place]
    assert page.count(HIDDEN) > rest.count(HIDDEN) >= 3
    (known,) = load_deployments()
    assert known.design.options.secret_key == options["secret_key"].strip()
    assert (known.design.options.secret_query, known.design.options.token_secret) == ({"api_key": CANARY}, CANARY)
    assert CANARY not in repr(known.design.options)


def test_what_was_read_is_sent_back_and_keeps_every_secret_to_the_letter(
    admin: User, client: Client, options: dict[str, Any]
) -> None:
    api = make_api(admin, endpoint_options=options)
    before = stored()
    client.force_login(admin)
    drawn = as_posted({**EndpointForm.initial_of(api), "retries": "2"})
    answer = client.post(reverse("publisher:endpoint", args=[api.pk]), drawn)
    assert answer.status_code == 302, answer.context["form"].errors
    body = client.get(f"{PUBLISHER}/apis/{api.pk}").json()
    put = client.put(f"{PUBLISHER}/apis/{api.pk}", json.dumps(body), "application/json")
    assert put.status_code == 200, put.content
    assert stored() == {**before, "retries": 2}


def test_a_rotation_seals_every_secret_again(admin: User, options: dict[str, Any], settings: LazySettings) -> None:
    make_api(admin, endpoint_options=options, publish=True)
    before = stored()
    file = settings.VAULT_KEY_FILE
    file.write_text(vault.rotated(file.read_text()))
    assert seal_again(actor=None, now=LATER) == 3
    after = stored()
    assert all(after[name] != before[name] for name in FIELDS)
    assert vault.unseal(after["token_secret"]) == CANARY
    assert Revision.objects.get().snapshot["endpoint_options"] == after


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"production": {"url": "wss://mallory.example"}}, "secret_query"),
        ({"token_url": "https://mallory.example/token"}, "token_secret"),
        ({"token_url": "https://login.example:8443/token"}, "token_secret"),
    ],
)
def test_a_secret_is_asked_for_again_when_another_host_would_get_it(
    alice: User, options: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    api = make_api(alice, endpoint_options=options)
    kept = {**options, **dict.fromkeys(("secret_key", "token_secret"), HIDDEN), "secret_query": {"api_key": HIDDEN}}
    if "token_url" in changes:
        changes = {"endpoint_options": {**kept, **changes}}
    with pytest.raises(Invalid, match="is another host than the one") as refused:
        operations.update_api(api=api, changes=changes, actor=alice, now=LATER)
    assert refused.value.fields.keys() == {field}


def test_a_key_that_is_not_the_certificates_is_refused(alice: User, options: dict[str, Any]) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    text = other.private_bytes(*form, serialization.NoEncryption()).decode()
    with pytest.raises(Invalid) as refused:
        make_api(alice, endpoint_options={**options, "secret_key": text})
    assert "is not the private key" in refused.value.fields["secret_key"]
    locked = other.private_bytes(*form, serialization.BestAvailableEncryption(b"x")).decode()
    with pytest.raises(Invalid) as refused:
        read_options({**options, "secret_key": locked})
    assert "has a password" in refused.value.fields["secret_key"]


def test_a_certificate_without_its_vault_key_is_asked_for_again(
    alice: User, options: dict[str, Any], settings: LazySettings
) -> None:
    api = make_api(alice, endpoint_options=options)
    settings.VAULT_KEY_FILE.write_text(vault.rotated())
    changed = {**options, "client_certificate": options["client_certificate"] * 2, "secret_key": HIDDEN}
    with pytest.raises(Invalid) as refused:
        operations.update_api(api=api, changes={"endpoint_options": changed}, actor=alice, now=LATER)
    assert "secret_key" in refused.value.fields


@pytest.mark.parametrize(
    ("given", "field", "word"),
    [
        ({"secret_key": "-----BEGIN PRIVATE KEY-----"}, "secret_key", "not a private key"),
        ({"client_certificate": "PEM"}, "client_certificate", "not a certificate"),
        ({"host": "a b"}, "host", "host name"),
        ({"host": "a:0"}, "host", "host name"),
        ({"host": "a\r\nX-Evil: 1"}, "host", "host name"),
        ({"server_name": "a:443"}, "server_name", "host name"),
        ({"server_name": "."}, "server_name", "host name"),
        ({"secret_query": {"a&b": "1"}}, "secret_query", "name of a parameter"),
        ({"secret_query": {"a": ""}}, "secret_query", "one line"),
        ({"secret_query": ["a"]}, "secret_query", "names with values"),
        ({"token_url": "ftp://a"}, "token_url", "https://"),
        ({"token_url": "https://user@a/"}, "token_url", "https://"),
        ({"token_url": "https://["}, "token_url", "https://"),
        ({"token_url": "https://a", "token_client": "x"}, "token_secret", "client id and its secret"),
        ({"token_scope": "a\nb"}, "token_scope", "one line"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(given: dict[str, Any], field: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_options(given)
    assert word in refused.value.fields[field]


@pytest.mark.parametrize(("lines", "word"), [("api_key", "name=value"), ("a=1\na=2", "twice")])
def test_the_page_says_how_parameters_are_written(admin: User, client: Client, lines: str, word: str) -> None:
    api = make_api(admin)
    client.force_login(admin)
    sent = as_posted({**EndpointForm.initial_of(api), "secret_query": lines})
    answer = client.post(reverse("publisher:endpoint", args=[api.pk]), sent)
    assert word in answer.context["form"].errors["secret_query"][0]
