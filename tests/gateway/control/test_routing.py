"""What a worker knows of APIs and tokens, from real rows; and what asking it costs."""

from __future__ import annotations

import asyncio
import pickle
from collections import defaultdict
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts import operations as people
from accounts.models import User
from accounts.operations import set_roles
from accounts.roles import Role
from core.models import AuditEntry
from devportal import operations, tokens
from devportal.models import Application, DenyPolicy, Membership, OAuthClient
from devportal.operations.tickets import make_ticket
from devportal.operations.tokens import generate_token, issue_token
from devportal.sharing import Right
from gateway.authorization.cache import Touched
from gateway.authorization.decision import Allow
from gateway.authorization.grants import Grant, TokenError
from gateway.control.loaders import (
    count_with,
    load_deny_policies,
    load_deployments,
    load_fingerprints,
    load_grants,
)
from gateway.control.routing import RoutingState
from gateway.handshake.request import Handshake, read
from gateway.quotas.limits import UNLIMITED
from gateway.refusals import Refusal
from gateway.routing.table import RouteTable
from gateway.routing.topics import Topic
from publisher import impact
from publisher.mock import OFF
from publisher.models import Api, Plan, Revision
from publisher.runtime import ValidationMode
from tests.gateway.builders import scope
from tests.gateway.scenario import Scenario, Worker, elsewhere, person, try_admit


@pytest.fixture
def scenario(db: None) -> Scenario:
    return Scenario()


@pytest.fixture
def committed(transactional_db: None) -> Scenario:
    """The scenario where other threads see it."""
    return Scenario()


def grant_of(token: str, *api_ids: str) -> Grant | TokenError:
    """What a token grants on these APIs, straight from its rows."""
    key = (tokens.digest(token), api_ids)
    return load_grants(asked=[key])[key]


# --- rows into values -----------------------------------------------------------------------------------------


def test_a_deployed_api_is_known_as_its_snapshot_says(scenario: Scenario) -> None:
    Revision.objects.update(
        snapshot={
            **Revision.objects.get().snapshot,
            "topics": [{"target": "/rooms/{id}", "verbs": ["publish"], "mapping": "/r", "scopes": ["read"]}],
            "sandbox": {},
            "query_token": False,
        }
    )
    (known,) = load_deployments()
    assert (known.api_id, known.name, known.context) == (str(scenario.api.pk), "EchoWebSocket", "/echowebsocket")
    assert (known.version, known.state, known.is_served) == ("1.0.0", "PUBLISHED", True)
    assert {key: endpoint.url for key, endpoint in known.design.endpoints.items()} == {
        "PRODUCTION": "ws://localhost:9900/echo"
    }
    assert known.design.options.connect_timeout == 5
    assert known.design.topics.topics == (Topic("/rooms/{id}", ("publish",), "/r", frozenset({"read"})),)
    assert not known.query_token
    assert known.deployed_at > 0


def test_a_mock_answers_for_both_types_of_keys_with_the_examples_of_the_topics(scenario: Scenario) -> None:
    snapshot = Revision.objects.get().snapshot
    said = [{"name": "said", "examples": [{"text": "hi"}]}]
    topics = [{"target": "/rooms/{id}", "verbs": ["subscribe"], "messages": {"subscribe": said}}]
    mock = {**OFF, "is_on": True, "on_connect": ["@said"]}
    Revision.objects.update(snapshot={**snapshot, "sandbox": {}, "topics": topics, "mock": mock})
    (known,) = load_deployments()
    assert known.design.mock
    assert (known.design.mock.on_connect, known.design.mock.examples) == (("@said",), (("said", ('{"text": "hi"}',)),))
    assert {each.url for each in known.design.endpoints.values()} == {"ws://mock.invalid"}
    assert known.design.endpoints.keys() == {"PRODUCTION", "SANDBOX"}


def test_the_runtime_is_as_it_was_deployed_and_schemas_are_read_only_where_they_are_used(scenario: Scenario) -> None:
    snapshot = Revision.objects.get().snapshot
    say = [{"name": "say", "schema": {"type": "object"}}]
    topics = [
        {"target": "/rooms/{id}", "verbs": ["publish"], "messages": {"publish": say, "subscribe": [{"name": "a"}]}}
    ]
    Revision.objects.update(snapshot={**snapshot, "topics": topics})
    (known,) = load_deployments()
    assert known.design.validation is ValidationMode.OFF
    assert known.design.topics.topics[0].client is None
    assert known.design.limits is UNLIMITED
    runtime = {"payload_validation": "enforce", "frame_bytes": 100, "key_managers": ["Resident Key Manager"]}
    rates = {"message_rate": 20, "over_rate": "drop", "byte_quota": 1000, "byte_period": "hour"}
    Revision.objects.update(snapshot={**snapshot, "topics": topics, **runtime, **rates})
    (known,) = load_deployments()
    assert known.design.validation is ValidationMode.ENFORCE
    topic = known.design.topics.topics[0]
    assert topic.client
    assert topic.client.misfit(b"[]")
    assert topic.backend is None
    assert (known.design.frame_bytes, known.design.key_managers) == (100, {"Resident Key Manager"})
    limits = known.design.limits
    assert (limits.rate, limits.over_rate, limits.quota, limits.unit, limits.period, limits.over_quota) == (
        *(20, "drop", 1000, "bytes", "hour", "close"),
    )


def test_an_edit_that_is_not_deployed_is_not_seen_but_the_state_is(scenario: Scenario) -> None:
    Api.objects.update(production={"url": "ws://elsewhere"}, state="BLOCKED")
    (known,) = load_deployments()
    assert known.design.endpoints["PRODUCTION"].url == "ws://localhost:9900/echo"
    assert known.state == "BLOCKED"


def test_a_field_is_forbidden_while_the_api_or_what_is_deployed_of_it_forbids_it(scenario: Scenario) -> None:
    Api.objects.update(redacted=["/pin"])
    Revision.objects.update(snapshot={**Revision.objects.get().snapshot, "redacted": ["/card"]})
    state, api_id = RoutingState(run=lambda work: NotImplemented), str(scenario.api.pk)
    assert state.redacted_of(api_id) is None  # not known: nothing may be kept
    state.routes = RouteTable(load_deployments())
    assert state.redacted_of(api_id) == ("/pin", "/card")


def test_an_api_that_is_not_deployed_is_known_by_name_only(scenario: Scenario) -> None:
    Api.objects.update(deployed_revision=None)
    (known,) = load_deployments([str(scenario.api.pk)])
    assert (known.version, known.is_served, dict(known.design.endpoints)) == ("1.0.0", False, {})


@pytest.mark.parametrize("snapshot", [{}, {"name": 1}, {"topics": 7}])
def test_a_snapshot_that_cannot_be_read_costs_its_own_api_only(
    scenario: Scenario, snapshot: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    other = scenario.publish("Other", "/other")
    Revision.objects.filter(api=other).update(snapshot=snapshot)
    assert {each.name: each.is_served for each in load_deployments()} == {"EchoWebSocket": True, "Other": False}
    assert str(other.pk) in caplog.text


def test_fingerprints_name_state_and_revision(scenario: Scenario) -> None:
    scenario.api.refresh_from_db()
    assert load_fingerprints() == {str(scenario.api.pk): ("PUBLISHED", str(scenario.api.deployed_revision_id))}


def test_a_token_grants_what_its_application_holds(scenario: Scenario) -> None:
    token, api_id = scenario.token(seconds=600), str(scenario.api.pk)
    granted = grant_of(token, api_id)
    row = AccessToken.objects.get()
    assert isinstance(granted, Grant)
    assert (granted.token_id, granted.client_id) == (str(row.pk), scenario.client.client_id)
    assert (granted.application_id, granted.application_name) == (str(scenario.application.pk), "Chat client")
    assert (granted.owner_id, granted.owner_name) == (str(scenario.carol.pk), "carol")
    assert (granted.user_id, granted.user_name) == ("", "")
    assert (granted.key_type, granted.scopes) == ("PRODUCTION", {"default"})
    assert granted.expires_at == row.expires.timestamp()
    held = granted.subscriptions[api_id]
    assert (held.id, held.plan, held.state) == (str(scenario.subscription.pk), "Gold", "UNBLOCKED")
    asked = (str(row.pk), (api_id,)), ("0", ())
    assert load_grants(asked=asked, named_by="pk") == {asked[0]: granted, asked[1]: TokenError.UNKNOWN}


@pytest.mark.parametrize(("over_quota", "quota"), [("close", 10), ("drop", 10), ("pass", None)])
def test_a_quota_that_stops_nothing_is_none_for_the_gateway(
    scenario: Scenario, over_quota: str, quota: int | None
) -> None:
    Plan.objects.update(quota=10, connections=3, over_quota=over_quota)
    granted = grant_of(scenario.token(seconds=600), str(scenario.api.pk))
    assert isinstance(granted, Grant)
    limits = granted.subscriptions[str(scenario.api.pk)].limits
    assert (limits.quota, limits.connections) == (quota, 3)


def test_any_number_of_tokens_costs_two_queries_and_each_grants_what_its_own_application_may_reach_there(
    scenario: Scenario, django_assert_num_queries: Any
) -> None:
    other, theirs = scenario.daves()
    scenario.subscribe(api=other)
    here, there = str(scenario.api.pk), str(other.pk)
    mine = scenario.token()
    asked = [
        (tokens.digest(token), api_ids) for token in (mine, theirs) for api_ids in ((here,), (there,), (here, there))
    ]
    with django_assert_num_queries(2):
        found = load_grants(asked=[*asked, ("unknown", (here,))])
    held = [set(grant.subscriptions) for key in asked if isinstance(grant := found[key], Grant)]
    assert held == [{here}, {there}, {here, there}, set(), {there}, {there}]
    assert found["unknown", (here,)] is TokenError.UNKNOWN
    with django_assert_num_queries(1):  # of subscriptions nobody wants to know
        load_grants(asked=[(tokens.digest(mine), ())])


async def test_a_grant_is_as_large_and_as_dear_with_many_subscriptions_as_with_one(committed: Scenario) -> None:
    token, key = await elsewhere(committed.token), (str(committed.api.pk),)

    def sizes() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            found = load_grants(asked=[(tokens.digest(token), key)])
        with connection.cursor() as cursor:
            cursor.execute(asked[1]["sql"])
            return len(cursor.fetchall()), len(pickle.dumps(found))

    async with Worker() as worker:
        before = await elsewhere(sizes)
        await worker.decide(token)
        for number in range(3):
            await elsewhere(
                lambda number=number: committed.subscribe(api=committed.publish(f"More {number}", f"/more{number}"))
            )
        assert await elsewhere(sizes) == before
        await worker.change_feed.step()
        assert isinstance(await worker.decide(token, "/more0/1.0"), Allow)  # a subscription that came since is known
        assert isinstance(await worker.decide(token), Allow)
        assert len(worker.routing.grants.held) == 2


def test_the_owner_or_the_person_behind_a_token_being_disabled_ends_it(scenario: Scenario, mallory: User) -> None:
    in_her_name = issue_token(
        client=scenario.client, user=mallory, scopes=["default"], seconds=60, now=timezone.now(), actor=mallory
    ).token
    granted = grant_of(in_her_name)
    assert isinstance(granted, Grant)
    assert (granted.user_id, granted.user_name) == (str(mallory.pk), "mallory")
    User.objects.filter(pk=mallory.pk).update(is_active=False)
    assert grant_of(in_her_name) is TokenError.DISABLED
    own = scenario.token()
    assert isinstance(grant_of(own), Grant)
    User.objects.filter(pk=scenario.carol.pk).update(is_active=False)
    assert grant_of(own) is TokenError.DISABLED


def test_a_token_that_a_disabled_member_generated_ends_and_the_owners_go_on(scenario: Scenario, mallory: User) -> None:
    Membership.objects.create(application=scenario.application, person=mallory, right=Right.KEYS, since=timezone.now())
    made = generate_token(client=scenario.client, actor=mallory, now=timezone.now()).token
    granted = grant_of(made)
    assert isinstance(granted, Grant)
    assert granted.maker_id == str(mallory.pk)
    assert Touched(users={str(mallory.pk)}).covers(granted), "so that open connections are asked about at once"

    User.objects.filter(pk=mallory.pk).update(is_active=False)

    assert grant_of(made) is TokenError.DISABLED
    assert isinstance(grant_of(scenario.token()), Grant)


def test_the_owner_of_an_application_losing_the_subscriber_role_ends_its_tokens_and_getting_it_back_revives_them(
    scenario: Scenario,
) -> None:
    own, carol = scenario.token(), User.objects.get(pk=scenario.carol.pk)
    set_roles(user=carol, roles=[Role.CREATOR], actor=scenario.admin, now=timezone.now())
    assert grant_of(own) is TokenError.NO_DEVELOPER
    set_roles(user=carol, roles=[Role.ADMIN], actor=scenario.admin, now=timezone.now())
    assert isinstance(grant_of(own), Grant)
    set_roles(user=carol, roles=[Role.SUBSCRIBER, Role.OBSERVER], actor=scenario.admin, now=timezone.now())
    assert isinstance(grant_of(own), Grant)


def test_a_service_accounts_token_is_for_the_rest_api_only(scenario: Scenario) -> None:
    client = OAuthClient.objects.create(application=None, user=person("robot"), client_type="confidential")
    issued = issue_token(client=client, user=None, scopes=[], seconds=60, now=timezone.now(), actor=scenario.admin)
    assert grant_of(issued.token) is TokenError.SERVICE_ACCOUNT


# --- what a worker does with them -----------------------------------------------------------------------------


async def test_both_kinds_of_token_open_the_tutorials_api(committed: Scenario) -> None:
    opaque = await elsewhere(lambda: _opaque_token(committed))
    jwt = await elsewhere(committed.token)
    assert jwt.count(".") == 2
    assert "." not in opaque
    async with Worker() as worker:
        for token in (jwt, opaque):
            decision = await worker.decide(token)
            assert isinstance(decision, Allow)
            assert decision.route.deployment.version == "1.0.0"
            assert decision.endpoint.url == "ws://localhost:9900/echo"


async def test_a_token_is_asked_for_once(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    async with Worker() as worker:
        await worker.decide(token)
        asked = worker.run.asked
        for _ in range(5):
            assert isinstance(await worker.decide(token), Allow)
        assert worker.run.asked == asked


async def test_many_that_come_at_once_share_the_asking(committed: Scenario) -> None:
    held = [await elsewhere(committed.token) for _ in range(3)]
    async with Worker() as worker:
        asked = worker.run.asked
        decisions = await asyncio.gather(*(worker.decide(token) for token in held * 10))
        assert all(isinstance(each, Allow) for each in decisions)
        # The first goes alone or with those that came in the same step; the rest share the next.
        assert worker.run.asked - asked <= 2


async def test_a_token_that_is_nobodys_is_asked_for_once_and_a_forged_one_never(committed: Scenario) -> None:
    jwt = await elsewhere(committed.token)
    async with Worker() as worker:
        asked = worker.run.asked
        for _ in range(5):
            assert await worker.routing.grant_for("nobodys-opaque-token") is TokenError.UNKNOWN
        assert worker.run.asked == asked + 1
        for bogus in (jwt[:-6] + "AAAAAA", "a.b.c", "two words", "x" * 9000):
            assert await worker.routing.grant_for(bogus) is TokenError.UNKNOWN
        assert worker.run.asked == asked + 1


async def test_a_path_that_leads_nowhere_costs_no_query_whatever_token_comes_with_it(committed: Scenario) -> None:
    async with Worker() as worker:
        asked = worker.run.asked
        decision = await worker.decide("opaque", path="/nowhere/1.0")
        assert isinstance(decision, Refusal)
        assert (decision.status, worker.run.asked) == (404, asked)


async def test_an_expired_token_is_said_to_be_expired_whether_it_was_known_or_not(committed: Scenario) -> None:
    token = await elsewhere(lambda: committed.token(seconds=60))
    opaque = await elsewhere(lambda: _opaque_token(committed, seconds=60))
    async with Worker() as known, Worker() as fresh:
        for each in (token, opaque):
            assert isinstance(await known.decide(each), Allow)
        for worker in (known, fresh):
            worker.clock.now += 60
            for each in (token, opaque):
                decision = await worker.decide(each)
                assert isinstance(decision, Refusal)
                assert (decision.status, decision.code) == (401, 900903)


async def test_while_the_database_is_away_known_tokens_go_on_and_others_are_asked_to_come_back(
    committed: Scenario,
) -> None:
    known, unknown = await elsewhere(committed.token), await elsewhere(committed.token)
    async with Worker() as worker:
        await worker.decide(known)
        worker.run.failing = OperationalError("gone")
        worker.routing.grants.revalidate()
        assert isinstance(await worker.decide(known), Allow)
        refused = await worker.decide(unknown)
        assert isinstance(refused, Refusal)
        assert (refused.status, refused.code) == (503, 900900)
        worker.run.failing = None
        assert isinstance(await worker.decide(unknown), Allow)


async def test_a_right_that_ends_while_it_is_read_is_not_granted(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    async with Worker() as worker:

        async def block_meanwhile() -> None:
            await elsewhere(committed.block)
            worker.routing.forget(Touched(applications={str(committed.application.pk)}))

        worker.run.before = block_meanwhile
        decision = await worker.decide(token)
        assert isinstance(decision, Refusal)
        assert decision.code == 900907


async def test_an_api_that_is_taken_away_while_a_token_is_read_is_not_admitted_to(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    async with Worker() as worker:

        async def block_api_meanwhile() -> None:
            await elsewhere(lambda: Api.objects.update(state="BLOCKED"))
            worker.run.before = None
            await worker.routing.refresh([str(committed.api.pk)])

        worker.run.before = block_api_meanwhile
        decision = await worker.decide(token)
        assert isinstance(decision, Refusal)
        assert decision.status == 503


async def test_a_client_that_goes_away_does_not_take_the_answer_from_the_others(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    async with Worker() as worker:
        first, second = (asyncio.create_task(worker.decide(token)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Allow)


async def test_an_error_in_asking_reaches_whoever_asked_and_nobody_waits_for_ever(committed: Scenario) -> None:
    async with Worker() as worker:
        worker.run.failing = RuntimeError("a mistake of ours")
        for _ in range(2):
            with pytest.raises(RuntimeError, match="a mistake"):
                await worker.routing.grant_for("opaque")


async def test_a_disabled_owner_is_refused_and_let_in_again_as_soon_as_that_is_known(committed: Scenario) -> None:
    token, owner = await elsewhere(committed.token), committed.carol
    await elsewhere(lambda: people.set_active(active=False, user=owner, actor=committed.admin, now=timezone.now()))
    async with Worker() as worker:
        refused = await worker.decide(token)
        assert isinstance(refused, Refusal)
        assert "disabled" in refused.description
        again = User(pk=owner.pk, username=owner.username, is_active=False)
        await elsewhere(lambda: people.set_active(active=True, user=again, actor=committed.admin, now=timezone.now()))
        await worker.change_feed.step()
        assert isinstance(await worker.decide(token), Allow)


def test_the_publisher_is_told_how_many_connections_of_how_many_applications_are_open(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "registered", defaultdict(list))
    open_now = {"app": 5, "other": 2}
    count_with(live=lambda by, api_id: open_now if api_id == str(scenario.api.pk) else {})
    touched = impact.of(scenario.api)
    assert (touched.live_connections, touched.live_applications, touched.applications) == (7, 2, 0)


def _opaque_token(scenario: Scenario, seconds: int = 3600) -> str:
    if not Application.objects.filter(name="Opaque").exists():
        application = scenario.apply("Opaque", token_type=Application.TokenType.OAUTH)
        scenario.subscribe(application)
        scenario.keys(application)
    return scenario.token(OAuthClient.objects.get(application__name="Opaque"), seconds)


# --- tickets and deny policies --------------------------------------------------------------------------------


def ticket_for(scenario: Scenario) -> Handshake:
    """A handshake with a ticket for the newest token."""
    issued = make_ticket(
        token_id=str(AccessToken.objects.latest("pk").pk),
        application_id=str(scenario.application.pk),
        api_id=str(scenario.api.pk),
        origin="",
        now=timezone.now(),
    )
    return read(scope("/echowebsocket/1.0", query=f"ticket={issued.ticket}"))


async def test_a_right_that_ends_while_a_ticket_is_redeemed_does_not_slip_through(committed: Scenario) -> None:
    await elsewhere(committed.token)
    asked = await elsewhere(lambda: ticket_for(committed))
    async with Worker() as worker:

        async def block_meanwhile() -> None:
            await elsewhere(committed.block)
            worker.routing.forget(Touched(applications={str(committed.application.pk)}))

        async def wait_for_the_grant() -> None:
            worker.run.before = block_meanwhile

        worker.run.before = wait_for_the_grant
        decision = await worker.routing.decide(asked)
        assert isinstance(decision, Refusal)
        assert decision.code == 900907


async def test_a_ticket_counts_without_reading_a_token_that_is_known_already(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    first, second = [await elsewhere(lambda: ticket_for(committed)) for _ in range(2)]
    async with Worker() as worker:
        await worker.decide(token)
        asked = worker.run.asked
        assert isinstance(await worker.routing.decide(first), Allow)
        assert worker.run.asked == asked + 1
        worker.routing.grants.revalidate()
        assert isinstance(await worker.routing.decide(second), Allow)
        assert worker.run.asked == asked + 3


async def test_a_used_ticket_is_refused_from_memory(committed: Scenario) -> None:
    await elsewhere(committed.token)
    handshake = await elsewhere(lambda: ticket_for(committed))
    async with Worker() as worker:
        assert isinstance(await worker.routing.decide(handshake), Allow)
        asked = worker.run.asked
        for _ in range(3):
            assert isinstance(await worker.routing.decide(handshake), Refusal)
        assert worker.run.asked == asked


async def test_while_the_database_is_away_no_ticket_is_taken(committed: Scenario) -> None:
    await elsewhere(committed.token)
    handshake = await elsewhere(lambda: ticket_for(committed))
    async with Worker() as worker:
        worker.run.failing = OperationalError("gone")
        decision = await worker.routing.decide(handshake)
        assert isinstance(decision, Refusal)
        assert decision.status == 503
        worker.run.failing = None
        assert isinstance(await worker.routing.decide(handshake), Allow)


async def test_a_denied_address_costs_no_query_whatever_it_shows(committed: Scenario) -> None:
    await elsewhere(lambda: deny(committed, "IP", "192.0.2.7"))
    async with Worker() as worker:
        asked = worker.run.asked
        for shown in ("opaque", "another"):
            decision = await worker.decide(shown)
            assert isinstance(decision, Refusal)
            assert decision.code == 900805
        assert worker.run.asked == asked


def test_only_policies_that_are_switched_on_are_loaded(scenario: Scenario) -> None:
    policy = deny(scenario, "USER", "carol")
    assert load_deny_policies().of_caller("", (str(scenario.carol.pk),))
    operations.switch_deny_policy(policy=policy, is_active=False, actor=scenario.admin, now=timezone.now())
    assert not load_deny_policies()


async def test_a_deny_policy_that_was_missed_is_made_up_for(committed: Scenario) -> None:
    token = await elsewhere(committed.token)
    async with Worker() as worker:
        await worker.connect("mine", token)
        await elsewhere(lambda: deny(committed, "USER", "carol"))
        await elsewhere(AuditEntry.objects.all().delete)
        await worker.change_feed.reconcile()
        assert worker.closed == {"mine": 4006}


def deny(scenario: Scenario, kind: str, value: str) -> DenyPolicy:
    """A deny policy."""
    return operations.add_deny_policy(kind=kind, value=value, actor=scenario.admin, now=timezone.now())


async def test_a_decision_at_once_is_that_of_before_and_stands_as_long_as_what_it_rests_on(
    committed: Scenario,
) -> None:
    token = await elsewhere(committed.token)
    handshake = try_admit(token)
    async with Worker() as worker:
        routing = worker.routing
        assert routing.decide_now(handshake) is None  # the token has to be looked up
        allowed = await routing.decide(handshake)
        decided = routing.decide_now(handshake)
        assert decided
        assert decided.allowed == allowed
        assert token not in repr(decided)
        assert routing.stands(decided)

        worker.clock.now += 4000
        assert not routing.stands(decided)
        worker.clock.now -= 4000
        routing.is_outdated = lambda: True
        assert not routing.stands(decided)
        assert routing.decide_now(handshake) is None
        routing.is_outdated = lambda: False
        routing.deny_policies = await elsewhere(load_deny_policies)
        assert not routing.stands(decided)
        decided = routing.decide_now(handshake)
        assert decided
        assert routing.stands(decided)
        await routing.refresh([decided.allowed.route.api_id])
        assert not routing.stands(decided)
        routing.grants.drop(Touched(tokens={decided.allowed.grant.token_id}))
        assert routing.decide_now(handshake) is None
