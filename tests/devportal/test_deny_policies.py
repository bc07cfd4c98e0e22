"""Deny policies: what may be written, whom they keep out, and who may say so."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.models import AuditEntry
from core.values import BadValue
from devportal import diagnosis, operations, queries
from devportal.deny_policies import ActiveDenyPolicies, ActiveDenyPolicy, DenyCondition, clean_address, read_span
from devportal.errors import DenyPolicyNotFound
from devportal.models import DenyPolicy
from devportal.operations.deny_policies import DeniedAlready, NothingToSwitch
from tests.devportal import builders

NOW = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


def deny(admin: User, kind: str, value: str, invert: bool = False, is_active: bool = True) -> DenyPolicy:
    """A policy as the administrator adds it."""
    return operations.add_deny_policy(kind=kind, value=value, invert=invert, is_active=is_active, actor=admin, now=NOW)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8::1-2001:db8::2", "2001:db8::1-2001:db8::2"),
        ("::1/128", "::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
    ],
)
def test_a_range_is_written_in_its_shortest_form(typed: str, written: str) -> None:
    assert str(read_span(typed)) == written
    assert str(read_span(written)) == written


@pytest.mark.parametrize(
    ("typed", "word", "suggestion"),
    [
        ("", "missing", ""),
        ("nonsense", "no IP address", ""),
        ("192.0.2.256", "no IP address", ""),
        ("01.2.3.4", "no IP address", ""),
        ("192.0.2.7/24", "does not begin", "192.0.2.0/24"),
        ("192.0.2.0/33", "bits", ""),
        ("192.0.2.9-192.0.2.1", "ends before", "192.0.2.1-192.0.2.9"),
        ("192.0.2.1-::1", "Both ends", ""),
        ("192.0.2.1-", "missing", ""),
        ("fe80::1%eth0", "zone", ""),
    ],
)
def test_a_malformed_range_is_refused_with_what_is_right(typed: str, word: str, suggestion: str) -> None:
    with pytest.raises(BadValue, match=word) as refused:
        read_span(typed)
    assert refused.value.suggestion == suggestion


@pytest.mark.parametrize("typed", ["192.0.2.0/24", "192.0.2.1-192.0.2.9"])
def test_a_range_is_not_taken_for_an_address(typed: str) -> None:
    with pytest.raises(BadValue, match="IPRANGE"):
        clean_address(typed)


@given(st.ip_addresses(), st.ip_addresses())
def test_whatever_lies_between_two_ends_is_written_so_that_it_reads_the_same(first: object, last: object) -> None:
    try:
        span = read_span(f"{first}-{last}")
    except BadValue:
        return
    assert read_span(str(span)) == span


@pytest.mark.parametrize(
    ("value", "invert", "address", "is_denied"),
    [
        ("192.0.2.7", False, "192.0.2.7", True),
        ("192.0.2.7", False, "::ffff:192.0.2.7", True),
        ("192.0.2.7", False, "192.0.2.8", False),
        ("192.0.2.0/24", False, "192.0.2.255", True),
        ("192.0.2.0/24", False, "192.0.3.0", False),
        ("192.0.2.0/24", False, "::c000:201", False),
        ("192.0.2.0/24", True, "192.0.2.1", False),
        ("192.0.2.0/24", True, "198.51.100.1", True),
        ("192.0.2.0/24", True, "2001:db8::1", True),
        ("2001:db8::/32", False, "2001:db8:1::", True),
        ("0.0.0.0/0", False, "", False),
    ],
)
def test_an_address_is_kept_out_by_the_range_it_lies_in(
    value: str, invert: bool, address: str, is_denied: bool
) -> None:
    deny_policies = ActiveDenyPolicies([ActiveDenyPolicy(DenyCondition.IPRANGE, value, invert=invert)])
    assert bool(deny_policies.of_place("api", address)) is is_denied


@given(st.data())
def test_many_ranges_keep_out_what_each_of_them_alone_would(data: st.DataObject) -> None:
    addresses = st.one_of(
        st.integers(0, 40).map(lambda low: f"10.0.0.{low}"), st.integers(0, 9).map(lambda low: f"2001:db8::{low}")
    )
    ends = st.tuples(addresses, addresses).filter(lambda pair: (":" in pair[0]) == (":" in pair[1]))
    pairs = data.draw(st.lists(st.tuples(ends, st.booleans()), max_size=12))
    values = [("-".join(sorted(pair, key=lambda each: ip_address(each))), invert) for pair, invert in pairs]
    policies = [ActiveDenyPolicy("IPRANGE", value, "", invert) for value, invert in values]
    asking = data.draw(addresses)
    alone = {each for each in policies if (ip_address(asking) in read_span(each.value)) is not each.invert}
    found = ActiveDenyPolicies(policies).of_place("api", asking)
    assert (found in alone) if alone else found is None


def test_names_keep_out_exactly_what_they_name() -> None:
    api, application, user = (
        ActiveDenyPolicy(kind, "text", "7")
        for kind in (DenyCondition.API, DenyCondition.APPLICATION, DenyCondition.USER)
    )
    deny_policies = ActiveDenyPolicies([api, application, user])
    assert deny_policies.of_place("7", "192.0.2.7") is api
    assert deny_policies.of_place("8", "192.0.2.7") is None
    assert deny_policies.of_caller("7", ("1", "2")) is application
    assert deny_policies.of_caller("8", ("1", "7")) is user
    assert deny_policies.of_caller("8", ("1", "")) is None


def test_policies_that_deny_the_same_are_equal() -> None:
    first, second = (
        ActiveDenyPolicy(DenyCondition.USER, "carol", "7"),
        ActiveDenyPolicy(DenyCondition.USER, "dave", "8"),
    )
    assert ActiveDenyPolicies([first, second]) == ActiveDenyPolicies([second, first]) != ActiveDenyPolicies([first])
    assert not ActiveDenyPolicies()


def test_an_administrator_names_an_api_an_application_and_a_user(admin: User, alice: User, carol: User) -> None:
    api = builders.api(alice)
    application = builders.application(carol, "Chat client")
    rows = [
        deny(admin, "API", "echowebsocket/1.0.0/"),
        deny(admin, "APPLICATION", "carol:chat client"),
        deny(admin, "USER", "Carol"),
    ]
    assert [(row.value, row.subject) for row in rows] == [
        ("/echowebsocket/1.0.0", str(api.pk)),
        ("carol:Chat client", str(application.pk)),
        ("carol", str(carol.pk)),
    ]
    noted = AuditEntry.objects.filter(verb="deny_policy.created").order_by("pk")
    assert [entry.object_id for entry in noted] == [str(row.pk) for row in rows]


def test_apis_and_applications_may_also_be_named_by_their_id(admin: User, alice: User, carol: User) -> None:
    api, application = builders.api(alice, context="/in/{version}/front"), builders.application(carol, "Chat client")
    assert deny(admin, "API", str(api.pk)).value == "/in/1.0.0/front"
    assert deny(admin, "APPLICATION", str(application.pk)).value == "carol:Chat client"


@pytest.mark.parametrize(
    ("kind", "value", "invert", "field"),
    [
        ("API", "/nowhere/1", False, "value"),
        ("API", "", False, "value"),
        ("APPLICATION", "carol", False, "value"),
        ("APPLICATION", "carol:Nothing", False, "value"),
        ("USER", "nobody", False, "value"),
        ("IP", "192.0.2.0/24", False, "value"),
        ("IPRANGE", "192.0.2.7/24", False, "value"),
        ("COLOUR", "red", False, "kind"),
        ("USER", "carol", True, "invert"),
    ],
)
def test_what_names_nothing_is_refused_at_its_field(
    admin: User, carol: User, kind: str, value: str, invert: bool, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        deny(admin, kind, value, invert)
    assert list(refused.value.fields) == [field]
    assert not AuditEntry.objects.filter(kind="deny_policy").exists()


def test_the_same_is_denied_once_and_the_other_way_round_once(admin: User) -> None:
    deny(admin, "IPRANGE", "192.0.2.0/24")
    deny(admin, "IPRANGE", "192.0.2.0/24", invert=True)
    with pytest.raises(DeniedAlready):
        deny(admin, "IPRANGE", "192.0.2.0-192.0.2.255")


def test_a_policy_is_switched_off_and_on_and_deleted_each_with_a_row_in_the_audit_log(admin: User) -> None:
    policy = deny(admin, "IP", "192.0.2.7")
    off = operations.switch_deny_policy(policy=policy, is_active=False, actor=admin, now=NOW)
    assert not off.is_active
    with pytest.raises(NothingToSwitch):
        operations.switch_deny_policy(policy=off, is_active=False, actor=admin, now=NOW)
    operations.switch_deny_policy(policy=off, is_active=True, actor=admin, now=NOW)
    operations.delete_deny_policy(policy=policy, actor=admin, now=NOW)
    with pytest.raises(DenyPolicyNotFound):
        operations.delete_deny_policy(policy=policy, actor=admin, now=NOW)
    rows = AuditEntry.objects.filter(kind="deny_policy").order_by("pk")
    assert [(row.verb, row.detail["is_active"]) for row in rows] == [
        ("deny_policy.created", True),
        ("deny_policy.updated", False),
        ("deny_policy.updated", True),
        ("deny_policy.deleted", True),
    ]


@pytest.mark.parametrize("who", ["alice", "bob", "carol", "observer"])
def test_nobody_but_administrators_keeps_callers_out(request: pytest.FixtureRequest, admin: User, who: str) -> None:
    person, policy = request.getfixturevalue(who), deny(admin, "IP", "192.0.2.7")
    with pytest.raises(RoleRequired):
        deny(person, "IP", "192.0.2.8")
    with pytest.raises(RoleRequired):
        operations.switch_deny_policy(policy=policy, is_active=False, actor=person, now=NOW)
    with pytest.raises(RoleRequired):
        operations.delete_deny_policy(policy=policy, actor=person, now=NOW)


def test_a_developer_is_told_which_policy_stands_in_the_way(admin: User, alice: User, carol: User) -> None:
    api, application = builders.api(alice), builders.application(carol, "Chat client")
    assert queries.conditions_against(application, api) == []
    for kind, value in (("API", "/echowebsocket/1.0.0"), ("APPLICATION", "carol:Chat client"), ("USER", "carol")):
        deny(admin, kind, value)
    deny(admin, "USER", "alice")
    found = queries.conditions_against(application, api)
    assert sorted(found) == ["API", "APPLICATION", "USER"]
    subscription = builders.subscription(application, api)
    sentences = diagnosis.reasons(
        api=api,
        application=application,
        subscription=subscription,
        key_type="PRODUCTION",
        live_tokens=1,
        denied=found,
    )
    assert [sentence for sentence in sentences if "administrator" in sentence] == [
        "An administrator has blocked the API. Ask them.",
        "An administrator has blocked this application. Ask them.",
        "An administrator has blocked you from calling APIs. Ask them.",
    ]
    DenyPolicy.objects.update(is_active=False)
    assert queries.conditions_against(application, api) == []
