"""PostgreSQL takes every question and answers none: what clients, operators and the log hear, and the end of it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.ops.conftest import Database
from tests.ops.stalling import StallingRelay, relay_to
from tests.product import PATIENCE, Install, Product

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("postgresql")]


class Installation(NamedTuple):
    """The product behind a relay, and another way to its database."""

    product: Product
    relay: StallingRelay
    behind: Product


@pytest.fixture
def installation(install: Install, new_database: Callable[[], Database]) -> Iterator[Installation]:
    database = new_database()
    with relay_to(database.socket) as relay:
        product = install(
            prepare=False,
            DATABASE_URL=f"postgres://postgres@127.0.0.1:{relay.port}/{database.name}",
            APIM_GATEWAY_WORKERS="1",
            APIM_DATABASE_CONNECT_SECONDS="2",
            APIM_DATABASE_SECONDS="2",
            APIM_DATABASE_LOOKUP_SECONDS="1",
            APIM_FEED_READY_SECONDS="3",
        )
        product.start()
        behind = Product(product.folder, **{**product.settings, "DATABASE_URL": database.address})
        yield Installation(product, relay, behind)
        relay.flow()
        behind.close_stage()
        product.stop()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def get(product: Product, address: str, **headers: str) -> Answer:
    request = urllib.request.Request(address, headers=headers)  # noqa: S310  our own
    context = product.trust if address.startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:  # noqa: S310
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read().decode())


@contextmanager
def let_in(product: Product, token: str) -> Iterator[ClientConnection]:
    """A connection that is echoed; raises InvalidStatus."""
    headers = {"Authorization": f"Bearer {token}"}
    with connect(f"{product.ws}/echo/1.0.0", additional_headers=headers, open_timeout=PATIENCE) as connection:
        connection.send("hello")
        assert connection.recv(PATIENCE) == "hello"
        yield connection


def is_let_in(product: Product, token: str) -> bool:
    return not refusal(product, token).status


def refusal(product: Product, token: str) -> Answer:
    """What a client with this token is told; status 0 when let in, the code of a Close that comes first."""
    try:
        with let_in(product, token):
            return Answer(0, {}, "")
    except ConnectionClosedError as closed:
        return Answer(closed.rcvd.code if closed.rcvd else 1006, {}, "")
    except InvalidStatus as refused:
        answer = refused.response
        return Answer(answer.status_code, dict(answer.headers.raw_items()), answer.body.decode())


def heard(product: Product, ask: Callable[[], Answer], status: int) -> Answer:
    """The first answer with this status: what was asked just before the silence is answered, or not, as it likes."""
    answers: list[Answer] = []

    def is_heard() -> bool:
        answers.append(ask())
        return answers[-1].status == status

    product.wait_until(is_heard)
    return answers[-1]


def test_a_database_that_falls_silent_is_waited_for_a_bounded_time_and_told_truthfully(
    installation: Installation,
) -> None:
    product, behind = installation.product, installation.behind
    behind.act("cast", roles={"alice": ["creator"], "bob": ["publisher"], "carol": ["subscriber"]})
    api = behind.act("publish", name="Echo", endpoint=f"{product.samples}/echo", plans=["Unlimited"])
    made = behind.act("application", owner="carol", name="Chat client")
    behind.act("subscribe", application=made["application"], api=api, plan="Unlimited")
    lasting = behind.act("another_token", application=made["application"], seconds=3000)["token"]
    unknown = behind.act("another_token", application=made["application"], seconds=3000)["token"]
    read_all_that_changed(product, behind, behind.act("another_token", application=made["application"], seconds=3000))
    product.wait_until(lambda: is_let_in(product, made["token"]) and is_let_in(product, lasting))
    ready = f"{product.ws.replace('ws:', 'http:')}/ready"
    assert get(product, ready).status == 200
    with let_in(product, made["token"]) as connection:
        fall_silent_and_recover(installation, connection, made, lasting, unknown)

    def said(words: str) -> int:
        return product.log().count(words)

    product.wait_until(lambda: said("The database answers again") == said("The database cannot be used"))
    assert said("The database cannot be used") <= 4, product.log()  # once each of twice: gateway's worker, portals
    assert "Traceback" not in product.log()


def read_all_that_changed(product: Product, behind: Product, last: dict[str, Any]) -> None:
    """Wait until the worker has read of everything so far: what it reads of later makes it forget who was let in."""
    product.wait_until(lambda: is_let_in(product, last["token"]))
    behind.act("revoke_token", token_id=last["token_id"])
    product.wait_until(lambda: not is_let_in(product, last["token"]))


def fall_silent_and_recover(
    installation: Installation, connection: ClientConnection, made: dict[str, Any], lasting: str, unknown: str
) -> None:
    product, relay, behind = installation
    ready = f"{product.ws.replace('ws:', 'http:')}/ready"
    relay.drop()
    behind.act("revoke_token", token_id=made["token_id"])
    assert "database" in json.loads(heard(product, lambda: get(product, ready), 503).body)["reason"]
    product.wait_until(lambda: is_let_in(product, lasting))  # once what was being asked has come to its end
    refused = heard(product, lambda: refusal(product, unknown), 503)
    assert int(refused.headers["Retry-After"]) > 0
    assert json.loads(refused.body)["code"] == 900900
    apis, token = f"{product.portal}/api/am/publisher/v4/apis", f"Bearer {'x' * 40}"
    rest = heard(product, lambda: get(product, apis, Authorization=token), 503)
    assert (json.loads(rest.body)["code"], rest.headers["Retry-After"]) == (900503, "5")
    session = f"__Host-apim-session={'x' * 32}"
    page = heard(product, lambda: get(product, f"{product.portal}/devportal/", Cookie=session), 503)
    assert page.headers["Retry-After"] == "5"
    assert "The database does not answer" in page.body
    metrics = f"http://127.0.0.1:{product.settings['APIM_METRICS_PORT']}/metrics"

    def feed_age() -> float:
        found = re.search(r"^apim_worker_feed_age_seconds\S* (\S+)$", get(product, metrics).body, re.MULTILINE)
        return float(found[1]) if found else 0.0

    product.wait_until(lambda: feed_age() > 3)
    connection.send("still here")
    assert connection.recv(PATIENCE) == "still here"

    relay.flow()
    with pytest.raises(ConnectionClosed):
        connection.recv(PATIENCE)
    assert connection.close_code == 4001
    product.wait_until(lambda: get(product, ready).status == 200)
    product.wait_until(lambda: feed_age() < 3 and is_let_in(product, unknown))
    assert get(product, f"{product.portal}/devportal/").status == 200

    relay.cut()  # which whoever asks next does not notice
    assert is_let_in(product, behind.act("another_token", application=made["application"], seconds=3000)["token"])
    assert get(product, f"{product.portal}/devportal/").status == 200
    assert product.log().count("The database cannot be used") == 2
    relay.stall()
    heard(product, lambda: get(product, ready), 503)
    relay.flow()
    product.wait_until(lambda: get(product, ready).status == 200)
