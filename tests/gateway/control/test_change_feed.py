"""Rights act on open connections: what closes which connection, with what code, and what is left alone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts import operations as people
from accounts.models import User
from core import audit
from core.models import AuditEntry
from devportal import operations as developing
from devportal.models import Application, Subscription
from gateway.authorization.decision import Allow
from gateway.connections.registry import Connection
from gateway.control import change_feed, feed_rows
from gateway.control.feed import GRACE_SECONDS
from gateway.control.plane import ControlPlane
from gateway.pulse import rest
from gateway.refusals import Refusal
from publisher import operations as publishing
from publisher.lifecycle import Action
from publisher.models import Api
from tests.gateway.scenario import Scenario, Worker, elsewhere, try_admit

Deed = Callable[[Scenario], Any]


@pytest.fixture
def scenario(transactional_db: None) -> Scenario:
    """The scenario where other threads see it."""
    return Scenario()


def move(action: Action) -> Deed:
    """Move the tutorial's API along its lifecycle."""
    return lambda scenario: publishing.transition_api(
        api=Api.objects.get(pk=scenario.api.pk), action=action, actor=scenario.admin, now=timezone.now()
    )


def undeploy(scenario: Scenario) -> None:
    publishing.undeploy(api=Api.objects.get(pk=scenario.api.pk), actor=scenario.admin, now=timezone.now())


def unsubscribe(scenario: Scenario) -> None:
    row = Subscription.objects.get(pk=scenario.subscription.pk)
    developing.unsubscribe(subscription=row, actor=scenario.carol, now=timezone.now())


def delete_application(scenario: Scenario) -> None:
    row = Application.objects.get(pk=scenario.application.pk)
    developing.delete_application(application=row, actor=scenario.carol, now=timezone.now())


def disable_owner(scenario: Scenario) -> None:
    people.set_active(
        active=False, user=User.objects.get(pk=scenario.carol.pk), actor=scenario.admin, now=timezone.now()
    )


def renew_secret(scenario: Scenario) -> None:
    developing.regenerate_secret(client=scenario.client, revoke_tokens=True, actor=scenario.carol, now=timezone.now())


def rename_application(scenario: Scenario) -> None:
    row = Application.objects.get(pk=scenario.application.pk)
    developing.update_application(
        application=row,
        name="Renamed",
        description="",
        plan=row.plan,
        token_type=row.token_type,
        actor=scenario.carol,
        now=timezone.now(),
    )


def redeploy(scenario: Scenario) -> None:
    scenario.edit(scenario.api, "another description")


def delete_revision(scenario: Scenario) -> None:
    spare = publishing.create_revision(api=scenario.api, actor=scenario.admin, now=timezone.now())
    publishing.delete_revision(api=scenario.api, revision=spare, actor=scenario.admin, now=timezone.now())


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (Scenario.revoke_all, 4001),
        (renew_secret, 4001),
        (disable_owner, 4001),
        (delete_application, 4001),
        (unsubscribe, 4002),
        (Scenario.block, 4006),
        (lambda scenario: scenario.block("PROD_ONLY_BLOCKED"), 4006),
        (move(Action.BLOCK), 4006),
        (move(Action.DEMOTE), 4010),
        (undeploy, 4010),
        (move(Action.DEPRECATE), None),
        (move(Action.PROTOTYPE), None),
        (redeploy, None),
        (delete_revision, None),
        (rename_application, None),
        (Scenario.token, None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_deed_closes_the_connections_that_rest_on_what_it_ended_and_no_other(
    scenario: Scenario, deed: Deed, code: int | None
) -> None:
    token = await elsewhere(scenario.token)
    _, theirs = await elsewhere(scenario.daves)
    async with Worker() as worker:
        await worker.connect("mine", token)
        await worker.connect("theirs", theirs, "/other/1.0")
        await elsewhere(lambda: deed(scenario))
        await worker.change_feed.step()
        assert worker.closed == ({"mine": code} if code else {})
        if code:
            assert isinstance(await worker.decide(token), Refusal)


async def test_nothing_is_asked_while_nobody_writes_and_what_is_written_is_seen_in_the_next_step(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await elsewhere(scenario.token)
    asked: list[int] = []
    read = feed_rows.rows_from
    monkeypatch.setattr(feed_rows, "rows_from", lambda floor: (asked.append(floor), read(floor))[1])
    async with Worker() as worker:
        await worker.connect("mine", token)
        await worker.change_feed.step()
        asked.clear()
        await worker.change_feed.step()
        assert asked == []
        assert worker.change_feed.age() < 1
        worker.clock.now += change_feed.AGAIN_SECONDS
        await worker.change_feed.step()
        assert len(asked) == 1  # in case the mark says too little
        await elsewhere(scenario.revoke_all)
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4001}


async def test_who_follows_rests_while_nobody_writes_and_acts_at_the_beat_after_somebody_has(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await elsewhere(scenario.token)
    steps = 0
    async with Worker() as worker:
        await worker.connect("mine", token)
        worker.mark.elapsed = time.monotonic
        step = worker.change_feed.step

        async def counting() -> None:
            nonlocal steps
            steps += 1
            await step()

        monkeypatch.setattr(worker.change_feed, "step", counting)
        monkeypatch.setattr(change_feed, "POLL_SECONDS", 0.02)
        following = asyncio.create_task(worker.change_feed.follow())
        try:
            async with asyncio.timeout(30):
                while not steps:
                    await asyncio.sleep(0.01)
                for _ in range(10):
                    await rest(0.02)
                assert steps < 5 or worker.mark.at_once() is None  # PostgreSQL has to be asked, at each beat
                await elsewhere(scenario.revoke_all)
                while not worker.closed:
                    await asyncio.sleep(0.01)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert worker.closed == {"mine": 4001}


async def test_a_connection_that_stays_is_told_what_changed(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        connection = await worker.connect("mine", token)
        first = connection.admitted.route.deployment.revision_id
        await elsewhere(lambda: redeploy(scenario))
        await elsewhere(lambda: rename_application(scenario))
        await worker.change_feed.step()
        assert connection.admitted.route.deployment.revision_id != first
        assert connection.admitted.grant.application_name == "Renamed"


async def test_edits_to_one_api_reconsider_no_connection_of_another(scenario: Scenario) -> None:
    other, _ = await elsewhere(scenario.daves)
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        connection = await worker.connect("mine", token)
        before = connection.admitted
        for number in range(10):
            await elsewhere(lambda number=number: scenario.edit(other, f"edit {number}"))
            await worker.change_feed.step()
        assert connection.admitted is before
        assert worker.closed == {}


async def test_an_edit_that_is_not_deployed_reconsiders_no_connection(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        connection = await worker.connect("mine", token)
        before = connection.admitted
        await elsewhere(
            lambda: publishing.update_api(
                api=scenario.api, changes={"description": "other words"}, actor=scenario.admin, now=timezone.now()
            )
        )
        await worker.change_feed.step()
        assert connection.admitted is before


async def test_a_new_api_is_served_and_a_deleted_one_is_not(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        fresh = await elsewhere(lambda: scenario.publish("Fresh", "/fresh"))
        await elsewhere(lambda: scenario.subscribe(api=fresh))
        await worker.change_feed.step()
        await worker.connect("mine", token, "/fresh/1")
        await elsewhere(lambda: publishing.delete_api(api=fresh, actor=scenario.admin, now=timezone.now()))
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4010}
        assert worker.routing.routes.deployments.get(str(fresh.pk)) is None


async def test_a_connection_ends_when_its_token_does_whether_the_database_is_there_or_not(scenario: Scenario) -> None:
    short, long = await elsewhere(lambda: scenario.token(seconds=60)), await elsewhere(scenario.token)
    async with Worker() as worker:
        await worker.connect("short", short)
        await worker.connect("long", long)
        worker.run.failing = OperationalError("gone")
        worker.clock.now += 59
        await worker.change_feed.close_expired()
        assert worker.closed == {}
        worker.clock.now += 1.1
        await worker.change_feed.close_expired()
        assert worker.closed == {"short": 4001}


async def test_while_the_database_is_away_connections_stay_and_afterwards_all_is_caught_up_with(
    scenario: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = await elsewhere(scenario.token)
    other, theirs = await elsewhere(scenario.daves)
    async with Worker() as worker:
        await worker.connect("mine", token)
        await worker.connect("theirs", theirs, "/other/1")
        worker.run.failing = OperationalError("gone")
        await elsewhere(scenario.block)
        await elsewhere(lambda: Api.objects.filter(pk=other.pk).update(state="BLOCKED"))
        for _ in range(3):
            await worker.change_feed.step()
        assert worker.closed == {}
        assert isinstance(await worker.decide(token), Allow)
        worker.run.failing = None
        for _ in range(3):
            await worker.change_feed.step()
        assert worker.closed == {"mine": 4006, "theirs": 4006}
    assert not [record for record in caplog.records if record.name == "gateway.change_feed"]


async def test_how_old_the_state_is_goes_on_growing_while_the_database_is_away(scenario: Scenario) -> None:
    async with Worker() as worker:
        worker.clock.now += 3
        assert worker.change_feed.age() == 3
        await worker.change_feed.step()
        assert worker.change_feed.age() == 0
        worker.run.failing = OperationalError("gone")
        worker.clock.now += 20
        await worker.change_feed.step()
        assert worker.change_feed.age() == 20


async def test_a_known_token_lets_in_while_the_database_is_away_but_not_for_ever(scenario: Scenario) -> None:
    known, unknown = await elsewhere(scenario.token), await elsewhere(scenario.token)
    async with Worker() as worker:
        await worker.connect("mine", known)
        worker.routing.is_outdated = lambda: worker.change_feed.age() > 900
        worker.run.failing = OperationalError("gone")
        assert isinstance(await worker.decide(known), Allow)
        refused = await worker.decide(unknown)
        assert isinstance(refused, Refusal)
        assert (refused.status, refused.headers) == (503, (("Retry-After", "2"),))
        worker.clock.now += 901
        await worker.change_feed.step()
        refused = await worker.decide(known)
        assert isinstance(refused, Refusal)
        assert refused.status == 503
        assert worker.closed == {}
        worker.run.failing = None
        assert isinstance(await worker.decide(known), Allow)


async def test_a_row_that_was_missed_is_made_up_for_within_a_minute(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    other, theirs = await elsewhere(scenario.daves)
    async with Worker() as worker:
        await worker.connect("mine", token)
        await worker.connect("theirs", theirs, "/other/1")
        await elsewhere(lambda: Subscription.objects.filter(pk=scenario.subscription.pk).delete())
        await elsewhere(lambda: Api.objects.filter(pk=other.pk).update(state="BLOCKED"))
        await worker.change_feed.step()
        assert worker.closed == {}
        worker.clock.now += change_feed.RECONCILE_SECONDS
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4002, "theirs": 4006}
        assert isinstance(await worker.decide(token), Refusal)


async def test_more_rows_than_are_worth_reading_one_by_one_are_made_up_for_at_once(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(feed_rows, "FeedRow")  # of which none is made
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        await worker.connect("mine", token)
        await elsewhere(lambda: _many_rows(feed_rows.MOST_ROWS + 1))
        await elsewhere(scenario.block)
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4006}


async def test_what_changes_while_a_worker_starts_is_not_missed(scenario: Scenario) -> None:
    token, worker = await elsewhere(scenario.token), Worker()

    async def block_meanwhile() -> None:
        await elsewhere(lambda: move(Action.BLOCK)(scenario))

    worker.run.before = block_meanwhile
    async with worker:
        await worker.change_feed.step()
        decision = await worker.decide(token)
        assert isinstance(decision, Refusal)
        assert decision.status == 503


async def test_a_row_with_a_lower_id_that_commits_after_a_higher_one_is_seen(scenario: Scenario) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time, so ids commit in order")
    token = await elsewhere(scenario.token)
    started, finish = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        with transaction.atomic():
            scenario.block()
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(finish.wait(), loop).result()

    async with Worker() as worker:
        await worker.connect("mine", token)
        blocking = asyncio.create_task(elsewhere(slow))
        await started.wait()
        await elsewhere(lambda: _many_rows(1))
        await worker.change_feed.step()
        assert worker.closed == {}
        finish.set()
        await blocking
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4006}


async def test_a_connection_that_fails_to_close_does_not_keep_the_others_open(
    scenario: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        broken = await worker.connect("broken", token)
        await worker.connect("mine", token)

        def fail(code: int, reason: str) -> None:
            raise RuntimeError("torn")

        broken.close = fail
        await elsewhere(scenario.revoke_all)
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4001}
        assert "torn" in caplog.text


async def test_a_worker_put_together_closes_connections_by_itself(scenario: Scenario) -> None:
    """The real loop, threads and clock; everywhere else the steps are taken by hand."""
    token = await elsewhere(scenario.token)
    control, closed = ControlPlane(), asyncio.Event()
    await control.start()
    try:
        decision = await control.routing.decide(try_admit(token))
        assert isinstance(decision, Allow)
        control.connections.add(Connection("mine", decision, lambda code, _: closed.set(), "192.0.2.7", 0.0))
        await elsewhere(scenario.block)
        await asyncio.wait_for(closed.wait(), timeout=10)
    finally:
        await control.stop()


def restore(newest: int) -> None:
    """Take the log back to where `newest` was its last row, and the sequence of its ids with it."""
    AuditEntry.objects.filter(pk__gt=newest).delete()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [AuditEntry._meta.db_table, newest])
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [newest, AuditEntry._meta.db_table])


def newest_entry() -> int:
    return AuditEntry.objects.latest("pk").pk


@pytest.mark.parametrize("is_settled", [False, True], ids=["just read", "settled"])
@pytest.mark.parametrize("more", [0, 200], ids=["shorter than before", "longer than before"])
async def test_a_restored_database_is_noticed_at_once_and_everything_done_in_it_obeyed(
    scenario: Scenario, caplog: pytest.LogCaptureFixture, is_settled: bool, more: int
) -> None:
    token = await elsewhere(scenario.token)
    _, theirs = await elsewhere(scenario.daves)
    backup = await elsewhere(newest_entry)
    await elsewhere(lambda: _many_rows(100))
    async with Worker() as worker:
        await worker.connect("mine", token)
        await worker.connect("asked", theirs, "/other/1")
        if is_settled:
            worker.clock.now += GRACE_SECONDS + 1
            await worker.change_feed.step()
        await elsewhere(lambda: restore(backup))
        await elsewhere(scenario.block)
        await elsewhere(lambda: ask_to_close("asked", "Maintenance"))
        if more:
            await elsewhere(lambda: _many_rows(more))
        await worker.change_feed.step()
        assert worker.closed == {"mine": 4006, "asked": 4011}
        assert isinstance(await worker.decide(token), Refusal)
        await worker.connect("again", theirs, "/other/1")
        await elsewhere(lambda: ask_to_close("again", "Maintenance"))
        await worker.change_feed.step()
        assert worker.closed.keys() == {"mine", "asked", "again"}
    spoken = [record.getMessage() for record in caplog.records if record.name == "gateway.change_feed"]
    assert len(spoken) == 1
    assert "restored" in spoken[0]


async def test_a_token_that_a_restored_database_gave_to_somebody_else_keeps_nobody_connected(
    scenario: Scenario,
) -> None:
    token = await elsewhere(scenario.token)
    other = await elsewhere(lambda: scenario.keys(scenario.apply("Another client")))
    async with Worker() as worker:
        await worker.connect("mine", token)
        await elsewhere(lambda: AccessToken.objects.filter(application=scenario.client).update(application=other))
        await worker.change_feed.reconcile()
        assert worker.closed == {"mine": 4001}


def _many_rows(count: int) -> None:
    now = timezone.now()
    with transaction.atomic():
        audit.record(actor=None, verb="plan.updated", kind="plan", object_id="x", now=now)
        AuditEntry.objects.bulk_create(
            AuditEntry(at=now, actor_name="system", verb="plan.updated", kind="plan", object_id="x")
            for _ in range(count - 1)
        )


@transaction.atomic
def ask_to_close(name: str, reason: str) -> None:
    about = {"kind": "connection", "object_id": name, "detail": {"reason": reason}}
    audit.record(actor=None, verb="connection.closed", now=timezone.now(), **about)


@pytest.mark.parametrize("most", [1000, 1])
async def test_an_operator_closes_one_connection_with_a_reason_however_much_else_has_happened(
    scenario: Scenario, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (change_feed, feed_rows):
        monkeypatch.setattr(module, "MOST_ROWS", most)
    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        connection, said = await worker.connect("mine", token), list[tuple[int, str]]()
        connection.close = lambda code, reason: said.append((code, reason))
        await worker.connect("other", token)
        await elsewhere(lambda: ask_to_close("nobody", ""))
        await elsewhere(lambda: ask_to_close("mine", "Maintenance"))
        await worker.change_feed.step()
        await worker.change_feed.step()
        assert said == [(4011, "Maintenance")]
        assert worker.closed == {}


async def test_many_are_closed_in_one_go_and_an_api_is_drained_of_those_who_were_there(scenario: Scenario) -> None:
    @transaction.atomic
    def ask(verb: str, object_id: str, **detail: Any) -> None:
        audit.record(actor=None, verb=verb, kind="connection", object_id=object_id, detail=detail, now=timezone.now())

    token = await elsewhere(scenario.token)
    async with Worker() as worker:
        for name in ("one", "two", "three"):
            await worker.connect(name, token)
        await elsewhere(lambda: ask("connections.closed", "", connections=["one", "two", "gone"], reason="Now"))
        await worker.change_feed.step()
        assert worker.closed == {"one": 4011, "two": 4011}
        late = await worker.connect("late", token)
        late.opened_at += 1
        before = late.opened_at - 0.5
        await elsewhere(lambda: ask("connections.drained", late.api_id, seconds=0, before=before))
        await worker.change_feed.step()
        async with asyncio.timeout(10):
            while "three" not in worker.closed:
                await asyncio.sleep(0)
        assert worker.closed == {"one": 4011, "two": 4011, "three": 1012}
