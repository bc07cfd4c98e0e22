"""The policy on backends where an endpoint is saved and tried: field by field, and past a resolver that lies."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from core.errors import Invalid
from publisher import operations, ssrf
from publisher.endpoint import EndpointOptions
from publisher.endpoint_check import try_endpoint
from publisher.ip_policy import read_policy
from publisher.models import Api
from tests.publisher.builders import LATER, make_api
from tests.publisher.test_endpoint_check import backend

METADATA = "ws://169.254.169.254/latest"


class Resolver:
    """Stands in for the name service: each name's answers in turn, the last one for ever."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): found for name, found in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        if host not in self.answers:
            return REAL(host, port, *args, **options)
        self.asked.append(host)
        found = self.answers[host]
        address = found.pop(0) if len(found) > 1 else found[0]
        return REAL(address, port, *args, **options)


REAL = socket.getaddrinfo


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    stub = Resolver(inside_example=["10.1.2.3"], flips_example=["8.8.8.8", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", stub)
    return stub


def test_a_name_is_refused_for_where_it_leads(resolver: Resolver) -> None:
    assert "inside.example (10.1.2.3) is in a private network" in ssrf.why_refused("ws://inside.example/x")


def test_a_name_that_leads_to_an_allowed_address_too_is_taken() -> None:
    rules = read_policy(["127.0.0.0/8"])
    assert ssrf.why_refused("ws://a.example", resolve=lambda *_: ["::1", "127.0.0.1"], rules=rules) == ""
    assert ssrf.why_refused("ws://a.example", resolve=lambda *_: ["::1", "10.0.0.1"], rules=rules)


def test_a_name_that_does_not_resolve_now_is_taken_and_an_odd_literal_is_not() -> None:
    assert ssrf.why_refused("ws://nowhere.invalid/x") == ""
    assert ssrf.why_refused("ws://10.1.2.3./x", resolve=lambda *_: [])


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    never = threading.Event()
    monkeypatch.setattr(ssrf, "PATIENCE", 0.05)
    monkeypatch.setattr(ssrf, "resolve", lambda host, port: [str(never.wait(20))])
    assert ssrf.resolve_in_time("slow.example", 80) == []
    never.set()


def test_a_new_api_with_a_forbidden_endpoint_is_refused_at_the_field(alice: User) -> None:
    with pytest.raises(Invalid) as refused:
        make_api(alice, endpoint=METADATA)
    assert refused.value.fields.keys() == {"endpoint"}
    assert "APIM_BACKEND_NETWORKS" in refused.value.fields["endpoint"]
    assert not Api.objects.exists()


def test_each_address_of_an_endpoint_is_refused_at_its_own_field(alice: User) -> None:
    api = make_api(alice)
    with pytest.raises(Invalid) as refused:
        operations.update_api(
            api=api,
            changes={
                "production": {
                    "url": METADATA,
                    "failover": ["ws://localhost:1/ok", "ws://10.1/x", "ws://192.168.0.1/y"],
                },
                "sandbox": {"url": "ws://localhost:2/ok", "failover": ["ws://[fe80::1]/z"]},
            },
            actor=alice,
            now=LATER,
        )
    fields = refused.value.fields
    assert fields.keys() == {"production_url", "production_failover", "sandbox_failover"}
    assert "10.0.0.1" in fields["production_failover"]
    assert "192.168.0.1" in fields["production_failover"]


def test_what_the_setting_lists_may_be_saved(alice: User, settings: LazySettings) -> None:
    settings.BACKEND_POLICY = read_policy(["169.254.169.254"])
    assert make_api(alice, endpoint=METADATA).production["url"] == METADATA


def test_the_gateways_own_ports_are_refused(alice: User, settings: LazySettings) -> None:
    for port in (settings.GATEWAY_WS_PORT, settings.GATEWAY_WSS_PORT, settings.PORTAL_PORT, settings.METRICS_PORT):
        with pytest.raises(Invalid, match=f"Port {port} on this machine"):
            make_api(alice, endpoint=f"ws://localhost:{port}/x")


def test_trying_an_endpoint_obeys_the_policy(resolver: Resolver) -> None:
    for url in (METADATA, "ws://inside.example/x", "wss://[::ffff:10.0.0.1]/"):
        answer = try_endpoint(url, EndpointOptions())
        assert not answer.answered
        assert "APIM_BACKEND_NETWORKS" in answer.sentence


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_dialled(settings: LazySettings) -> None:
    with backend() as place, pytest.MonkeyPatch.context() as patch:
        port = int(place.partition(":")[2].partition("/")[0])
        rebinding = Resolver(rebinds_example=["127.0.0.1", "127.0.0.2"])
        patch.setattr(socket, "getaddrinfo", rebinding)
        settings.BACKEND_POLICY = read_policy(["127.0.0.1"])
        assert try_endpoint(f"ws://rebinds.example:{port}/echo", EndpointOptions()).answered
        assert rebinding.asked == ["rebinds.example"]
        answer = try_endpoint(f"ws://rebinds.example:{port}/echo", EndpointOptions())
    assert "rebinds.example (127.0.0.2) is this machine itself" in answer.sentence
