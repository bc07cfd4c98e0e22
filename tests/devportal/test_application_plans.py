"""Administrators make, change and delete application plans; what they decided survives a restart."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import DomainError, Invalid
from core.models import AuditEntry
from devportal import operations
from devportal.bootstrap import ensure_application_plans
from devportal.models import ApplicationPlan
from devportal.operations.application_plans import ApplicationPlanInUse, DefaultPlanStays
from publisher.operations import PlanExists
from publisher.queries import PlanNotFound
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.publisher.test_races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(admin: User) -> ApplicationPlan:
    """A plan that no application has."""
    ensure_application_plans()
    return operations.create_application_plan(fields={"name": "5PerMin", "per_minute": 5}, actor=admin, now=NOW)


def _verbs() -> list[str]:
    return [row.verb for row in AuditEntry.objects.filter(kind="applicationplan").order_by("id")]


def test_a_plan_is_made_changed_and_deleted_and_each_stands_in_the_audit_log(admin: User, few: ApplicationPlan) -> None:
    assert (few.display_name, few.description, few.per_minute) == ("5PerMin", "", 5)
    changed = operations.update_application_plan(plan=few, changes={"per_minute": 6}, actor=admin, now=NOW)
    assert (changed.name, changed.per_minute, few.per_minute) == ("5PerMin", 6, 5)
    operations.delete_application_plan(plan=few, actor=admin, now=NOW)

    assert not ApplicationPlan.objects.filter(name="5PerMin").exists()
    assert _verbs() == [f"applicationplan.{deed}" for deed in ("created", "updated", "deleted")]
    updated = AuditEntry.objects.get(verb="applicationplan.updated")
    assert updated.object_id == str(few.pk)
    assert updated.detail == {"plan_id": str(few.pk), "plan": "5PerMin", "changes": {"per_minute": [5, 6]}}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "6PerMin"}, "name"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": 2.5}, "per_minute"),
        ({"rate": 5}, "rate"),
        ({"display_name": "x" * 513}, "display_name"),
    ],
)
def test_what_is_wrong_is_refused_by_field(
    admin: User, few: ApplicationPlan, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        operations.update_application_plan(plan=few, changes=changes, actor=admin, now=NOW)

    assert set(error.value.fields) == {field}
    assert _verbs() == ["applicationplan.created"]


@pytest.mark.parametrize("name", ["5PerMin", "5permin"])
def test_a_name_is_given_once_in_any_case(admin: User, few: ApplicationPlan, name: str) -> None:
    with pytest.raises(PlanExists):
        operations.create_application_plan(fields={"name": name}, actor=admin, now=NOW)
    assert _verbs() == ["applicationplan.created"]


def test_a_plan_that_applications_have_stays(admin: User, carol: User, few: ApplicationPlan) -> None:
    builders.application(carol, plan=few)

    with pytest.raises(ApplicationPlanInUse, match=r"5PerMin is in use: 1 application has it\."):
        operations.delete_application_plan(plan=few, actor=admin, now=NOW)


def test_the_plan_that_applications_begin_with_stays(admin: User, carol: User, few: ApplicationPlan) -> None:
    default = builders.application(carol).plan
    carol.applications.all().delete()

    with pytest.raises(DefaultPlanStays):
        operations.delete_application_plan(plan=default, actor=admin, now=NOW)
    assert builders.application(carol).plan == default


def test_what_somebody_else_deleted_first_is_not_found(admin: User, few: ApplicationPlan) -> None:
    ApplicationPlan.objects.filter(pk=few.pk).delete()

    with pytest.raises(PlanNotFound):
        operations.update_application_plan(plan=few, changes={"per_minute": 6}, actor=admin, now=NOW)
    with pytest.raises(PlanNotFound):
        operations.delete_application_plan(plan=few, actor=admin, now=NOW)


@pytest.mark.parametrize("person", ["alice", "bob", "carol", "mallory", "observer"])
def test_only_an_administrator_manages_application_plans(
    request: pytest.FixtureRequest, few: ApplicationPlan, person: str
) -> None:
    actor = request.getfixturevalue(person)
    for deed in (
        lambda: operations.create_application_plan(fields={"name": "7PerMin"}, actor=actor, now=NOW),
        lambda: operations.update_application_plan(plan=few, changes={"per_minute": 6}, actor=actor, now=NOW),
        lambda: operations.delete_application_plan(plan=few, actor=actor, now=NOW),
    ):
        with pytest.raises(RoleRequired, match="admin role"):
            deed()
    assert _verbs() == ["applicationplan.created"]


def test_what_an_administrator_deleted_does_not_come_back(admin: User, few: ApplicationPlan) -> None:
    ten = ApplicationPlan.objects.get(name="10PerMin")
    operations.delete_application_plan(plan=ten, actor=admin, now=NOW)

    ensure_application_plans()

    assert not ApplicationPlan.objects.filter(name="10PerMin").exists()


def test_the_default_plan_comes_back(few: ApplicationPlan) -> None:
    ApplicationPlan.objects.filter(name="Unlimited").delete()

    ensure_application_plans()

    assert ApplicationPlan.objects.get(name="Unlimited").per_minute is None


def test_an_application_does_not_begin_with_a_plan_that_is_gone(admin: User, carol: User, few: ApplicationPlan) -> None:
    application = builders.application(carol)
    operations.delete_application_plan(plan=few, actor=admin, now=NOW)

    with pytest.raises(Invalid, match="deleted meanwhile") as error:
        builders.application(carol, plan=few)
    assert set(error.value.fields) == {"plan"}
    with pytest.raises(Invalid, match="deleted meanwhile"):
        operations.update_application(
            application=application, name="Chat", description="", plan=few, token_type="JWT", actor=carol, now=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_is_taken_up_while_it_is_deleted_is_either_gone_or_in_use(admin: User, carol: User) -> None:
    ensure_application_plans()
    plans = list(ApplicationPlan.objects.exclude(name="Unlimited"))

    results = at_once(
        *(partial(builders.application, carol, plan=plan) for plan in plans),
        *(partial(operations.delete_application_plan, plan=plan, actor=admin, now=NOW) for plan in plans),
    )
    lost = [result for result in results if isinstance(result, Exception)]
    assert len(lost) == len(plans)
    assert [error for error in lost if not isinstance(error, DomainError)] == []
