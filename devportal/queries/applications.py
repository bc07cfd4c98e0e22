"""Applications as their owners see them, and what administrators see of everybody's."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.permissions import Viewer
from core.searching import words_of
from devportal.errors import ApplicationNotFound
from devportal.memberships import within_reach
from devportal.models import Application, ApplicationPlan, Subscription
from devportal.queries.rows import one_of
from devportal.sharing import Right
from publisher.queries import PlanNotFound


def applications_of(viewer: Viewer, *, text: str = "", least: Right = Right.SEE) -> QuerySet[Application]:
    """The viewer's applications by name, those shared with them for `least` too; `text` is of name or description.

    Each has a `subscription_count`.
    """
    if not isinstance(viewer, User):
        return Application.objects.none()
    mine = Application.objects.filter(within_reach(viewer, least), is_internal=False).select_related("plan", "owner")
    wanted = Q()
    for word in words_of(text):
        wanted &= Q(name_key__contains=word) | Q(description_key__contains=word)
    return (
        mine.filter(wanted)
        .annotate(subscription_count=Count("subscriptions", distinct=True))
        .order_by("name", "created_at")
    )


def subscriptions_between(pairs: Iterable[tuple[str, str]]) -> list[Subscription]:
    """The subscriptions of these applications to these APIs, by (application, API) as text, that still are."""
    wanted = {(application, api) for application, api in pairs if application and api}
    rows = Subscription.objects.filter(application__in={application for application, _ in wanted})
    found = rows.select_related("application__owner", "api", "plan")
    return [row for row in found if (str(row.application_id), str(row.api_id)) in wanted]


def subscriptions_of(application: Application) -> QuerySet[Subscription]:
    """What an application is subscribed to."""
    return application.subscriptions.select_related("application__owner", "api", "plan").order_by("api__name")


def names_of_applications(ids: Iterable[str]) -> dict[str, str]:
    """What these applications are called, by id as text; those that are gone are left out."""
    rows = Application.objects.filter(pk__in=[each for each in ids if each])
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def application_for(viewer: Viewer, pk: UUID | str) -> Application:
    """The application `pk`, the viewer's own or one shared with them. Raises ApplicationNotFound for others."""
    return one_of(applications_of(viewer), pk, ApplicationNotFound)


def any_application(pk: UUID | str) -> Application:
    """Anybody's application, for administrators, which the edges see to. Raises ApplicationNotFound."""
    rows = Application.objects.filter(is_internal=False).select_related("owner", "plan")
    return one_of(rows, pk, ApplicationNotFound)


def internal_application_of(user: User) -> Application | None:
    """The hidden application with whose keys the person tries APIs out in the Publisher, if there is one yet."""
    return Application.objects.filter(owner=user, is_internal=True).first()


def application_plans() -> QuerySet[ApplicationPlan]:
    """The application plans, the default first, then from small to large."""
    return ApplicationPlan.objects.order_by(Coalesce("per_minute", 0))


def get_application_plan(name: str) -> ApplicationPlan:
    """The application plan of this name. Raises PlanNotFound."""
    plan = ApplicationPlan.objects.filter(name=name).first()
    if plan is None:
        raise PlanNotFound(name=name)
    return plan
