"""Business plans, by name and as they are offered."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, QuerySet

from core.errors import Invalid, NotFound
from publisher.models import Api, Plan

ASYNC = "Async"


class PlanNotFound(NotFound):
    """There is no plan of this name."""

    sentence = "There is no plan called {name}. It may have been deleted."


class UnknownPlan(Invalid):
    """Plans were named that do not exist."""

    code = 900305
    field = "plans"
    sentence = "There is no business plan called {names}."


def all_plans() -> QuerySet[Plan]:
    """Every business plan, the largest quota first and the unlimited ones last."""
    return Plan.objects.order_by(F("quota").desc(nulls_last=True), "name")


def plans_of(api: Api) -> list[Plan]:
    """The plans under which the API is offered, in the order of `all_plans`."""
    return list(all_plans().filter(apis=api))


def get_plan(name: str) -> Plan:
    """The business plan of this name. Raises PlanNotFound."""
    found, _ = known_plans([name])
    if not found:
        raise PlanNotFound(name=name)
    return found[0]


def plans_named(names: Iterable[str]) -> list[Plan]:
    """The plans of these names; raises UnknownPlan when one does not exist."""
    found, missing = known_plans(names)
    if missing:
        raise UnknownPlan(names=", ".join(missing))
    return found


def known_plans(names: Iterable[str]) -> tuple[list[Plan], list[str]]:
    """The plans of these names that exist, and the names of those that do not.

    WSO2's plans of streaming APIs have a name with Async before it too.
    """
    plain = {name: name.removeprefix(ASYNC) for name in names}
    rows = {plan.name: plan for plan in Plan.objects.filter(name__in={*plain.keys(), *plain.values()})}
    found = {name: rows.get(name) or rows.get(plain[name]) for name in plain}
    return list(dict.fromkeys(plan for plan in found.values() if plan)), [name for name in found if not found[name]]
