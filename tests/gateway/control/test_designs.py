"""Of an API that nobody calls a worker keeps little, and reads what was designed when somebody does."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from core import vault
from gateway.control import designs
from gateway.control.loaders import deployment_of
from gateway.routing.deployment import Deployment
from gateway.routing.table import RouteTable
from publisher import snapshots
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.models import Api, Revision

ROUTES = 300


def api(number: int, **given: Any) -> Api:
    """A deployed API like many, without a row: five topics, two endpoints of its own."""
    values: dict[str, Any] = {
        "production": Endpoint(f"wss://backend-{number}.example.com/feed").to_document(),
        "sandbox": Endpoint(f"wss://sandbox-{number}.example.com/feed").to_document(),
        "endpoint_options": EndpointOptions().to_document(),
        "description": "An API to see how many of them fare. " * 20,
        "topics": [
            {
                "target": f"/rooms/{{id}}/{topic}",
                "verbs": ["publish"],
                "mapping": f"/{topic}/{{id}}",
                "scopes": ["read"],
            }
            for topic in range(5)
        ],
    }
    row = Api(name=f"Feed{number}", context=f"/feed-{number}", version="1.0.0", state="PUBLISHED", **values | given)
    row.deployed_revision = Revision(api=row, number=1, snapshot=snapshots.take(row, ["Gold"]))
    row._state.fields_cache["working_copy"] = None  # so that nobody asks the database for it
    return row


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    """Whatever other tests had read is forgotten."""
    designs.design_of.cache_clear()


def test_a_route_that_nobody_calls_takes_less_than_four_kilobytes_and_one_that_was_called_not_for_ever() -> None:
    rows = map(api, range(ROUTES))
    deployment_of(next(rows))
    gc.collect()
    tracemalloc.start()
    try:
        table = RouteTable(map(deployment_of, rows))
        gc.collect()
        assert len(table.deployments) == ROUTES - 1
        assert tracemalloc.get_traced_memory()[0] / len(table.deployments) < 2000
    finally:
        tracemalloc.stop()
    assert designs.design_of.cache_info().currsize == 0, "what was read to see that it can be is not kept"
    assert (found := table.match("/feed-7/1.0.0/rooms/5/2"))
    assert (route := found.route())
    assert (route.backend_path, route.topic) == ("/2/5", route.deployment.design.topics.topics[2])
    assert route.deployment.design is route.deployment.design
    assert 0 < designs.MOST_READ < 2000


def test_apis_that_are_designed_alike_share_what_was_read() -> None:
    address = Endpoint("ws://one.example.com").to_document()
    first, second = (deployment_of(api(number, production=address, sandbox={})) for number in range(2))
    assert first.name != second.name
    assert first.design is second.design


def test_what_a_worker_knows_can_be_read_again_without_the_key_of_its_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    options = {**EndpointOptions().to_document(), "secret_headers": {"X-Key": vault.seal("s3cret")}, "retries": 2}
    known = deployment_of(api(1, endpoint_options=options))
    monkeypatch.setattr("django.conf.settings.VAULT_KEY_FILE", tmp_path / "another")
    assert known.design.options == EndpointOptions(headers={"X-Key": "s3cret"}, retries=2)


@pytest.mark.parametrize("mode", ["off", "enforce"])
def test_schemas_are_kept_where_messages_are_held_against_them(mode: str) -> None:
    says = [{"name": "say", "schema": {"type": "object"}, "examples": [{"a": 1}]}]
    topics = [{"target": "/a", "verbs": ["publish"], "mapping": "", "scopes": [], "messages": {"publish": says}}]
    (topic,) = deployment_of(api(1, topics=topics, payload_validation=mode)).design.topics.topics
    assert bool(topic.client) == (mode == "enforce")


def test_what_is_not_deployed_has_an_empty_design() -> None:
    row = api(1)
    row.deployed_revision = None
    known: Deployment = deployment_of(row)
    assert (known.is_served, known.design.endpoints, known.design.topics.topics) == (False, {}, ())
