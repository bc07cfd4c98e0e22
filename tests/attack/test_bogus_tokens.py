"""Tokens that are nobody's, over and over: the database is asked about each once at most, and known ones go on."""

from __future__ import annotations

import secrets

import pytest

from gateway.authorization.decision import Allow
from gateway.refusals import Refusal
from tests.conformance.length import times
from tests.gateway.scenario import Scenario, Worker, elsewhere

TRIES = times(1_000, 60_000)


@pytest.fixture
def committed(transactional_db: None) -> Scenario:
    """The scenario where other threads see it."""
    return Scenario()


def bogus(kind: str, genuine: str) -> str:
    """A token of this kind that opens nothing."""
    head, payload, signature = genuine.split(".")
    return {
        "opaque": secrets.token_urlsafe(32),
        "another signature": f"{head}.{payload}.{signature[::-1]}",
        "another payload": f"{head}.{payload[::-1]}.{signature}",
        "no signature": f"{head}.{payload}.",
        "no JWT": "a.b.c",
        "endless": "x" * 9000,
        "odd letters": "tökén with spaces",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["opaque", "another signature", "another payload", "no signature", "no JWT", "endless", "odd letters"],
)
async def test_a_bogus_token_that_is_shown_again_costs_no_query(kind: str, committed: Scenario) -> None:
    genuine = await elsewhere(committed.token)
    token = bogus(kind, genuine)
    async with Worker() as worker:
        assert isinstance(await worker.decide(genuine), Allow)
        first = await worker.decide(token)
        assert isinstance(first, Refusal)
        assert first.status == 401
        asked = worker.run.asked
        for _ in range(TRIES):
            assert isinstance(await worker.decide(token), Refusal)
        assert isinstance(await worker.decide(genuine), Allow)
        assert worker.run.asked == asked


async def test_many_different_bogus_tokens_do_not_push_out_the_known_ones(committed: Scenario) -> None:
    genuine = await elsewhere(committed.token)
    async with Worker() as worker:
        assert isinstance(await worker.decide(genuine), Allow)
        for _ in range(TRIES):
            assert isinstance(await worker.decide("a.b." + secrets.token_urlsafe(16)), Refusal)
        asked = worker.run.asked
        assert isinstance(await worker.decide(genuine), Allow)
        assert worker.run.asked == asked
