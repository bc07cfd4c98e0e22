"""Who may call what, by tables: every lifecycle state, every subscription state, every credential."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devportal.deny_policies import ActiveDenyPolicies, ActiveDenyPolicy
from devportal.subscription_states import SubscriptionState
from devportal.tickets import Redeemed
from gateway import refusals
from gateway.authorization.decision import Allow, authorize, is_denied, reauthenticate, reconsider, settle_ticket
from gateway.authorization.grants import Grant, SubscriptionGrant, TokenError
from gateway.handshake.request import CredentialSource, Handshake
from gateway.refusals import Refusal
from gateway.routing.table import RouteTable
from gateway.routing.topics import Topic
from publisher.lifecycle import State
from publisher.origins import Origins
from publisher.runtime import RESIDENT
from tests.gateway.builders import HOUR, NOW, PRODUCTION, SANDBOX, deployment, grant, handshake

STATES = [state.value for state in State]
SUBSCRIPTIONS = ["", *SubscriptionState]
LIVE = ("PUBLISHED", "DEPRECATED")
NOT_SERVED = ("CREATED", "RETIRED")
READ = Topic("/rooms/{id}", scopes=frozenset({"read", "write"}))

Asked = dict[str, Any]


def decide(
    shown: Any = None,
    *,
    source: CredentialSource | None = CredentialSource.HEADER,
    path: str = "/echo/1.0.0",
    **api: Any,
) -> Any:
    """The decision about a handshake on one API that is as `api` says, with the grant `shown`."""
    match = RouteTable([deployment(**api)]).match(path)
    return authorize(handshake(path, source), match, shown, NOW)


def outcome(decision: Any) -> Any:
    """`admit`, or a refusal's status and code."""
    return "admit" if isinstance(decision, Allow) else (decision.status, decision.code)


def expected_for(state: str, subscription: str, key_type: str) -> Any:
    """The rules, said a second time and otherwise."""
    if state in NOT_SERVED:
        return 404, 900906
    if state == "BLOCKED":
        return 503, 900907
    if subscription == "BLOCKED" or (subscription == "PROD_ONLY_BLOCKED" and key_type == "PRODUCTION"):
        return 403, 900907
    if state == "PROTOTYPED" or subscription in ("UNBLOCKED", "PROD_ONLY_BLOCKED"):
        return "admit"
    return (403, 900908) if subscription == "" else (403, 900909)


@pytest.mark.parametrize(
    ("state", "subscription", "key_type"), list(product(STATES, SUBSCRIPTIONS, ("PRODUCTION", "SANDBOX")))
)
def test_every_state_of_api_and_subscription_for_both_kinds_of_key(
    state: str, subscription: str, key_type: str
) -> None:
    subscribed = ("/echo@1.0.0",) if subscription else ()
    shown = grant(subscribed=subscribed, state=subscription, key_type=key_type)
    assert outcome(decide(shown, state=state)) == expected_for(state, subscription, key_type)


@pytest.mark.parametrize(
    ("shown", "source", "expected"),
    [
        (None, None, (401, 900902)),
        (None, CredentialSource.BASIC, (401, 900901)),
        (None, CredentialSource.API_KEY, (401, 900901)),
        (None, CredentialSource.OTHER, (401, 900901)),
        (grant(), CredentialSource.BASIC, (401, 900901)),
        (TokenError.UNKNOWN, CredentialSource.HEADER, (401, 900901)),
        (TokenError.UNKNOWN, CredentialSource.QUERY, (401, 900901)),
        (TokenError.SERVICE_ACCOUNT, CredentialSource.HEADER, (401, 900901)),
        (TokenError.DISABLED, CredentialSource.HEADER, (401, 900901)),
        (TokenError.EXPIRED, CredentialSource.HEADER, (401, 900903)),
        (TokenError.UNAVAILABLE, CredentialSource.HEADER, (503, 900900)),
        (None, CredentialSource.HEADER, (401, 900901)),
        (grant(expires_at=NOW), CredentialSource.HEADER, (401, 900903)),
        (grant(expires_at=NOW + 0.001), CredentialSource.HEADER, "admit"),
        (grant(), CredentialSource.HEADER, "admit"),
        (grant(), CredentialSource.QUERY, "admit"),
    ],
)
@pytest.mark.parametrize("state", ["PUBLISHED", "DEPRECATED", "PROTOTYPED"])
def test_every_credential(shown: Any, source: CredentialSource | None, expected: Any, state: str) -> None:
    decision = decide(shown, source=source, state=state)
    assert outcome(decision) == expected
    if outcome(decision) != "admit" and decision.status == 401:
        assert dict(decision.headers)["WWW-Authenticate"].startswith("Bearer ")


def test_the_challenge_names_an_error_only_when_something_was_shown() -> None:
    silent, wrong = decide(None, source=None), decide(TokenError.UNKNOWN)
    assert "error" not in dict(silent.headers)["WWW-Authenticate"]
    assert 'error="invalid_token"' in dict(wrong.headers)["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("source", "word"),
    [(CredentialSource.BASIC, "Basic"), (CredentialSource.API_KEY, "API key"), (None, "Send the header")],
)
def test_a_credential_that_is_not_taken_is_told_which_form_is(source: CredentialSource | None, word: str) -> None:
    description = decide(None, source=source).description
    assert word in description
    assert "Authorization: Bearer" in description
    assert "?access_token=" in description


def test_an_empty_token_is_no_credential() -> None:
    match = RouteTable([deployment()]).match("/echo/1")
    for source in (CredentialSource.HEADER, CredentialSource.QUERY):
        assert outcome(authorize(handshake("/echo/1", source, token=""), match, None, NOW)) == (401, 900902)


def test_a_token_in_the_query_can_be_switched_off_and_is_then_not_recommended() -> None:
    refused = decide(grant(), source=CredentialSource.QUERY, query_token=False)
    assert outcome(refused) == (401, 900901)
    assert "?access_token=" not in refused.description
    assert outcome(decide(grant(), source=CredentialSource.HEADER, query_token=False)) == "admit"


def test_keys_of_a_type_that_the_api_does_not_take_are_refused() -> None:
    refused = decide(grant(), key_types=frozenset({"SANDBOX"}))
    assert outcome(refused) == (403, 900905)
    assert "takes no production keys" in refused.description


def test_tokens_of_a_key_manager_that_the_api_does_not_take_are_refused() -> None:
    refused = decide(grant(key_manager="Okta"), key_managers=frozenset({RESIDENT}))
    assert outcome(refused) == (401, 900901)
    assert "no tokens of the Okta" in refused.description
    assert outcome(decide(grant(), key_managers=frozenset({RESIDENT}))) == "admit"
    assert outcome(decide(grant(key_manager="Okta"))) == "admit"


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/other/1.0.0", {}),
        ("/echo/2", {}),
        ("/echo", {}),
        ("/echo/1.0.0/other", {"topics": ["/rooms/{id}"]}),
        ("/echo/1.0.0", {"revision_id": ""}),
    ],
)
@pytest.mark.parametrize("source", [None, CredentialSource.HEADER, CredentialSource.BASIC])
def test_what_is_not_there_is_not_found_whoever_asks(path: str, api: Asked, source: CredentialSource | None) -> None:
    assert outcome(decide(grant(), source=source, path=path, **api)) == (404, 900906)


def test_a_token_that_only_tells_who_signed_in_calls_no_api() -> None:
    decision = decide(grant(scopes=frozenset({"openid"})))
    assert outcome(decision) == (403, 900910)
    assert outcome(decide(grant(scopes=frozenset({"openid", "default"})))) == "admit"


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [({"read"}, "admit"), ({"write", "other"}, "admit"), ({"default"}, (403, 900910)), (set(), (403, 900910))],
)
def test_a_topic_asks_for_one_of_its_scopes(scopes: set[str], expected: Any) -> None:
    decision = decide(grant(scopes=frozenset(scopes)), path="/echo/1/rooms/7", topics=[READ, "/*"])
    assert outcome(decision) == expected
    if isinstance(decision, Refusal):
        assert 'error="insufficient_scope", scope="read write"' in dict(decision.headers)["WWW-Authenticate"]
    assert outcome(decide(grant(scopes=frozenset(scopes)), path="/echo/1/free", topics=[READ, "/*"])) == "admit"


@pytest.mark.parametrize(("key_type", "endpoint"), [("PRODUCTION", PRODUCTION), ("SANDBOX", SANDBOX)])
def test_the_kind_of_key_chooses_the_endpoint(key_type: str, endpoint: Any) -> None:
    other = "SANDBOX" if key_type == "PRODUCTION" else "PRODUCTION"
    both = {"PRODUCTION": PRODUCTION, "SANDBOX": SANDBOX}
    assert decide(grant(key_type=key_type), endpoints=both).endpoint is endpoint
    refused = decide(grant(key_type=key_type), endpoints={other: both[other]})
    assert outcome(refused) == (403, 900905)
    assert f"no {key_type.lower()} endpoint" in refused.description


def test_a_blocked_api_says_when_to_come_back() -> None:
    assert int(dict(decide(grant(), state="BLOCKED").headers)["Retry-After"]) > 0
    assert int(dict(decide(TokenError.UNAVAILABLE).headers)["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({}, "1.2"),
        ({"/echo@1.1": "UNBLOCKED"}, "1.1"),
        ({"/echo@1.1": "UNBLOCKED", "/echo@1.2": "BLOCKED"}, "1.1"),
        ({"/echo@1.1": "BLOCKED"}, 900907),
        ({"/echo@1.0": "UNBLOCKED", "/echo@1.1": "UNBLOCKED"}, "1.1"),
    ],
)
def test_a_version_prefix_reaches_the_highest_that_the_caller_may_call(held: dict[str, str], expected: Any) -> None:
    table = RouteTable(deployment(version=each, state="PROTOTYPED") for each in ("1.0", "1.1", "1.2"))
    subscriptions = {api_id: SubscriptionGrant("s", "Gold", state) for api_id, state in held.items()}
    shown = replace(grant(), subscriptions=subscriptions)
    decision = authorize(handshake("/echo/1"), table.match("/echo/1"), shown, NOW)
    assert (decision.route.deployment.version if isinstance(decision, Allow) else decision.code) == expected
    if isinstance(decision, Allow):  # the connection keeps nothing of the other versions
        own = decision.route.api_id
        assert decision.grant.subscriptions == {each: held for each, held in subscriptions.items() if each == own}


def test_an_admission_carries_all_that_the_connection_needs() -> None:
    admitted = decide(grant(), path="/echo/1.0/rooms/7")
    assert isinstance(admitted, Allow)
    assert admitted.subscription is not None
    assert (admitted.subscription.plan, admitted.subscription.id) == ("Gold", "s-/echo@1.0.0")
    assert (admitted.route.api_id, admitted.route.rest, admitted.grant) == ("/echo@1.0.0", "/rooms/7", grant())


# --- the same about a connection that is open -----------------------------------------------------------------------


def opened(path: str = "/echo/1.0.0/rooms/7", shown: Grant | None = None, **api: Any) -> Allow:
    """A connection that was admitted."""
    admitted = decide(shown or grant(scopes=frozenset({"read"})), path=path, **api)
    assert isinstance(admitted, Allow)
    return admitted


@pytest.mark.parametrize(
    ("api", "shown", "code"),
    [
        ({}, grant(), None),
        ({"revision_id": "r2", "endpoints": {"PRODUCTION": SANDBOX}}, grant(), None),
        ({"state": "DEPRECATED"}, grant(), None),
        ({"state": "PROTOTYPED"}, grant(subscribed=()), None),
        ({}, grant(state="PROD_ONLY_BLOCKED", key_type="SANDBOX"), None),
        ({}, TokenError.UNAVAILABLE, None),
        ({}, TokenError.UNKNOWN, 4001),
        ({}, TokenError.EXPIRED, 4001),
        ({}, TokenError.DISABLED, 4001),
        ({}, grant(expires_at=NOW - HOUR), 4001),
        ({}, grant(subscribed=()), 4002),
        ({}, grant(state="ON_HOLD"), 4002),
        ({}, grant(state="REJECTED"), 4002),
        ({"topics": [READ]}, grant(scopes=frozenset()), 4002),
        ({"endpoints": {"SANDBOX": SANDBOX}}, grant(), 4002),
        ({"state": "BLOCKED"}, grant(), 4006),
        ({}, grant(state="BLOCKED"), 4006),
        ({}, grant(state="PROD_ONLY_BLOCKED"), 4006),
        ({"state": "CREATED"}, grant(), 4010),
        ({"state": "RETIRED"}, grant(), 4010),
        ({"revision_id": ""}, grant(), 4010),
        ({"topics": ["/other"]}, grant(), 4010),
        (None, grant(), 4010),
    ],
)
def test_an_open_connection_is_closed_with_the_code_of_what_ended(
    api: Asked | None, shown: Any, code: int | None
) -> None:
    now_deployed = None if api is None else deployment(**api)
    decision = reconsider(opened(), now_deployed, shown, NOW)
    if code is None:
        assert not isinstance(decision, Refusal)
    else:
        assert isinstance(decision, Refusal)
        close = refusals.close_for(decision)
        assert (close.code, close.reason) == (code, decision.description)
        assert len(close.reason.encode()) <= 123


def test_a_connection_that_stays_is_told_its_new_grant_and_revision() -> None:
    later, renewed = deployment(revision_id="r2"), grant(expires_at=NOW + 2 * HOUR)
    decision = reconsider(opened(), later, renewed, NOW)
    assert isinstance(decision, Allow)
    assert (decision.route.deployment, decision.grant) == (later, renewed)


def test_a_connection_on_a_version_prefix_stays_on_its_version() -> None:
    admitted = opened("/echo/1")
    decision = reconsider(admitted, deployment(revision_id="r2"), grant(subscribed=("/echo@1.0.0", "/echo@1.5")), NOW)
    assert isinstance(decision, Allow)
    assert decision.route.deployment.version == "1.0.0"


@given(
    state=st.sampled_from(STATES),
    subscription=st.sampled_from(SUBSCRIPTIONS),
    key_type=st.sampled_from(["PRODUCTION", "SANDBOX"]),
    remaining=st.floats(-10, 10),
    scopes=st.frozensets(st.sampled_from(["read", "other"])),
)
def test_an_open_connection_is_judged_as_a_new_handshake_would_be(
    state: str, subscription: str, key_type: str, remaining: float, scopes: frozenset[str]
) -> None:
    subscribed = ("/echo@1.0.0",) if subscription else ()
    shown = grant(
        subscribed=subscribed, state=subscription, key_type=key_type, expires_at=NOW + remaining, scopes=scopes
    )
    api: Asked = {"state": state, "topics": [READ]}
    again = reconsider(opened(), deployment(**api), shown, NOW)
    assert outcome(again) == outcome(decide(shown, path="/echo/1.0.0/rooms/7", **api))


# --- deny policies, origins, tickets, renewal ----------------------------------------------------------------

WEB = "https://app.example.com"
ONLY_WEB = Origins((WEB,))


def denying(kind: str, subject: str = "", value: str = "text", invert: bool = False) -> ActiveDenyPolicies:
    """One deny policy."""
    return ActiveDenyPolicies([ActiveDenyPolicy(kind, value, subject, invert)])


def asked(origin: str | None = None) -> Handshake:
    """A handshake with a token, from 192.0.2.7 and perhaps from a page."""
    return replace(handshake(), origin=origin)


def judged(
    deny_policies: ActiveDenyPolicies | None = None, shown: Any = None, origin: str | None = None, **api: Any
) -> Allow | Refusal:
    """The decision about it."""
    match = RouteTable([deployment(**api)]).match("/echo/1.0.0")
    return authorize(asked(origin), match, grant() if shown is None else shown, NOW, deny_policies)


@pytest.mark.parametrize(
    ("deny_policies", "shown"),
    [
        (denying("API", "/echo@1.0.0"), grant()),
        (denying("IP", value="192.0.2.7"), grant()),
        (denying("IPRANGE", value="192.0.2.0/24"), grant()),
        (denying("IPRANGE", value="198.51.100.0/24", invert=True), grant()),
        (denying("APPLICATION", "app"), grant()),
        (denying("USER", "7"), grant()),
        (denying("USER", "9"), grant(user_id="9")),
    ],
)
def test_whom_a_deny_policy_names_is_neither_let_in_nor_left_connected(
    deny_policies: ActiveDenyPolicies, shown: Grant
) -> None:
    refused = judged(deny_policies, shown)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (403, 900805)
    admitted = judged(None, shown)
    assert isinstance(admitted, Allow)
    assert is_denied(admitted, deny_policies)
    again = reconsider(admitted, deployment(), shown, NOW, deny_policies)
    assert isinstance(again, Refusal)
    assert refusals.close_for(again).code == 4006


@pytest.mark.parametrize(
    "deny_policies",
    [
        denying("API", "/other@1.0.0"),
        denying("IP", value="192.0.2.8"),
        denying("IPRANGE", value="192.0.2.0/24", invert=True),
        denying("APPLICATION", "other"),
        denying("USER", "app"),
        denying("USER", ""),
        ActiveDenyPolicies(),
    ],
)
def test_whom_no_deny_policy_names_is_let_in_and_stays(deny_policies: ActiveDenyPolicies) -> None:
    admitted = judged(deny_policies)
    assert isinstance(admitted, Allow)
    assert not is_denied(admitted, deny_policies)
    assert isinstance(reconsider(admitted, deployment(), grant(), NOW, deny_policies), Allow)


def test_a_denied_address_is_refused_before_its_token_is_judged() -> None:
    refused = judged(denying("IP", value="192.0.2.7"), TokenError.UNKNOWN)
    assert isinstance(refused, Refusal)
    assert refused.code == 900805


@pytest.mark.parametrize(("origin", "is_let_in"), [(None, True), (WEB, True), ("https://mallory.test", False)])
def test_a_page_that_is_not_listed_is_refused(origin: str | None, is_let_in: bool) -> None:
    decision = judged(origin=origin, origins=ONLY_WEB)
    assert isinstance(decision, Allow if is_let_in else Refusal)
    if isinstance(decision, Refusal):
        assert (decision.status, decision.code) == (403, 900403)


def test_a_page_that_is_no_longer_listed_is_closed() -> None:
    admitted = judged(origin="https://old.test")
    assert isinstance(admitted, Allow)
    again = reconsider(admitted, deployment(origins=ONLY_WEB), grant(), NOW)
    assert isinstance(again, Refusal)
    assert refusals.close_for(again).code == 4002


@pytest.mark.parametrize(
    ("ticket", "origin", "is_good"),
    [
        (Redeemed("1", "/echo@1.0.0", WEB, "c1"), WEB, True),
        (Redeemed("1", "/echo@1.0.0", "", "c1"), None, True),
        (Redeemed("1", "/echo@1.0.0", "", "c1"), WEB, False),
        (Redeemed("1", "/echo@1.0.0", WEB, "c1"), None, False),
        (Redeemed("1", "/echo@1.0.0", WEB, "c1"), "https://mallory.test", False),
        (Redeemed("1", "/other@1.0.0", WEB, "c1"), WEB, False),
    ],
)
def test_a_ticket_counts_for_its_api_and_origin_and_names_the_connection(
    ticket: Redeemed, origin: str | None, is_good: bool
) -> None:
    admitted = judged(origin=origin)
    assert isinstance(admitted, Allow)
    decision = settle_ticket(admitted, ticket)
    if isinstance(decision, Allow):
        assert (is_good, decision.connection_id) == (True, "c1")
    else:
        assert (is_good, decision.status) == (False, 401)


@pytest.mark.parametrize(
    ("other", "is_taken"),
    [
        ({"token_id": "2", "expires_at": NOW + 2 * HOUR}, True),
        ({"application_id": "other"}, False),
        ({"key_type": "SANDBOX"}, False),
        ({"user_id": "9"}, False),
        ({"subscribed": ()}, False),
        ({"expires_at": NOW}, False),
        ({"state": "BLOCKED"}, False),
    ],
)
def test_a_connection_is_renewed_with_a_token_of_the_same_kind_that_would_be_let_in(
    other: dict[str, Any], is_taken: bool
) -> None:
    admitted, shown = judged(origin=WEB), grant(**other)
    assert isinstance(admitted, Allow)
    decision = reauthenticate(admitted, deployment(), shown, NOW)
    assert isinstance(decision, Allow if is_taken else Refusal)
    if isinstance(decision, Allow):
        assert (decision.grant, decision.client_ip, decision.origin) == (shown, "192.0.2.7", WEB)
