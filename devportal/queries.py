"""What a viewer of the developer portal may read. Everything is scoped to that viewer; strangers get NotFound."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.db.models.functions import Coalesce
from oauth2_provider.models import AccessToken

from accounts.consequences import Holdings
from accounts.models import User
from accounts.permissions import Viewer
from core.errors import NotFound
from core.folded import whole
from core.searching import words_of
from devportal.deny_policies import DenyCondition
from devportal.errors import (
    ApiNotListed,
    ApplicationNotFound,
    BlockNotFound,
    DenyPolicyNotFound,
    KeysNotFound,
    SubscriptionNotFound,
    TokenNotFound,
)
from devportal.models import Application, ApplicationPlan, DenyPolicy, KeyType, OAuthClient, OwnerBlock, Subscription
from publisher import versions
from publisher.lifecycle import LISTED, SERVED, State
from publisher.models import Api
from publisher.permissions import can_enter
from publisher.queries import PlanNotFound

DEFAULT_SCOPE = "default"
Row = TypeVar("Row", bound=Model)


# --- APIs ----------------------------------------------------------------------------------------------------


def catalogue_for(viewer: Viewer, *, text: str = "", tag: str = "") -> QuerySet[Api]:
    """The APIs that `viewer` finds in the catalogue: the listed ones, and deprecated ones already subscribed to.

    Every word of `text` has to occur in the name, description, context, version or tags; `tag` has to match whole.
    Raises Invalid for more words than a search may hold.
    """
    wanted = _in_states(LISTED) | _mine(viewer, {State.DEPRECATED})
    for word in words_of(text):
        named = Q(name_key__contains=word) | Q(description_key__contains=word) | Q(tags_key__contains=word)
        wanted &= named | Q(context__icontains=word) | Q(version__istartswith=word)
    apis = Api.objects.filter(wanted)
    if words_of(tag):
        apis = apis.filter(tags_key__contains=whole(tag))
    return apis.select_related("provider").order_by("name", "-published_at", "-version")


def tags_for(viewer: Viewer, *, text: str = "") -> list[tuple[str, int]]:
    """Every tag among what the viewer finds for `text`, with the number of APIs that carry it, most frequent first."""
    counts: dict[str, int] = {}
    for tags in catalogue_for(viewer, text=text).values_list("tags", flat=True):
        for tag in set(tags):
            counts[tag] = counts.get(tag, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].lower()))


def api_for(viewer: Viewer, pk: UUID | str) -> Api:
    """The API `pk` if it is listed or the viewer is subscribed to it and it is served. Raises ApiNotFound."""
    visible = _in_states(LISTED) | _mine(viewer, SERVED)
    return _found(Api.objects.filter(visible).select_related("provider", "deployed_revision"), pk, ApiNotListed)


def versions_of(viewer: Viewer, api: Api) -> list[Api]:
    """The versions of `api` that the viewer may see, newest version first, itself included."""
    same = Api.objects.filter(context__iexact=api.context)
    visible = same.filter(_in_states(LISTED) | _mine(viewer, SERVED))
    return sorted(visible, key=lambda each: versions.sort_key(each.version), reverse=True)


# --- applications --------------------------------------------------------------------------------------------


def applications_of(viewer: Viewer, *, text: str = "") -> QuerySet[Application]:
    """The viewer's own applications by name, with `subscription_count`; `text` narrows by name or description."""
    if not isinstance(viewer, User):
        return Application.objects.none()
    mine = Application.objects.filter(owner=viewer).select_related("plan")
    wanted = Q()
    for word in words_of(text):
        wanted &= Q(name_key__contains=word) | Q(description_key__contains=word)
    return (
        mine.filter(wanted)
        .annotate(subscription_count=Count("subscriptions", distinct=True))
        .order_by("name", "created_at")
    )


def application_for(viewer: Viewer, pk: UUID | str) -> Application:
    """The viewer's own application `pk`. Raises ApplicationNotFound for anybody else's."""
    return _found(applications_of(viewer).select_related("owner"), pk, ApplicationNotFound)


def application_plans() -> QuerySet[ApplicationPlan]:
    """The application plans, the default first, then from small to large."""
    return ApplicationPlan.objects.order_by(Coalesce("per_minute", 0))


def get_application_plan(name: str) -> ApplicationPlan:
    """The application plan of this name. Raises PlanNotFound."""
    plan = ApplicationPlan.objects.filter(name=name).first()
    if plan is None:
        raise PlanNotFound(name)
    return plan


# --- subscriptions -------------------------------------------------------------------------------------------


def my_subscriptions_to(viewer: Viewer, api: Api) -> QuerySet[Subscription]:
    """The viewer's own subscriptions to `api`, by the application's name."""
    if not isinstance(viewer, User):
        return Subscription.objects.none()
    mine = Subscription.objects.filter(api=api, application__owner=viewer)
    return mine.select_related("application", "plan").order_by("application__name")


def subscription_for(viewer: Viewer, pk: UUID | str) -> Subscription:
    """A subscription of one of the viewer's applications. Raises SubscriptionNotFound."""
    if not isinstance(viewer, User):
        raise SubscriptionNotFound
    rows = Subscription.objects.filter(application__owner=viewer)
    return _found(rows.select_related("application__owner", "api", "plan"), pk, SubscriptionNotFound)


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


def subscriber_for(viewer: Viewer, pk: UUID | str) -> Subscription:
    """Anybody's subscription, for people of the publisher. Raises SubscriptionNotFound for everybody else."""
    if not can_enter(viewer):
        raise SubscriptionNotFound
    rows = Subscription.objects.select_related("application__owner", "plan", "api")
    return _found(rows, pk, SubscriptionNotFound)


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
    return _found(blocks(viewer), pk, BlockNotFound)


# --- keys and tokens -----------------------------------------------------------------------------------------


def keys_of(application: Application, key_type: str) -> OAuthClient | None:
    """The application's keys of one type, if they have been generated."""
    client: OAuthClient | None = OAuthClient.objects.filter(application=application, key_type=key_type).first()
    if client:
        client.application = application
    return client


def client_for(viewer: Viewer, application_pk: UUID | str, key_type: str) -> OAuthClient:
    """The keys of one of the viewer's applications. Raises ApplicationNotFound or KeysNotFound."""
    application = application_for(viewer, application_pk)
    client = keys_of(application, key_type) if key_type in KeyType.values else None
    if client is None:
        raise KeysNotFound
    return client


def active_tokens(client: OAuthClient, now: datetime) -> QuerySet[AccessToken]:
    """The access tokens of `client` that still work, newest first. None of them holds the token itself."""
    tokens: QuerySet[AccessToken] = AccessToken.objects.filter(application=client, expires__gt=now)
    return tokens.select_related("user", "given").order_by("-created", "-pk")


def token_for(viewer: Viewer, pk: int | str) -> AccessToken:
    """An access token of one of the viewer's applications. Raises TokenNotFound."""
    if not isinstance(viewer, User):
        raise TokenNotFound
    rows = AccessToken.objects.filter(application__application__owner=viewer)
    token: AccessToken = _found(rows.select_related("application__application__owner"), pk, TokenNotFound)
    return token


def count_active_tokens(application: Application, now: datetime) -> int:
    """How many access tokens of `application` still work."""
    count: int = AccessToken.objects.filter(application__application=application, expires__gt=now).count()
    return count


def scopes_of(application: Application) -> list[str]:
    """The scopes that a token of `application` may carry: `default`, and those that its APIs' topics ask for."""
    snapshots = application.subscriptions.exclude(api__deployed_revision=None).values_list(
        "api__deployed_revision__snapshot", flat=True
    )
    topics = [topic for snapshot in snapshots for topic in snapshot.get("topics", [])]
    asked_for = {scope for topic in topics for scope in topic.get("scopes", [])}
    return [DEFAULT_SCOPE, *sorted(asked_for - {DEFAULT_SCOPE})]


def holdings_of(user: User, now: datetime) -> Holdings:
    """What hangs on a person here: their applications, and the tokens of these that have not expired."""
    tokens = AccessToken.objects.filter(application__application__owner=user, expires__gt=now)
    return Holdings(applications=Application.objects.filter(owner=user).count(), tokens=tokens.count())


# --- deny policies -------------------------------------------------------------------------------------------


def deny_policies() -> QuerySet[DenyPolicy]:
    """Every deny policy, the newest first. For administrators, which the edges see to."""
    return DenyPolicy.objects.order_by("-created_at", "pk")


def conditions_against(application: Application, api: Api) -> list[str]:
    """The conditions of the active deny policies against an application's calls to an API, addresses aside."""
    named = Q(kind=DenyCondition.API, subject=str(api.pk)) | Q(
        kind=DenyCondition.APPLICATION, subject=str(application.pk)
    )
    against = DenyPolicy.objects.filter(
        named | Q(kind=DenyCondition.USER, subject=str(application.owner_id)), is_active=True
    )
    return list(against.values_list("kind", flat=True))


def get_deny_policy(pk: UUID | str) -> DenyPolicy:
    """One deny policy; raises DenyPolicyNotFound."""
    return _found(DenyPolicy.objects.all(), pk, DenyPolicyNotFound)


# --- how it is done ------------------------------------------------------------------------------------------


def _in_states(states: Iterable[State]) -> Q:
    return Q(state__in=[state.value for state in states])


def _mine(viewer: Viewer, states: Iterable[State]) -> Q:
    if not isinstance(viewer, User):
        return Q(pk__in=())
    mine = Subscription.objects.filter(application__owner=viewer).values("api_id")
    return _in_states(states) & Q(pk__in=mine)


def _found(rows: QuerySet[Row], pk: UUID | int | str, missing: type[NotFound]) -> Row:
    """The row of this id. Raises `missing`, also where the text is no id at all."""
    try:
        row = rows.filter(pk=pk).first()
    except (ValidationError, ValueError):
        row = None
    if row is None:
        raise missing
    return row
