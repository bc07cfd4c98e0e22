"""What the key generation wizard does. Done twice at once, by a double click or in two tabs, it makes things once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from devportal import queries
from devportal.models import Application, OAuthClient, Subscription, WizardRun
from devportal.operations.applications import ApplicationNameTaken, NoMoreApplications, create_application
from devportal.operations.keys import KeysExist, generate_keys
from devportal.operations.subscriptions import AlreadySubscribed, SubscriptionMoved, change_plan, subscribe
from devportal.sharing import Right
from publisher.models import Api, Plan


def run_of(user: User, api: Api) -> WizardRun | None:
    """The wizard that somebody has begun for `api` and not ended, if its application is still theirs to use."""
    theirs = queries.applications_of(user, least=Right.MANAGE).values("pk")
    runs = WizardRun.objects.filter(user=user, api=api, application__in=theirs)
    return runs.select_related("application__plan").first()


def begin_run(*, api: Api, application: Application, actor: User, now: datetime, key_type: str = "") -> None:
    """Remember where somebody has got to. There is one run of each person for an API: the last."""
    chosen = {"application": application, "key_type": key_type, "touched_at": now}
    WizardRun.objects.update_or_create(user=actor, api=api, defaults=chosen)


def end_run(*, api: Api, actor: User) -> None:
    """Forget it: it has come to its end."""
    WizardRun.objects.filter(user=actor, api=api).delete()


def create_once(*, api: Api, actor: User, now: datetime, **fields: Any) -> Application:
    """Create the application of a run. Sent again with the very same `fields`, it is the one that was made.

    Raises what `create_application` raises.
    """
    try:
        with transaction.atomic():
            application = create_application(**fields, actor=actor, now=now)
            begin_run(api=api, application=application, actor=actor, now=now)
            return application
    except (ApplicationNameTaken, NoMoreApplications):
        run = run_of(actor, api)
        asked = {**fields, "name": fields["name"].strip(), "description": fields["description"].strip()}
        if run and all(getattr(run.application, name) == value for name, value in asked.items()):
            return run.application
        raise


def subscribe_once(*, application: Application, api: Api, plan: Plan, actor: User, now: datetime) -> Subscription:
    """Put `application` under `plan`, whether it is subscribed to `api` already or not.

    Raises what `subscribe` and `change_plan` raise.
    """

    def current() -> Subscription | None:
        return queries.subscriptions_of(application).filter(api=api).first()

    subscription = current()
    if subscription and subscription.plan_id == plan.pk:
        return subscription
    try:
        if subscription is None:
            return subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
        return change_plan(subscription=subscription, plan=plan, actor=actor, now=now)
    except (AlreadySubscribed, SubscriptionMoved):
        meanwhile = current()
        if meanwhile and meanwhile.plan_id == plan.pk:
            return meanwhile
        raise


def generate_once(
    *, application: Application, key_type: str, actor: User, now: datetime, **terms: Any
) -> tuple[OAuthClient, str]:
    """The keys of this type, and their secret if they were made just now. Raises what `generate_keys` raises."""
    try:
        made = generate_keys(application=application, key_type=key_type, actor=actor, now=now, **terms)
    except KeysExist:
        client = queries.keys_of(application, key_type)
        if client is None:
            raise
        return client, ""
    return made.client, made.secret
