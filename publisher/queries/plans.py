"""Business plans, by name and as they are offered."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, QuerySet

from core.errors import Invalid, NotFound
from publisher.models import Api, Plan

ASYNC = "Async"


class PlanNotFound(NotFound):
    """There is no plan of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no plan called {name}. It may have been deleted.")


class UnknownPlan(Invalid):
    """Plans were named that do not exist (field `plans`)."""

    code = 900305

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        sentence = f"There is no business plan called {', '.join(self.names)}."
        super().__init__(sentence, {"plans": sentence})


def all_plans() -> QuerySet[Plan]:
    """Every business plan, the largest quota first and the unlimited ones last."""
    return Plan.objects.order_by(F("quota").desc(nulls_last=True), "name")


def plans_of(api: Api) -> list[Plan]:
    """The plans under which the API is offered, in the order of `all_plans`."""
    return list(all_plans().filter(apis=api))


def get_plan(name: str) -> Plan:
    """The business plan of this name. Raises PlanNotFound."""
    try:
        return plans_named([name])[0]
    except UnknownPlan:
        raise PlanNotFound(name) from None


def plans_named(names: Iterable[str]) -> list[Plan]:
    """The plans of these names; raises UnknownPlan (field `plans`) when one does not exist.

    WSO2's plans of streaming APIs have a name with Async before it too.
    """
    plain = {name: name.removeprefix(ASYNC) for name in names}
    rows = {plan.name: plan for plan in Plan.objects.filter(name__in={*plain.keys(), *plain.values()})}
    if missing := [name for name in plain if name not in rows and plain[name] not in rows]:
        raise UnknownPlan(missing)
    return list(dict.fromkeys(rows.get(name) or rows[plain[name]] for name in plain))


def known_plans(names: Iterable[str]) -> tuple[list[Plan], list[str]]:
    """The plans of these names that exist, and the names of those that do not."""
    wanted = list(names)
    try:
        return plans_named(wanted), []
    except UnknownPlan as refusal:
        return plans_named([name for name in wanted if name not in refusal.names]), refusal.names
