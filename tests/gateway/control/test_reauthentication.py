"""Another worker asked for a connection of this one: it is answered once, however often the audit log is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.authorization.grants import Grant
from gateway.control.reauthentication import ANSWERED_SECONDS, Reauthentication, ask
from gateway.models import ReauthenticationRequest
from tests.gateway.scenario import Scenario, Worker, elsewhere


@pytest.mark.parametrize("age", [0.0, ANSWERED_SECONDS + 1], ids=["asked now", "asked long ago"])
async def test_a_request_is_answered_once_and_not_when_nobody_waits_any_more(
    transactional_db: None, age: float
) -> None:
    scenario = await elsewhere(Scenario)
    tokens = [await elsewhere(scenario.token) for _ in range(3)]
    async with Worker() as worker:
        connection = await worker.connect("mine", tokens[0])
        first, second, third = [await worker.routing.grant_for(token) for token in tokens]
        assert isinstance(first, Grant)
        assert isinstance(second, Grant)
        assert isinstance(third, Grant)
        asked_at = timezone.now() - timedelta(seconds=age)
        renewal_id = await elsewhere(lambda: ask("mine", second))
        await elsewhere(lambda: ReauthenticationRequest.objects.update(asked_at=asked_at))
        reauthentication = Reauthentication(routing=worker.routing, connections=worker.connections, run=worker.run)
        asked = {"renewal_id": str(renewal_id), "token_id": second.token_id}
        await reauthentication.answer("mine", asked)
        assert connection.admitted.grant.token_id == (first if age else second).token_id
        await reauthentication.reauthenticate("mine", third)
        await reauthentication.answer("mine", asked)
        assert connection.admitted.grant.token_id == third.token_id
