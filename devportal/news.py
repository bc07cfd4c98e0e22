"""Who is told what happens to APIs and subscriptions, in which words; one module, for all go to the same people."""

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
from core.sentences import Sentence
from core.translating import gettext_noop, ngettext_noop
from devportal import memberships
from devportal.models import Application, ClientSecret, Follow, KeyType, Membership, OAuthClient, Subscription
from devportal.sharing import Right
from devportal.subscription_states import SubscriptionState
from publisher.lifecycle import SERVED, Action
from publisher.models import Api, DeployedChange
from publisher.presentation import Visibility
from publisher.queries import visible_to

MOVED: dict[Action, tuple[NotificationKind, str]] = {
    Action.BLOCK: (
        NotificationKind.ENDS,
        gettext_noop("%(api)s is blocked: nobody can connect until its publisher lifts that."),
    ),
    Action.REPUBLISH: (
        NotificationKind.ENDS,
        gettext_noop("%(api)s is no longer blocked: your programs may connect again."),
    ),
    Action.DEMOTE: (
        NotificationKind.ENDS,
        gettext_noop("%(api)s was taken back to its designers and serves nobody now."),
    ),
    Action.RETIRE: (NotificationKind.ENDS, gettext_noop("%(api)s is retired: it serves nobody any more.")),
    Action.DEPRECATE: (
        NotificationKind.VERSIONS,
        gettext_noop("%(api)s is deprecated: your subscriptions go on for now. Look for a newer version."),
    ),
}
DECIDED = {
    SubscriptionState.UNBLOCKED: gettext_noop("%(application)s may call %(api)s now."),
    SubscriptionState.REJECTED: gettext_noop(
        "%(application)s was not let in to %(api)s: its publisher has rejected the subscription."
    ),
    SubscriptionState.BLOCKED: gettext_noop(
        "%(application)s is blocked from %(api)s, as all applications of its owner are, until its publisher lifts that."
    ),
    SubscriptionState.PROD_ONLY_BLOCKED: gettext_noop(
        "%(application)s is blocked from %(api)s with production keys, as all applications of its owner are, until its "
        "publisher lifts that."
    ),
}


SHARED = {
    Right.SEE: gettext_noop("%(owner)s shares the application %(application)s with you. You may see it."),
    Right.KEYS: gettext_noop("%(owner)s shares the application %(application)s with you. You may use its keys."),
    Right.MANAGE: gettext_noop("%(owner)s shares the application %(application)s with you. You may manage it."),
}


def with_reason(decided: Sentence, reason: str) -> Sentence:
    """What was decided, with the words of whoever did, if they left any."""
    if not reason:
        return decided
    return Sentence(gettext_noop("%(decided)s They say: %(reason)s"), decided=decided, reason=reason)


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
    sentence = Sentence(
        gettext_noop("Revision %(revision)s of %(api)s, which you follow, breaks clients of revision %(before)s."),
        revision=str(change.revision),
        api=api,
        before=str(change.before),
    )
    link = reverse("devportal:changes", args=[api.pk])
    notify(people=people, kind=NotificationKind.BREAKING, sentence=sentence, link=link, now=now)


def api_moved(*, api: Api, action: Action, now: datetime, previous: Sequence[Api] = (), **_: Any) -> None:
    """Tell those who use an API what was done to it; of a new version those who use an older one."""
    if action is Action.PUBLISH:
        link = reverse("devportal:api", args=[api.pk])
        sentence = Sentence(
            gettext_noop("Version %(version)s of %(name)s is there. You use or follow an older one."),
            version=api.version,
            name=api.name,
        )
        notify(people=users_of(*previous), kind=NotificationKind.VERSIONS, sentence=sentence, link=link, now=now)
    elif action in MOVED:
        kind, said = MOVED[action]
        is_there = api.stage in SERVED
        link = reverse("devportal:api", args=[api.pk]) if is_there else reverse("devportal:applications")
        notify(people=users_of(api), kind=kind, sentence=Sentence(said, api=api), link=link, now=now)


def subscription_decided(subscription: Subscription, before: SubscriptionState, now: datetime) -> None:
    """Tell those who run the application what a publisher has decided."""
    after = SubscriptionState(subscription.state)
    decided = Sentence(DECIDED[after], application=subscription.application, api=subscription.api)
    was_asked = before in (SubscriptionState.ON_HOLD, SubscriptionState.REJECTED)
    notify(
        people=memberships.keepers_of(subscription.application),
        kind=NotificationKind.APPROVALS if was_asked else NotificationKind.ENDS,
        sentence=with_reason(decided, subscription.decision),
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
        sentence=Sentence(
            gettext_noop("%(application)s of %(owner)s waits to be let in to %(api)s under %(plan)s."),
            application=application,
            owner=application.owner.display_name,
            api=api,
            plan=subscription.plan,
        ),
        link=f"{reverse('devportal:subscribers', args=[api.pk])}?state={SubscriptionState.ON_HOLD}",
        now=now,
    )


def application_waits(application: Application, now: datetime) -> None:
    """Tell administrators that an application waits for approval."""
    administrators = User.objects.filter(role_grants__role=Role.ADMIN, is_active=True)
    waits, owner = gettext_noop("%(application)s of %(owner)s waits to be approved."), application.owner.display_name
    sentence = Sentence(waits, application=application, owner=owner)
    link = reverse("devportal-admin:approvals")
    notify(people=administrators, kind=NotificationKind.APPROVALS, sentence=sentence, link=link, now=now)


def application_decided(application: Application, now: datetime) -> None:
    """Tell the owner what an administrator has decided."""
    is_approved = application.approval == Application.Approval.APPROVED
    approved = gettext_noop("%(application)s was approved: generate its keys.")
    rejected = gettext_noop("%(application)s was rejected.")
    decided = Sentence(approved if is_approved else rejected, application=application)
    sentence = with_reason(decided, application.decision)
    link = reverse("devportal:application", args=[application.pk])
    notify(people=[application.owner], kind=NotificationKind.APPROVALS, sentence=sentence, link=link, now=now)


def keys_wait(client: OAuthClient, now: datetime) -> None:
    """Tell administrators that keys wait for approval."""
    application = cast(Application, client.application)
    administrators = User.objects.filter(role_grants__role=Role.ADMIN, is_active=True)
    waits = {
        KeyType.PRODUCTION: gettext_noop("Production keys of %(application)s of %(owner)s wait to be approved."),
        KeyType.SANDBOX: gettext_noop("Sandbox keys of %(application)s of %(owner)s wait to be approved."),
    }[KeyType(client.key_type)]
    link = reverse("devportal-admin:approvals")
    notify(
        people=administrators,
        kind=NotificationKind.APPROVALS,
        sentence=Sentence(waits, application=application, owner=application.owner.display_name),
        link=link,
        now=now,
    )


def keys_decided(client: OAuthClient, now: datetime) -> None:
    """Tell those who run the application what an administrator has decided about its keys."""
    application = cast(Application, client.application)
    is_approved = client.approval == Application.Approval.APPROVED
    approved = {
        KeyType.PRODUCTION: gettext_noop("The production keys of %(application)s are approved: ask for tokens."),
        KeyType.SANDBOX: gettext_noop("The sandbox keys of %(application)s are approved: ask for tokens."),
    }
    rejected = {
        KeyType.PRODUCTION: gettext_noop("The production keys of %(application)s were rejected."),
        KeyType.SANDBOX: gettext_noop("The sandbox keys of %(application)s were rejected."),
    }
    said = (approved if is_approved else rejected)[KeyType(client.key_type)]
    notify(
        people=memberships.keepers_of(application),
        kind=NotificationKind.APPROVALS,
        sentence=with_reason(Sentence(said, application=application), client.decision),
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
        sentence=Sentence(
            gettext_noop("The secret “%(secret)s” of %(application)s expires on %(day)s. Make another."),
            secret=secret.name,
            application=application,
            day=secret.expires_at.date(),
        ),
        link=reverse("devportal:keys", args=[application.pk, client.key_type]),
        now=now,
    )


def application_shared(member: Membership, now: datetime) -> None:
    """Tell somebody what they may do with an application of somebody else's now."""
    application = member.application
    notify(
        people=[member.person],
        kind=NotificationKind.APPROVALS,
        sentence=Sentence(SHARED[Right(member.right)], owner=application.owner.display_name, application=application),
        link=reverse("devportal:application", args=[application.pk]),
        now=now,
    )


def sharing_ended(member: Membership, actor: User, now: datetime) -> None:
    """Tell the other side that an application is not shared any more."""
    application, left = member.application, actor.pk == member.person_id
    ends = gettext_noop("%(person)s has left the application %(application)s. What they made of it has ended.")
    ended = gettext_noop("%(person)s no longer shares the application %(application)s with you.")
    who = member.person if left else application.owner
    notify(
        people=[application.owner if left else member.person],
        kind=NotificationKind.ENDS,
        sentence=Sentence(ends if left else ended, person=who.display_name, application=application),
        link=reverse("devportal:members", args=[application.pk]) if left else reverse("devportal:applications"),
        now=now,
    )


def maker_disabled(person: User, now: datetime) -> None:
    """Tell the owners of shared applications that what somebody made of them is suspended, as their account is."""
    for application, (tokens, secrets) in memberships.makings_of(person).items():
        made = [
            Sentence(*noun, number=number)
            for number, noun in (
                (tokens, ngettext_noop("%(number)s token", "%(number)s tokens")),
                (secrets, ngettext_noop("%(number)s secret", "%(number)s secrets")),
            )
            if number
        ]
        notify(
            people=memberships.keepers_of(application),
            kind=NotificationKind.ENDS,
            sentence=Sentence(
                gettext_noop(
                    "The account of %(person)s is disabled: until that is lifted, what they made of %(application)s "
                    "does not work (%(made)s). Make others where a program needs them."
                ),
                person=person.display_name,
                application=application,
                made=made,
            ),
            link=reverse("devportal:members", args=[application.pk]),
            now=now,
        )


def application_given(application: Application, before: User, now: datetime) -> None:
    """Tell somebody that an application is theirs now."""
    notify(
        people=[application.owner],
        kind=NotificationKind.APPROVALS,
        sentence=Sentence(
            gettext_noop("%(person)s has given you the application %(application)s. Make its secrets anew."),
            person=before.display_name,
            application=application,
        ),
        link=reverse("devportal:application", args=[application.pk]),
        now=now,
    )
