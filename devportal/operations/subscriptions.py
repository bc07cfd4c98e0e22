"""Subscribing, changing plans, blocking, and carrying subscriptions over to a new version."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from devportal.errors import ApiNotListed
from devportal.models import Application, Subscription
from devportal.operations.applications import lock
from devportal.permissions import (
    can_manage_subscribers,
    require_manage_subscribers,
    require_pick_plan,
    require_use_application,
)
from devportal.subscription_states import (
    BLOCKING,
    LABELS,
    MAY_BECOME,
    SubscriptionState,
    first_state,
    state_under_new_plan,
    verb_for,
)
from publisher.lifecycle import SUBSCRIBABLE, State
from publisher.models import Api, Plan
from publisher.queries import visible_to


class NotSubscribable(Conflict):
    """The API's state admits no new subscribers."""

    def __init__(self, api: Api) -> None:
        label = State(api.state).label.lower()
        super().__init__(f"{api} is {label} and takes no new subscribers. Look for another version of it.")


class AlreadySubscribed(Conflict):
    """The application is subscribed to this API already."""

    def __init__(self, application: Application, api: Api) -> None:
        super().__init__(f"{application} is subscribed to {api} already. Change its plan instead.")


class PlanNotOffered(Invalid):
    """The API is not offered under this plan."""

    def __init__(self, api: Api, plan: Plan) -> None:
        sentence = f"{api} is not offered under {plan}. Choose one of its own plans."
        super().__init__(sentence, {"plan": sentence})


class PlanUnchanged(Conflict):
    """The subscription has this plan already."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"The subscription is under {plan} already.")


class StepRefused(Conflict):
    """A subscription in this state cannot be put into that one."""

    def __init__(self, subscription: Subscription, state: str) -> None:
        wanted = LABELS[SubscriptionState(state)] if state in LABELS else state
        label = subscription.get_state_display()
        super().__init__(f"A subscription that is “{label}” cannot become “{wanted}”. Reload to see what is possible.")


class SubscriptionMoved(Conflict):
    """Somebody else changed or removed the subscription in the meantime."""

    def __init__(self) -> None:
        super().__init__("Somebody changed this subscription in the meantime. Reload to see how it stands now.")


class SubscriptionBlocked(Conflict):
    """A blocked subscription cannot be removed, for that would lift the block."""

    def __init__(self) -> None:
        super().__init__("The publisher blocked this subscription, so it cannot be removed. Ask them to unblock it.")


def subscribe(*, application: Application, api: Api, plan: Plan, actor: User, now: datetime) -> Subscription:
    """Subscribe `application` to `api` under `plan`. It waits for approval if the plan asks for that.

    Raises NotYourApplication, ApplicationNotFound, ApiNotFound, NotSubscribable, PlanNotOffered, PlanReserved or
    AlreadySubscribed.
    """
    require_use_application(actor, application)
    with transaction.atomic():
        api = rows.lock(api, gone=ApiNotListed, no_key=True)
        application = lock(application)
        if not Api.objects.filter(visible_to(actor), pk=api.pk).exists():
            raise ApiNotListed
        if State(api.state) not in SUBSCRIBABLE:
            raise NotSubscribable(api)
        _require_plan(actor, api, plan)
        subscription = _insert(application, api, plan, first_state(plan.requires_approval), now)
        record_change(subscription, "created", actor=actor, now=now)
    return subscription


def change_plan(*, subscription: Subscription, plan: Plan, actor: User, now: datetime) -> Subscription:
    """Put a subscription under another plan: its owner may, and so may a publisher (who thereby approves it).

    Raises NotYourApplication, PlanUnchanged, PlanNotOffered, PlanReserved or SubscriptionMoved.
    """
    manages = can_manage_subscribers(actor, subscription.api)
    if not manages:
        require_use_application(actor, subscription.application)
    if plan.pk == subscription.plan_id:
        raise PlanUnchanged(plan)
    state = subscription.state if manages else state_under_new_plan(subscription.state, plan.requires_approval)
    with transaction.atomic():
        _require_plan(actor, subscription.api, plan, reserved=not manages)
        detail = {"from": subscription.plan.name, "state": state}
        _move(subscription, now, plan=plan, state=state)
        record_change(subscription, "updated", actor=actor, now=now, **detail)
    return subscription


def move_subscriptions(*, api: Api, plan: Plan, successor: Plan, actor: User, now: datetime) -> int:
    """Put every subscription to `api` that is under `plan` under its `successor`; returns how many there were.

    Raises RoleRequired, PlanNotOffered or SubscriptionMoved.
    """
    require_manage_subscribers(actor, api)
    with transaction.atomic():
        found = list(api.subscriptions.filter(plan=plan).select_related("application__owner", "plan", "api"))
        for subscription in found:
            change_plan(subscription=subscription, plan=successor, actor=actor, now=now)
    return len(found)


def set_subscription_state(*, subscription: Subscription, state: str, actor: User, now: datetime) -> Subscription:
    """Block, unblock, approve or reject a subscription, as `subscription_states.MAY_BECOME` allows.

    Raises RoleRequired, StepRefused or SubscriptionMoved.
    """
    require_manage_subscribers(actor, subscription.api)
    before = SubscriptionState(subscription.state)
    if state not in MAY_BECOME[before]:
        raise StepRefused(subscription, state)
    after = SubscriptionState(state)
    with transaction.atomic():
        _move(subscription, now, state=after)
        states = {"from": before.value, "state": after.value}
        record_change(subscription, verb_for(after), actor=actor, now=now, **states)
    return subscription


def unsubscribe(*, subscription: Subscription, actor: User, now: datetime) -> None:
    """End a subscription; open connections that rest on it are closed.

    Raises NotYourApplication, SubscriptionBlocked or SubscriptionMoved.
    """
    require_use_application(actor, subscription.application)
    with transaction.atomic():
        row = rows.lock(subscription, gone=SubscriptionMoved)
        if row.state in BLOCKING:
            raise SubscriptionBlocked
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def carry_subscriptions_over(*, api: Api, previous: Iterable[Api], actor: User | None, now: datetime) -> int:
    """Give the subscribers of `previous` versions the same subscription to `api`; returns how many it gave.

    `previous` is newest first: where an application is subscribed to several, the newest counts. An application
    that is subscribed to `api` already is left alone, and so is one whose plan `api` does not offer. Call it inside
    the transaction that publishes.
    """
    offered = set(api.plans.values_list("pk", flat=True))
    done = set(Subscription.objects.filter(api=api).values_list("application_id", flat=True))
    carried = 0
    for old in (each for version in previous for each in version.subscriptions.select_related("application", "plan")):
        if old.application_id in done:
            continue
        done.add(old.application_id)
        if old.plan_id in offered:
            subscription = _insert(old.application, api, old.plan, old.state, now)
            record_change(subscription, "created", actor=actor, now=now, carried_from=str(old.pk))
            carried += 1
    return carried


def _require_plan(actor: User, api: Api, plan: Plan, *, reserved: bool = True) -> None:
    # Held until the transaction ends, so that it is not deleted from under the subscription.
    offered = Plan.objects.select_for_update(no_key=True, of=("self",)).filter(pk=plan.pk, apis=api)
    if offered.first() is None:
        raise PlanNotOffered(api, plan)
    if reserved:
        require_pick_plan(actor, plan)


def _insert(application: Application, api: Api, plan: Plan, state: str, now: datetime) -> Subscription:
    row = Subscription(application=application, api=api, plan=plan, state=state, created_at=now, updated_at=now)
    return rows.save(row, taken=lambda: AlreadySubscribed(application, api))


def _move(subscription: Subscription, now: datetime, *, state: str, plan: Plan | None = None) -> None:
    """Change plan and state if nobody has changed them since `subscription` was read."""
    new_plan = plan or subscription.plan
    unchanged = Subscription.objects.filter(pk=subscription.pk, plan_id=subscription.plan_id, state=subscription.state)
    if unchanged.update(plan=new_plan, state=state, updated_at=now) != 1:
        raise SubscriptionMoved
    subscription.plan, subscription.state, subscription.updated_at = new_plan, state, now
