"""What failed is told together with its remedy, to those whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from gateway import close_codes, refusals
from gateway.models import RefusalRecord
from gateway.observability import diagnosis, remedies
from tests.devportal import builders
from tests.gateway.rows import open_connection
from tests.publisher.builders import make_api, plans


def refused(**given: Any) -> RefusalRecord:
    now = timezone.now()
    usual = {"request_id": "a" * 32, "at": now, "client_ip": "192.0.2.7", "status": 401, "code": 900901}
    return RefusalRecord.objects.create(**{**usual, "message": "Invalid", "description": "It is not valid.", **given})


def ended(application: Any, api: Any, code: int, **given: Any) -> str:
    usual = {"ended_at": timezone.now(), "client_code": code, "backend_code": 1000, "ended_by": "gateway"}
    return open_connection(application, api, **{**usual, **given}).pk


@pytest.fixture
def failing(alice: User, carol: User) -> tuple[Any, Any]:
    """Carol's application and Alice's API, between which all goes wrong."""
    plans()
    application, api = builders.application(carol, name="Chat client"), make_api(alice)
    about = {"api_id": str(api.pk), "application_id": str(application.pk)}
    early = timezone.now() - timedelta(hours=1)
    refused(**about, at=early, times=3)
    refused(**about, request_id="b" * 32)
    refused(api_id=str(api.pk), client_ip="192.0.2.8", request_id="c" * 32)
    refused(**about, at=timezone.now() - timedelta(days=8), request_id="d" * 32)
    ended(application, api, 1006, ended_by="client")
    ended(application, api, 4003, reason="Quota.", id="e" * 32)
    for code, by in ((1000, "client"), (1001, "client"), (4500, "backend"), (4011, "gateway"), (1012, "gateway")):
        ended(application, api, code, ended_by=by)
    return application, api


def test_alike_ones_are_one_with_first_last_and_how_often(failing: tuple[Any, Any]) -> None:
    _, api = failing
    found = diagnosis.findings(timezone.now(), api_id=str(api.pk))
    handshakes = [each for each in found if each.is_handshake]
    assert sorted((each.client_ip, each.times, each.request_id[0]) for each in handshakes) == [
        ("192.0.2.7", 4, "b"),
        ("192.0.2.8", 1, "c"),
    ]
    (alike,) = [each for each in handshakes if each.times == 4]
    assert alike.last - alike.first > timedelta(minutes=59)
    assert alike.advice.at_fault == "Authorization header"
    assert sorted(each.code for each in found if not each.is_handshake) == [1006, 4003]
    assert diagnosis.findings(timezone.now(), api_id="other") == []


def test_a_request_is_looked_up_by_its_id_refused_or_ended(failing: tuple[Any, Any]) -> None:
    (refusal,) = diagnosis.findings(timezone.now(), request_id="b" * 32)
    (close,) = diagnosis.findings(timezone.now(), request_id="e" * 32)
    assert (refusal.is_handshake, refusal.code) == (True, 900901)
    assert (close.is_handshake, close.sentence, close.advice.cause) == (False, "Quota.", "The plan is used up")
    assert diagnosis.findings(timezone.now(), request_id="b" * 32, application_id="other") == []


def test_each_sees_his_own_and_a_stranger_nothing(
    failing: tuple[Any, Any], alice: User, carol: User, mallory: User, admin: User
) -> None:
    _, api = failing

    def sees(user: User, address: str) -> str:
        client = Client()
        client.force_login(user)
        return client.get(address).content.decode().replace("<wbr>", "")

    mine, theirs, every = "/devportal/diagnostics", f"/publisher/apis/{api.pk}/diagnostics", "/admin/diagnostics"
    assert "192.0.2.7" in sees(carol, mine)
    assert "192.0.2.8" not in sees(carol, mine)  # nobody knows whose that was
    assert "192.0.2.7" not in sees(mallory, mine)
    assert "192.0.2.8" in sees(alice, theirs)
    assert "unknown application" in sees(admin, every)
    assert "No such request" in sees(mallory, f"{mine}?id={'b' * 32}")
    assert "It is not valid." in sees(carol, f"{mine}?id={'b' * 32}")


def _all(kind: type[Any], module: Any) -> list[Any]:
    values = [each for each in vars(module).values() if isinstance(each, kind)]
    makers: list[Callable[[], Any]] = [refusals.backend_refused]
    return [*values, *(make() for make in makers if kind is refusals.Refusal)]


def test_every_refusal_and_every_close_that_is_no_ordinary_one_has_a_remedy() -> None:
    codes = {each.code for each in _all(refusals.Refusal, refusals)} | set(refusals.CLOSES)
    codes |= {refusals.over_plan(subject, "", 1).code for subject in ("subscription", "application", "API")}
    assert codes - {303001, 101504} <= set(remedies.REFUSED)
    ordinary = {close_codes.GOING_AWAY.code, close_codes.RESTARTING.code, close_codes.BY_OPERATOR.code}
    assert set(close_codes.CLOSES) - ordinary <= set(remedies.CLOSED)
