"""Making, changing and deleting business plans. What changes acts on open connections within a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import agree, count, listed
from core.values import invalid
from publisher import impact, queries
from publisher.models import Plan
from publisher.permissions import require_manage_plans
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from publisher.plan_validation import CLEANERS, clean_plan

MOST_NAMED = 5
QUOTA_WORDS: Final = {"quota_unit": QuotaUnit.MESSAGES.value, "quota_period": QuotaPeriod.DAY.value}
"""What stands in the row where there is no quota."""


class PlanExists(Conflict):
    """There is a plan of this name, in any case of letters."""

    field = "name"
    sentence = "There is a plan called {name} already. Choose another name, or change that one."


class PlanInUse(Conflict):
    """A plan that APIs are offered under, or subscriptions have, cannot be deleted."""

    sentence = "{plan} is in use: {users}. Take it from the APIs and give the subscriptions another plan first."


def create_plan(*, fields: Mapping[str, Any], actor: User, now: datetime) -> Plan:
    """Make a business plan; `fields` as in `publisher.plan_validation`, all but `name` may be left out.

    Raises RoleRequired, Invalid (by field) or PlanExists.
    """
    require_manage_plans(actor)
    limits = clean_plan(fields)
    plan = Plan(**{**QUOTA_WORDS, **limits})
    with transaction.atomic():
        rows.save(plan, taken=lambda: PlanExists(name=plan.name))
        record_change(plan, "created", actor=actor, now=now, limits=limits)
    return plan


def update_plan(*, plan: Plan, changes: Mapping[str, Any], actor: User, now: datetime) -> Plan:
    """Change everything but the name; what is not among `changes` stays.

    Raises RoleRequired, Invalid or PlanNotFound.
    """
    require_manage_plans(actor)
    refuse_renaming(plan.name, changes)
    with transaction.atomic():
        row = rows.lock(plan, gone=lambda: queries.PlanNotFound(name=plan.name))
        before = {field: getattr(row, field) for field in CLEANERS}
        # What stands in the row for no quota is not what somebody chose for one.
        chosen = {field: before[field] for field in before if row.quota is not None or field not in QUOTA_WORDS}
        after = {**QUOTA_WORDS, **clean_plan(changes, chosen)}
        for field, value in after.items():
            setattr(row, field, value)
        row.save()
        record_change(row, "updated", actor=actor, now=now, changes=differing(before, after))
    return row


def delete_plan(*, plan: Plan, actor: User, now: datetime) -> None:
    """Delete a plan that nothing is offered under and nobody has. Raises RoleRequired, PlanInUse or PlanNotFound."""
    require_manage_plans(actor)
    with transaction.atomic():
        row = rows.lock(plan, gone=lambda: queries.PlanNotFound(name=plan.name))
        apis = [str(api) for api in row.apis.order_by("name", "version")]
        subscriptions = impact.subscriptions_under(row)
        users = [f"{listed(apis, MOST_NAMED)} {agree(len(apis), 'is', 'are')} offered under it"] if apis else []
        if subscriptions:
            users.append(f"{count(subscriptions, 'subscription')} {agree(subscriptions, 'has', 'have')} it")
        if users:
            raise PlanInUse(plan=row.name, users=" and ".join(users))
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def refuse_renaming(name: str, changes: Mapping[str, Any]) -> None:
    """Raise Invalid if `changes` hold another name."""
    if changes.get("name", name) != name:
        sentence = f"A plan keeps its name, {name}. Change its display name, or make a new plan."
        raise invalid(name=sentence)


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Each field that changes, with its value before and after, for the audit log."""
    return {field: [before[field], value] for field, value in after.items() if value != before[field]}
