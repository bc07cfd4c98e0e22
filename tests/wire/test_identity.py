"""Who calls, told to a real backend and signed, so that it need not trust the network between."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from jwcrypto import jwk, jwt

from devportal.operations.tokens import issue_token
from devportal.tokens import signing_key
from gateway.authorization.grants import TokenError
from gateway.control.loaders import make_identity_signer, make_verifier
from publisher import operations as publishing
from publisher.endpoint import EndpointOptions
from publisher.models import Api
from tests.gateway import builders
from tests.gateway.scenario import Scenario, elsewhere, person
from tests.wire import cluster
from tests.wire.gateway_under_test import TOKEN, running
from tests.wire.peers import raw_backend, raw_client, request

pytestmark = pytest.mark.wire

FORGED = [
    *[(name, "forged") for name in ("X-APIM-Identity", "x_apim_identity", "X.APIM.Identity")],
    *[(name, "forged") for name in ("X-APIM-End-User", "X_APIM_End_User", "x-apim-end.user")],
]


@pytest.fixture
def published(client: Client, db: None) -> jwk.JWKSet:
    """The keys that anybody can read."""
    keys: jwk.JWKSet = jwk.JWKSet.from_json(client.get(reverse("oauth2_provider:jwks")).content)
    return keys


async def told(options: EndpointOptions, **given: Any) -> list[tuple[str, str]]:
    """What a backend reads in the gateway's name when a client with a grant like this forges all it can."""
    grant = builders.grant(expires_at=time.time() + 3600, **given)
    async with (
        raw_backend() as backend,
        running(backend.url, options=options, identities=make_identity_signer()) as gateway,
    ):
        gateway.routing.grants[TOKEN] = grant
        async with raw_client(gateway.port, request(headers=FORGED)):
            head = (await backend.accepted()).head.decode()
    assert "forged" not in head
    lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
    return [(name.lower(), value) for name, value in lines if name.lower().startswith("x-apim-")]


async def test_a_backend_verifies_who_calls_with_the_published_keys(published: jwk.JWKSet) -> None:
    before = int(time.time())
    headers = await told(EndpointOptions(signed_identity=True), user_id="9", user_name="Åsa")
    (token,) = [value for name, value in headers if name == "x-apim-identity"]
    (end_user,) = [value for name, value in headers if name == "x-apim-end-user"]
    (request_id,) = [value for name, value in headers if name == "x-apim-request-id"]

    verified = jwt.JWT(key=published, jwt=token, algs=["RS256"])
    header, claims = json.loads(verified.header), json.loads(verified.claims)
    assert published.get_key(header["kid"]) is not None
    assert (header["typ"], header["alg"]) == ("JWT", "RS256"), "the type of an access token is another"
    assert claims["iss"] == settings.OAUTH_ISSUER
    assert (claims["aud"], claims["sub"], claims["jti"]) == ("/echo@1.0.0", "9", request_id)
    assert (claims["subscriber"], claims["end_user"], claims["plan"]) == ("carol", "Åsa", "Gold")
    assert before <= claims["iat"] == claims["exp"] - 300
    assert end_user == "%C3%85sa"


async def test_an_identity_opens_no_connection(published: jwk.JWKSet) -> None:
    headers = dict(await told(EndpointOptions(signed_identity=True)))
    assert make_verifier().refuse(headers["x-apim-identity"], time.time()) is TokenError.UNKNOWN


async def test_without_the_switch_nothing_is_signed_and_the_end_user_is_told_all_the_same() -> None:
    headers = dict(await told(EndpointOptions(), user_id="9", user_name="asa"))
    assert "x-apim-identity" not in headers
    assert headers["x-apim-end-user"] == "asa"
    assert "x-apim-end-user" not in dict(await told(EndpointOptions()))


def give_secret(scenario: Scenario, secret: str) -> str:
    """Store a header for the tutorial's backend whose value nobody reads back, and deploy that; a token."""
    row, now = Api.objects.get(pk=scenario.api.pk), timezone.now()
    options = {**row.endpoint_options, "secret_headers": {"X-Backend-Key": secret}}
    publishing.update_api(api=row, changes={"endpoint_options": options}, actor=scenario.admin, now=now)
    assert secret not in repr(Api.objects.get(pk=row.pk).endpoint_options)
    cluster.deploy(scenario, row)
    return scenario.token()


@pytest.mark.django_db(transaction=True)
async def test_a_secret_header_reaches_the_backend_whatever_a_client_sends_in_its_place() -> None:
    async with raw_backend() as backend:
        scenario = await cluster.scenario_with(backend.url)
        token = await elsewhere(lambda: give_secret(scenario, "canary-7f3a"))
        forged = [("X-Backend-Key", "forged"), ("x_backend_key", "forged")]
        first = request(cluster.PATH, token=token, headers=forged)
        async with cluster.running() as (site,), raw_client(site.port, first) as client:
            answer = await client.read_head()
            head = (await backend.accepted()).head.decode()
    assert b" 101 " in answer
    assert b"canary" not in answer
    keys = [line for line in head.split("\r\n") if "key" in line.lower() and not line.lower().startswith("sec-")]
    assert [line.lower() for line in keys] == ["x-backend-key: canary-7f3a"]


def ask_for_identities(scenario: Scenario) -> str:
    """Switch it on for the tutorial's API and deploy that; a token that Åsa allowed."""
    row, now = Api.objects.get(pk=scenario.api.pk), timezone.now()
    options = {**row.endpoint_options, "signed_identity": True}
    publishing.update_api(api=row, changes={"endpoint_options": options}, actor=scenario.admin, now=now)
    cluster.deploy(scenario, row)
    return issue_token(
        client=scenario.client, user=person("Åsa"), scopes=["default"], seconds=60, now=now, actor=scenario.carol
    ).token


@pytest.mark.django_db(transaction=True)
async def test_the_switch_of_a_deployed_api_reaches_its_backend() -> None:
    async with raw_backend() as backend:
        scenario = await cluster.scenario_with(backend.url)
        token = await elsewhere(lambda: ask_for_identities(scenario))
        async with cluster.running() as (site,), raw_client(site.port, request(cluster.PATH, token=token)):
            head = (await backend.accepted()).head.decode()
    (signed,) = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("X-APIM-Identity: ")]
    claims = json.loads(jwt.JWT(key=signing_key(), jwt=signed, algs=["RS256"]).claims)
    assert (claims["aud"], claims["end_user"], claims["subscriber"]) == (str(scenario.api.pk), "Åsa", "carol")
