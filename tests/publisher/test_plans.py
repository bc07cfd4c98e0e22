"""Administrators make, change and delete business plans; nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import DomainError, Invalid
from core.models import AuditEntry
from publisher import operations
from publisher.models import Plan
from publisher.queries import PlanNotFound
from tests.devportal import builders
from tests.publisher.builders import LATER, NOW, make_api, plans
from tests.publisher.test_races import at_once, one_won

pytestmark = pytest.mark.django_db
COPPER = {"name": "Copper", "quota": 100, "quota_period": "hour", "rate": 5, "connections": 2}


@pytest.fixture
def copper(admin: User) -> Plan:
    """A plan that nobody uses."""
    return operations.create_plan(fields=COPPER, actor=admin, now=NOW)


def _entries() -> list[tuple[str, str, dict[str, Any]]]:
    rows = AuditEntry.objects.filter(kind="plan").order_by("id")
    return [(row.verb, row.object_id, row.detail) for row in rows]


def test_a_plan_is_made_as_it_was_asked_for(copper: Plan) -> None:
    row = Plan.objects.get(name="Copper")

    assert (row.display_name, row.quota, row.quota_unit, row.quota_period) == ("Copper", 100, "messages", "hour")
    assert (row.rate, row.burst, row.connections, row.connects, row.message_bytes) == (5, None, 2, None, None)
    ((verb, object_id, detail),) = _entries()
    assert (verb, object_id) == ("plan.created", str(row.pk))
    assert (detail["plan_id"], detail["plan"], detail["limits"]["quota"]) == (str(row.pk), "Copper", 100)


def test_what_is_wrong_is_refused_before_anything_is_written(admin: User, copper: Plan) -> None:
    with pytest.raises(Invalid) as error:
        operations.create_plan(fields={"name": "Lead", "quota": 0}, actor=admin, now=NOW)
    assert set(error.value.fields) == {"quota"}
    with pytest.raises(Invalid) as error:
        operations.update_plan(plan=copper, changes={"burst": 4}, actor=admin, now=LATER)
    assert set(error.value.fields) == {"burst"}
    assert (Plan.objects.get().burst, len(_entries())) == (None, 1)


@pytest.mark.parametrize("name", ["Copper", "copper"])
def test_a_name_is_given_once_in_any_case(admin: User, copper: Plan, name: str) -> None:
    with pytest.raises(operations.PlanExists, match=f"called {name} already"):
        operations.create_plan(fields={"name": name}, actor=admin, now=NOW)
    assert (Plan.objects.count(), len(_entries())) == (1, 1)


def test_a_change_leaves_the_rest_and_stands_in_the_audit_log_with_before_and_after(admin: User, copper: Plan) -> None:
    changed = operations.update_plan(
        plan=copper, changes={"rate": 10, "burst": 20, "description": "More."}, actor=admin, now=LATER
    )

    assert (changed.quota, changed.rate, changed.burst, changed.description) == (100, 10, 20, "More.")
    assert (copper.rate, Plan.objects.get().rate) == (5, 10), "the row that was given stays as it was"
    verb, object_id, detail = _entries()[-1]
    assert (verb, object_id, detail["plan"]) == ("plan.updated", str(copper.pk), "Copper")
    assert detail["changes"] == {"rate": [5, 10], "burst": [None, 20], "description": ["", "More."]}


def test_a_quota_that_is_taken_away_leaves_no_period_behind(admin: User, copper: Plan) -> None:
    free = operations.update_plan(plan=copper, changes={"quota": None}, actor=admin, now=LATER)

    assert (free.quota, free.quota_period) == (None, "day")
    with pytest.raises(Invalid) as error:
        operations.update_plan(plan=free, changes={"quota": 5}, actor=admin, now=LATER)
    assert set(error.value.fields) == {"quota_period"}


def test_a_plan_keeps_its_name(admin: User, copper: Plan) -> None:
    with pytest.raises(Invalid, match="keeps its name, Copper") as error:
        operations.update_plan(plan=copper, changes={"name": "Lead"}, actor=admin, now=LATER)
    assert set(error.value.fields) == {"name"}
    assert operations.update_plan(plan=copper, changes={"name": "Copper", "rate": 6}, actor=admin, now=LATER).rate == 6


def test_a_plan_that_nobody_uses_is_deleted(admin: User, copper: Plan) -> None:
    operations.delete_plan(plan=copper, actor=admin, now=LATER)

    assert not Plan.objects.exists()
    assert _entries()[-1] == ("plan.deleted", str(copper.pk), {"plan_id": str(copper.pk), "plan": "Copper"})


def test_a_plan_in_use_stays_and_the_answer_says_by_whom(alice: User, carol: User, admin: User) -> None:
    (gold,) = plans("Gold")
    make_api(alice, name="Draft", context="/draft", plans=[gold])
    with pytest.raises(operations.PlanInUse, match=r"^Gold is in use: Draft 1.0.0 is offered under it\. Take"):
        operations.delete_plan(plan=gold, actor=admin, now=LATER)

    api = builders.api(alice, name="Chat")
    for _ in range(2):
        builders.subscription(builders.application(carol), api)
    both = r"Chat 1.0.0 and Draft 1.0.0 are offered under it and 2 subscriptions have it\."
    with pytest.raises(operations.PlanInUse, match=both):
        operations.delete_plan(plan=gold, actor=admin, now=LATER)

    for each in gold.apis.all():
        each.plans.clear()
    with pytest.raises(operations.PlanInUse, match=r"^Gold is in use: 2 subscriptions have it\."):
        operations.delete_plan(plan=gold, actor=admin, now=LATER)
    assert Plan.objects.filter(name="Gold").exists()
    assert _entries() == []


def test_what_somebody_else_deleted_first_is_not_found(admin: User, copper: Plan) -> None:
    Plan.objects.all().delete()

    with pytest.raises(PlanNotFound, match="Copper"):
        operations.update_plan(plan=copper, changes={"rate": 6}, actor=admin, now=LATER)
    with pytest.raises(PlanNotFound):
        operations.delete_plan(plan=copper, actor=admin, now=LATER)


@pytest.mark.parametrize("person", ["alice", "bob", "carol", "mallory", "observer"])
def test_only_an_administrator_manages_plans(
    request: pytest.FixtureRequest, copper: Plan, person: str, admin: User
) -> None:
    actor = request.getfixturevalue(person)
    for deed in (
        lambda: operations.create_plan(fields={"name": "Lead"}, actor=actor, now=NOW),
        lambda: operations.update_plan(plan=copper, changes={"rate": 6}, actor=actor, now=NOW),
        lambda: operations.delete_plan(plan=copper, actor=actor, now=NOW),
    ):
        with pytest.raises(RoleRequired, match="admin role"):
            deed()
    assert (Plan.objects.get().rate, len(_entries())) == (5, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_make_the_same_plan_at_once_make_it_once(admin: User) -> None:
    def make(name: str) -> Any:
        return lambda: operations.create_plan(fields={"name": name}, actor=admin, now=NOW)

    assert one_won(at_once(make("Copper"), make("COPPER"), make("copper")))
    assert (Plan.objects.count(), len(_entries())) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_is_taken_up_while_it_is_deleted_is_either_gone_or_in_use(
    alice: User, carol: User, admin: User
) -> None:
    api, application = builders.api(alice, plans=("Gold", "Silver")), builders.application(carol)
    other, copper = builders.api(alice, name="Other"), builders.plan("Copper")
    gold, silver = Plan.objects.get(name="Gold"), Plan.objects.get(name="Silver")

    results = at_once(
        lambda: builders.subscription(application, api),
        lambda: operations.update_api(api=api, changes={"plans": [silver]}, actor=admin, now=NOW),
        lambda: operations.update_api(api=other, changes={"plans": [copper]}, actor=admin, now=NOW),
        lambda: operations.delete_plan(plan=gold, actor=admin, now=NOW),
        lambda: operations.delete_plan(plan=copper, actor=admin, now=NOW),
    )
    lost = [result for result in results if isinstance(result, Exception)]
    assert [error for error in lost if not isinstance(error, DomainError)] == []
    taken_up = other.plans.filter(name="Copper").exists()
    assert taken_up == Plan.objects.filter(name="Copper").exists()
