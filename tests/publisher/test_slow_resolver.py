"""While the name service is slow, nothing of the database is held: quotas are lent and others save meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from gateway.quotas.limits import window_at
from gateway.quotas.rules import LeaseRequest
from gateway.quotas.stores.database import DatabaseLeaseStore
from publisher import ssrf
from publisher.forms import EndpointForm
from publisher.models import Api
from publisher.plan_terms import QuotaPeriod
from tests.publisher.builders import as_posted, make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.django_db(transaction=True)

SLOW = "ws://slow.example/echo"
ENDPOINT = {"endpoint_type": "ws", "production_endpoints": {"url": SLOW}}
NEW = {"name": "New", "context": "/new", "version": "1"}
Act = Callable[[Client, Api], Any]


class StillResolver:
    """A name service that was asked and says nothing until it is let go."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.set()
        self.may_answer.wait(60)
        return ["127.0.0.1"]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[StillResolver]:
    still = StillResolver()
    monkeypatch.setattr(ssrf, "resolve", still)
    monkeypatch.setattr(ssrf, "PATIENCE", 60)
    yield still
    still.may_answer.set()


def _json(method: str, path: str, body: Any) -> Act:
    return lambda client, api: getattr(client, method)(
        f"{PUBLISHER}{path.format(api=api.pk)}", body, content_type="application/json"
    )


def _endpoint_page(client: Client, api: Api) -> Any:
    sent = {**EndpointForm.initial_of(api), "production_url": SLOW}
    return client.post(reverse("publisher:endpoint", args=[api.pk]), as_posted(sent))


ACTS: dict[str, Act] = {
    "REST create": _json("post", "/apis", {**NEW, "endpointConfig": ENDPOINT}),
    "REST change": _json(
        "put",
        "/apis/{api}",
        {"name": "EchoWebSocket", "context": "/echowebsocket", "version": "1.0.0", "endpointConfig": ENDPOINT},
    ),
    "page of creation": lambda client, api: client.post(
        reverse("publisher:create"), {**NEW, "endpoint": SLOW, "plans": ["Gold"], "publish": "1"}
    ),
    "page of the endpoint": _endpoint_page,
    "test of an endpoint": lambda client, api: client.post(
        reverse("publisher:endpoint-tests"), {"test": "endpoint", "endpoint": SLOW}
    ),
}


@pytest.mark.parametrize("act", list(ACTS))
def test_quotas_are_lent_and_others_save_while_the_resolver_is_silent(
    admin: User, resolver: StillResolver, act: str
) -> None:
    api, client, answers = make_api(admin, endpoint=""), Client(), []
    client.force_login(admin)
    person = threading.Thread(target=lambda: (answers.append(ACTS[act](client, api)), connection.close()))
    person.start()
    assert resolver.asked.wait(60)

    window = window_at(QuotaPeriod.DAY, 1_000_000.0)
    wish = LeaseRequest(1, 1, "subscription:1:messages:day", window, limit=100, granted=0, spent=0, least=10, most=10)
    store = DatabaseLeaseStore()
    store.beat("worker", 1_000_000.0)
    (lease,) = store.exchange("worker", [wish], 1_000_000.0)
    assert lease.granted == 10
    assert make_api(admin, name="Other", context="/other", endpoint="").pk
    assert person.is_alive(), "the resolver was not waited for, so this shows nothing"

    resolver.may_answer.set()
    person.join(60)
    assert answers[0].status_code in {200, 201, 302}, answers[0].content
