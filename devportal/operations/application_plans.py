"""Making, changing and deleting application plans. What changes acts on open connections within a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import agree, count
from core.values import clean
from devportal.bootstrap import DEFAULT_APPLICATION_PLAN
from devportal.models import ApplicationPlan
from publisher.operations.plans import PlanExists, differing, refuse_renaming
from publisher.permissions import require_manage_plans
from publisher.plan_validation import clean_description, clean_display_name, clean_name, clean_number
from publisher.queries import PlanNotFound

CLEANERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": clean_name,
    "display_name": clean_display_name,
    "description": clean_description,
    "per_minute": lambda value: clean_number("quota", value),
}
DEFAULTS: Final[Mapping[str, Any]] = {"name": "", "display_name": "", "description": "", "per_minute": None}


class ApplicationPlanInUse(Conflict):
    """A plan that applications have cannot be deleted."""


class DefaultPlanStays(Conflict):
    """The plan of applications for which none was chosen cannot be deleted."""


def create_application_plan(*, fields: Mapping[str, Any], actor: User, now: datetime) -> ApplicationPlan:
    """Make an application plan out of `name`, `display_name`, `description` and `per_minute` (None: no limit).

    All but the name may be left out. Raises RoleRequired, Invalid (by field) or PlanExists.
    """
    require_manage_plans(actor)
    cleaned = _cleaned({**DEFAULTS, **fields})
    plan = ApplicationPlan(**cleaned)
    with transaction.atomic():
        rows.save(plan, taken=lambda: PlanExists(name=plan.name))
        record_change(plan, "created", actor=actor, now=now, limits=cleaned)
    return plan


def update_application_plan(
    *, plan: ApplicationPlan, changes: Mapping[str, Any], actor: User, now: datetime
) -> ApplicationPlan:
    """Change everything but the name; what is not among `changes` stays.

    Raises RoleRequired, Invalid or PlanNotFound.
    """
    require_manage_plans(actor)
    refuse_renaming(plan.name, changes)
    with transaction.atomic():
        row = rows.lock(plan, gone=lambda: PlanNotFound(name=plan.name))
        before = {field: getattr(row, field) for field in CLEANERS}
        after = _cleaned({**before, **changes})
        for field, value in after.items():
            setattr(row, field, value)
        row.save()
        record_change(row, "updated", actor=actor, now=now, changes=differing(before, after))
    return row


def delete_application_plan(*, plan: ApplicationPlan, actor: User, now: datetime) -> None:
    """Delete a plan that no application has.

    Raises RoleRequired, DefaultPlanStays, ApplicationPlanInUse or PlanNotFound.
    """
    require_manage_plans(actor)
    if plan.name == DEFAULT_APPLICATION_PLAN:
        raise DefaultPlanStays(f"{plan.name} stays: it is the plan of applications for which none was chosen.")
    with transaction.atomic():
        row = rows.lock(plan, gone=lambda: PlanNotFound(name=plan.name))
        if applications := row.applications.count():
            use = f"{count(applications, 'application')} {agree(applications, 'has', 'have')} it"
            raise ApplicationPlanInUse(f"{plan.name} is in use: {use}. Their owners give them another plan first.")
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def _cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    """Every field as it is to be written. Raises Invalid."""
    cleaned = clean(given, CLEANERS)
    return {**cleaned, "display_name": cleaned["display_name"] or cleaned["name"]}
