"""Who is not let in, with which status and words, and what the tutorial says does not work."""

from __future__ import annotations

import base64

import pytest

from tests.journeys.gateway import bearer, let_in, refused, refused_soon
from tests.journeys.wscat import Wscat
from tests.product import Product


@pytest.fixture(scope="module")
def api(product: Product) -> str:
    """An API that the gateway has heard of."""
    published = product.act("publish", name="Refusing", endpoint=f"{product.samples}/echo")
    refused_soon(f"{product.ws}/refusing/1.0", 401)
    return str(published)


@pytest.fixture(scope="module")
def token(product: Product, api: str) -> str:
    """A token that is good: without it the refusals would prove nothing."""
    carols = product.act("application", owner="carol", name="Refused")
    product.act("subscribe", application=carols["application"], api=api)
    with let_in(f"{product.ws}/refusing/1.0", carols["token"]) as connection:
        connection.send("let in")
        assert connection.recv(10) == "let in"
    return str(carols["token"])


@pytest.mark.parametrize("kind", ["JWT", "OAUTH"])
def test_a_token_that_has_expired_is_401(product: Product, api: str, token: str, kind: str) -> None:
    stale = product.act("application", owner="carol", name=f"Stale {kind}", kind=kind, seconds=1)
    product.act("subscribe", application=stale["application"], api=api)
    body, headers = refused_soon(f"{product.ws}/refusing/1.0", 401, **bearer(stale["token"]))
    assert body["code"] == 900903
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_nobody_issued_is_401(product: Product, api: str, token: str) -> None:
    status, body, _ = refused(f"{product.ws}/refusing/1.0", **bearer(token[:-8] + "AAAAAAAA"))
    assert (status, body["code"]) == (401, 900901)


def test_no_credential_is_401_and_says_what_is_wanted(product: Product, api: str) -> None:
    status, body, headers = refused(f"{product.ws}/refusing/1.0")
    assert (status, body["code"]) == (401, 900902)
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_basic_authentication_is_401_even_with_the_right_password(product: Product, api: str) -> None:
    credentials = base64.b64encode(b"admin:admin").decode()
    status, body, _ = refused(f"{product.ws}/refusing/1.0", Authorization=f"Basic {credentials}")
    assert (status, body["code"]) == (401, 900901)


@pytest.mark.parametrize("header", ["apikey", "ApiKey", "X-API-Key"])
def test_an_api_key_is_401(product: Product, api: str, token: str, header: str) -> None:
    status, _, _ = refused(f"{product.ws}/refusing/1.0", **{header: token})
    assert status == 401


def test_a_token_without_a_subscription_is_403(product: Product, api: str) -> None:
    stranger = product.act("application", owner="mallory", name="Uninvited")
    status, body, _ = refused(f"{product.ws}/refusing/1.0", **bearer(stranger["token"]))
    assert (status, body["code"]) == (403, 900908)


@pytest.mark.parametrize("path", ["/nothing/1.0", "/refusing/2.0"])
def test_what_is_not_there_is_404(product: Product, token: str, path: str) -> None:
    status, body, _ = refused(f"{product.ws}{path}", **bearer(token))
    assert (status, body["code"]) == (404, 900906)


def test_a_blocked_api_is_503_and_back_when_it_is_published_again(product: Product) -> None:
    api = product.act("publish", name="Blocking", endpoint=f"{product.samples}/echo")
    carols = product.act("application", owner="carol", name="Blocked")
    product.act("subscribe", application=carols["application"], api=api)
    product.act("transition", api=api, action="Block")
    body, headers = refused_soon(f"{product.ws}/blocking/1.0", 503, **bearer(carols["token"]))
    assert body["code"] == 900907
    assert int(headers["Retry-After"]) > 0
    product.act("transition", api=api, action="Re-Publish")
    with let_in(f"{product.ws}/blocking/1.0", carols["token"]) as connection:
        connection.send("back")
        assert connection.recv(10) == "back"


def test_wscat_shows_the_status_of_a_refusal(product: Product, api: str) -> None:
    with Wscat(f'wscat -c {product.ws}/refusing/1.0 -H "Authorization: Basic YWRtaW46YWRtaW4="') as client:
        assert client.wait() != 0
        assert "Unexpected server response: 401" in client.screen
