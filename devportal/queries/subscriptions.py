"""Subscriptions, as their owners and the people of the Publisher see them, and who is kept out."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from accounts.permissions import Viewer
from core.searching import words_of
from devportal.errors import (
    BlockNotFound,
    SubscriptionNotFound,
)
from devportal.memberships import within_reach
from devportal.models import Application, OwnerBlock, Subscription
from devportal.queries.rows import one_of
from devportal.sharing import Right
from devportal.subscription_states import SubscriptionState
from publisher.models import Api
from publisher.permissions import can_enter


def my_subscriptions_to(viewer: Viewer, api: Api) -> QuerySet[Subscription]:
    """The subscriptions to `api` of the viewer's applications, shared ones too, by the application's name."""
    if not isinstance(viewer, User):
        return Subscription.objects.none()
    mine = Subscription.objects.filter(within_reach(viewer, through="application__"), api=api)
    return mine.select_related("application", "plan").order_by("application__name")


def subscriptions_to_try(viewer: User, api: Api) -> list[Subscription]:
    """The subscriptions to `api` with whose keys the viewer may connect, what works first, their own, the newest."""
    mine = Subscription.objects.filter(within_reach(viewer, Right.KEYS, "application__"), api=api)
    rows = mine.select_related("application", "plan").prefetch_related("application__clients")
    rows = rows.order_by("-created_at", "pk")
    return sorted(
        rows, key=lambda each: (each.state != SubscriptionState.UNBLOCKED, each.application.owner_id != viewer.pk)
    )


def subscription_for(viewer: Viewer, pk: UUID | str) -> Subscription:
    """A subscription of one of the viewer's applications. Raises SubscriptionNotFound."""
    if not isinstance(viewer, User):
        raise SubscriptionNotFound
    rows = Subscription.objects.filter(within_reach(viewer, through="application__"))
    return one_of(rows.select_related("application__owner", "api", "plan"), pk, SubscriptionNotFound)


def all_subscribers(viewer: Viewer, *, text: str = "", state: str = "") -> QuerySet[Subscription]:
    """Everybody's subscriptions to every API, for people of the publisher; nobody else sees any."""
    if not can_enter(viewer):
        return Subscription.objects.none()
    rows = Subscription.objects.select_related("application__owner", "plan", "api")
    wanted = Q()
    for word in words_of(text):
        wanted &= Q(application__name_key__contains=word) | Q(application__owner__username_key__contains=word)
    rows = rows.filter(wanted)
    return (rows.filter(state=state) if state else rows).order_by("application__name", "created_at")


def with_subscription_counts(subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """The same, each with `subscription_count`: how many its application has. Asked for the rows of one page only."""
    of_it = Subscription.objects.filter(application=OuterRef("application")).order_by().values("application")
    return subscriptions.annotate(subscription_count=Subquery(of_it.annotate(number=Count("pk")).values("number")))


def emails_of(subscriptions: QuerySet[Subscription], most: int) -> list[str]:
    """The addresses of the owners, each once; none where there are more than so many."""
    owners = subscriptions.exclude(application__owner__email="").order_by("application__owner__email")
    found = list(owners.values_list("application__owner__email", flat=True).distinct()[: most + 1])
    return found if len(found) <= most else []


def newest_subscriptions_to(api: Api, most: int) -> list[Subscription]:
    """Who subscribed last, newest first."""
    rows = api.subscriptions.select_related("application__owner", "plan").order_by("-created_at", "pk")
    return list(rows[:most])


def subscriber_for(viewer: Viewer, pk: UUID | str) -> Subscription:
    """Anybody's subscription, for people of the publisher. Raises SubscriptionNotFound for everybody else."""
    if not can_enter(viewer):
        raise SubscriptionNotFound
    rows = Subscription.objects.select_related("application__owner", "plan", "api")
    return one_of(rows, pk, SubscriptionNotFound)


def block_of(owner: User, api: Api) -> OwnerBlock | None:
    """What keeps `owner` out of `api`, if anything does."""
    return OwnerBlock.objects.filter(owner=owner, api=api).first()


def blocks(viewer: Viewer, api: Api | None = None) -> QuerySet[OwnerBlock]:
    """Who is kept out of `api`, or of any API, for people of the publisher; nobody else sees any."""
    if not can_enter(viewer):
        return OwnerBlock.objects.none()
    found = OwnerBlock.objects.select_related("owner", "api").order_by("owner__username_key", "created_at")
    return found.filter(api=api) if api else found


def block_for(viewer: Viewer, pk: UUID | str) -> OwnerBlock:
    """A block, for people of the publisher. Raises BlockNotFound for everybody else."""
    return one_of(blocks(viewer), pk, BlockNotFound)


def waiting_applications() -> QuerySet[Application]:
    """The applications that wait for approval, the oldest first. For administrators, which the edges see to."""
    waiting = Application.objects.filter(approval=Application.Approval.WAITING)
    return waiting.select_related("owner", "plan").order_by("created_at")


def waiting_subscriptions(viewer: Viewer) -> QuerySet[Subscription]:
    """The subscriptions that wait for approval, the oldest first, for people of the publisher."""
    return all_subscribers(viewer, state=SubscriptionState.ON_HOLD).order_by("created_at")
