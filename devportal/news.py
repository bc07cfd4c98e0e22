"""Who is told what happens to APIs and subscriptions, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations import notify
from accounts.roles import Role
from core.text import count, listed
from devportal import memberships
from devportal.models import Application, ClientSecret, Follow, Membership, OAuthClient, Subscription
from devportal.sharing import GIVEN, Right
from devportal.subscription_states import SubscriptionState
from publisher.lifecycle import SERVED, Action
from publisher.models import Api, DeployedChange
from publisher.presentation import Visibility
from publisher.queries import visible_to

MOVED: dict[Action, tuple[NotificationKind, str]] = {
    Action.BLOCK: (NotificationKind.ENDS, "{api} is blocked: nobody can connect until its publisher lifts that."),
    Action.REPUBLISH: (NotificationKind.ENDS, "{api} is no longer blocked: your programs may connect again."),
    Action.DEMOTE: (NotificationKind.ENDS, "{api} was taken back to its designers and serves nobody now."),
    Action.RETIRE: (NotificationKind.ENDS, "{api} is retired: it serves nobody any more."),
    Action.DEPRECATE: (
        NotificationKind.VERSIONS,
        "{api} is deprecated: your subscriptions go on for now. Look for a newer version.",
    ),
}
DECIDED = {
    SubscriptionState.UNBLOCKED: "may call {api} now.",
    SubscriptionState.REJECTED: "was not let in to {api}: its publisher has rejected the subscription.",
    SubscriptionState.BLOCKED: "is blocked from {api}, as all applications of its owner are, until its publisher lifts "
    "that.",
    SubscriptionState.PROD_ONLY_BLOCKED: "is blocked from {api} with production keys, as all applications of its owner "
    "are, until its publisher lifts that.",
}


def users_of(*apis: Api) -> QuerySet[User]:
    """Who owns or manages applications subscribed to one of these APIs, or follows one that they find: each once."""
    subscribed = Application.objects.filter(subscriptions__api__in=apis, is_internal=False)
    managing = Membership.objects.filter(application__in=subscribed, right__gte=Right.MANAGE).values("person")
    concerned = Q(applications__in=subscribed) | Q(pk__in=managing) | Q(pk__in=followers_of(*apis))
    return User.objects.filter(concerned, is_active=True).distinct()


def followers_of(*apis: Api) -> list[int]:
    """The people who follow one of these APIs, those left out who may not find it any more."""
    rows = Follow.objects.filter(api__in=apis).select_related("by", "api")

    def finds(row: Follow) -> bool:
        is_public = row.api.visibility == Visibility.PUBLIC
        return is_public or Api.objects.filter(visible_to(row.by), pk=row.api_id).exists()

    return [row.by_id for row in rows if finds(row)]


def tell_followers(*, api: Api, change: DeployedChange, now: datetime, **_: Any) -> None:
    """Tell those who follow an API that a deployment breaks clients; whose own clients it breaks get a letter."""
    told = [person.pk for person in memberships.affected_by(api)]
    people = User.objects.filter(pk__in=followers_of(api), is_active=True).exclude(pk__in=told)
    sentence = f"Revision {change.revision} of {api}, which you follow, breaks clients of revision {change.before}."
    link = reverse("devportal:changes", args=[api.pk])
    notify(people=people, kind=NotificationKind.BREAKING, sentence=sentence, link=link, now=now)


def api_moved(*, api: Api, action: Action, now: datetime, previous: Sequence[Api] = (), **_: Any) -> None:
    """Tell those who use an API what was done to it; of a new version those who use an older one."""
    if action is Action.PUBLISH:
        link = reverse("devportal:api", args=[api.pk])
        sentence = f"Version {api.version} of {api.name} is there. You use or follow an older one."
        notify(people=users_of(*previous), kind=NotificationKind.VERSIONS, sentence=sentence, link=link, now=now)
    elif action in MOVED:
        kind, sentence = MOVED[action]
        is_there = api.stage in SERVED
        link = reverse("devportal:api", args=[api.pk]) if is_there else reverse("devportal:applications")
        notify(people=users_of(api), kind=kind, sentence=sentence.format(api=api), link=link, now=now)


def subscription_decided(subscription: Subscription, before: SubscriptionState, now: datetime) -> None:
    """Tell those who run the application what a publisher has decided."""
    after = SubscriptionState(subscription.state)
    said = f" They say: {subscription.decision}" if subscription.decision else ""
    was_asked = before in (SubscriptionState.ON_HOLD, SubscriptionState.REJECTED)
    notify(
        people=memberships.keepers_of(subscription.application),
        kind=NotificationKind.APPROVALS if was_asked else NotificationKind.ENDS,
        sentence=f"{subscription.application} {DECIDED[after].format(api=subscription.api)}{said}",
        link=reverse("devportal:application", args=[subscription.application_id]),
        now=now,
    )


def subscription_waits(subscription: Subscription, now: datetime) -> None:
    """Tell those who may decide that a subscription waits for approval."""
    application, api = subscription.application, subscription.api
    deciders = User.objects.filter(role_grants__role__in=[Role.PUBLISHER, Role.ADMIN], is_active=True).distinct()
    notify(
        people=deciders,
        kind=NotificationKind.APPROVALS,
        sentence=f"{application} of {application.owner.display_name} waits to be let in to {api} under "
        f"{subscription.plan}.",
        link=f"{reverse('devportal:subscribers', args=[api.pk])}?state={SubscriptionState.ON_HOLD}",
        now=now,
    )


def application_waits(application: Application, now: datetime) -> None:
    """Tell administrators that an application waits for approval."""
    administrators = User.objects.filter(role_grants__role=Role.ADMIN, is_active=True)
    sentence = f"{application} of {application.owner.display_name} waits to be approved."
    link = reverse("devportal-admin:approvals")
    notify(people=administrators, kind=NotificationKind.APPROVALS, sentence=sentence, link=link, now=now)


def application_decided(application: Application, now: datetime) -> None:
    """Tell the owner what an administrator has decided."""
    is_approved = application.approval == Application.Approval.APPROVED
    sentence = f"{application} was {'approved: generate its keys' if is_approved else 'rejected'}."
    if application.decision:
        sentence += f" They say: {application.decision}"
    link = reverse("devportal:application", args=[application.pk])
    notify(people=[application.owner], kind=NotificationKind.APPROVALS, sentence=sentence, link=link, now=now)


def keys_wait(client: OAuthClient, now: datetime) -> None:
    """Tell administrators that keys wait for approval."""
    application = cast(Application, client.application)
    administrators = User.objects.filter(role_grants__role=Role.ADMIN, is_active=True)
    keys = f"{client.get_key_type_display()} keys of {application} of {application.owner.display_name}"
    link = reverse("devportal-admin:approvals")
    notify(
        people=administrators,
        kind=NotificationKind.APPROVALS,
        sentence=f"{keys} wait to be approved.",
        link=link,
        now=now,
    )


def keys_decided(client: OAuthClient, now: datetime) -> None:
    """Tell those who run the application what an administrator has decided about its keys."""
    application = cast(Application, client.application)
    is_approved = client.approval == Application.Approval.APPROVED
    decided = "are approved: ask for tokens" if is_approved else "were rejected"
    said = f" They say: {client.decision}" if client.decision else ""
    notify(
        people=memberships.keepers_of(application),
        kind=NotificationKind.APPROVALS,
        sentence=f"The {client.get_key_type_display().lower()} keys of {application} {decided}.{said}",
        link=reverse("devportal:keys", args=[application.pk, client.key_type]),
        now=now,
    )


def secret_expires(secret: ClientSecret, now: datetime) -> None:
    """Tell those who run the application that a secret is going to expire."""
    application, client = secret.client.application, secret.client
    if application is None or secret.expires_at is None:
        return
    notify(
        people=memberships.keepers_of(application),
        kind=NotificationKind.EXPIRY,
        sentence=f"The secret “{secret.name}” of {application} expires on {secret.expires_at:%d %B %Y}. Make another.",
        link=reverse("devportal:keys", args=[application.pk, client.key_type]),
        now=now,
    )


def application_shared(member: Membership, now: datetime) -> None:
    """Tell somebody what they may do with an application of somebody else's now."""
    application = member.application
    notify(
        people=[member.person],
        kind=NotificationKind.APPROVALS,
        sentence=f"{application.owner.display_name} shares the application {application} with you. "
        f"You {GIVEN[Right(member.right)].lower()}.",
        link=reverse("devportal:application", args=[application.pk]),
        now=now,
    )


def sharing_ended(member: Membership, actor: User, now: datetime) -> None:
    """Tell the other side that an application is not shared any more."""
    application, left = member.application, actor.pk == member.person_id
    ends = f"{member.person.display_name} has left the application {application}. What they made of it has ended."
    ended = f"{application.owner.display_name} no longer shares the application {application} with you."
    notify(
        people=[application.owner if left else member.person],
        kind=NotificationKind.ENDS,
        sentence=ends if left else ended,
        link=reverse("devportal:members", args=[application.pk]) if left else reverse("devportal:applications"),
        now=now,
    )


def maker_disabled(person: User, now: datetime) -> None:
    """Tell the owners of shared applications that what somebody made of them is suspended, as their account is."""
    for application, (tokens, secrets) in memberships.makings_of(person).items():
        made = listed([count(number, noun) for number, noun in ((tokens, "token"), (secrets, "secret")) if number])
        notify(
            people=memberships.keepers_of(application),
            kind=NotificationKind.ENDS,
            sentence=f"The account of {person.display_name} is disabled: until that is lifted, what they made of "
            f"{application} does not work ({made}). Make others where a program needs them.",
            link=reverse("devportal:members", args=[application.pk]),
            now=now,
        )


def application_given(application: Application, before: User, now: datetime) -> None:
    """Tell somebody that an application is theirs now."""
    notify(
        people=[application.owner],
        kind=NotificationKind.APPROVALS,
        sentence=f"{before.display_name} has given you the application {application}. Make its secrets anew.",
        link=reverse("devportal:application", args=[application.pk]),
        now=now,
    )
