"""What a viewer of the Developer Portal may read; one module, so that no read goes round the scope of the viewer."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TypeVar, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Avg, Count, Exists, F, Model, OrderBy, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from oauth2_provider.models import AccessToken

from accounts import installation
from accounts.consequences import Holdings
from accounts.models import User
from accounts.permissions import Viewer
from core.errors import NotFound
from core.folded import condition, whole
from core.searching import terms_of, words_of
from core.text import fold
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
from devportal.memberships import within_reach
from devportal.models import (
    Application,
    ApplicationPlan,
    ClientSecret,
    DenyPolicy,
    KeyType,
    OAuthClient,
    OwnerBlock,
    Rating,
    Subscription,
)
from devportal.sharing import Right
from devportal.subscription_states import SubscriptionState
from publisher import queries as publisher_queries
from publisher import scope_terms, scoping, versions
from publisher.lifecycle import LISTED, SERVED, State
from publisher.models import Api, Category
from publisher.permissions import can_enter
from publisher.queries import PlanNotFound, in_category, visible_to

DEFAULT_SCOPE = "default"
Row = TypeVar("Row", bound=Model)


# --- APIs ----------------------------------------------------------------------------------------------------


def catalogue_for(viewer: Viewer, *, text: str = "", tag: str = "", category: str = "") -> QuerySet[Api]:
    """The APIs that `viewer` finds in the catalogue: the listed ones that are for them, and those they subscribed to.

    `text` is words or `name:chat` as `lookups_for` has it; `tag` has to match whole. Raises Invalid as
    `core.searching.terms_of` does.
    """
    lookups, apis = lookups_for(viewer, text), _found_by(viewer)
    apis = apis.filter(condition(terms_of(text, lookups, "content"), lookups))
    if words_of(tag):
        apis = apis.filter(has_tag(tag))
    if category:
        apis = apis.filter(in_category(category))
    return apis.select_related("provider").order_by("name", "-published_at", "-version")


SORTS: dict[str, tuple[OrderBy | str, ...]] = {
    "name": ("name", "-published_at", "-version"),
    "newest": (F("published_at").desc(nulls_last=True), "name", "-version"),
    "rating": (F("average").desc(nulls_last=True), "name", "-version"),
}
"""In which order the catalogue is shown."""


def shelves_for(
    viewer: Viewer, *, text: str = "", tag: str = "", category: str = "", sort: str = "", every_version: bool = False
) -> QuerySet[Api]:
    """What `catalogue_for` finds, with the `average` of its stars; of several versions the one that was made last.

    With `every_version` each of them. Raises what `catalogue_for` raises.
    """
    found = catalogue_for(viewer, text=text, tag=tag, category=category)
    if not every_version:
        newer = found.order_by().filter(name_key=OuterRef("name_key"), created_at__gt=OuterRef("created_at"))
        found = found.filter(~Exists(newer))
    stars = Rating.objects.filter(api=OuterRef("pk")).order_by().values("api").annotate(of_all=Avg("stars"))
    return found.annotate(average=Subquery(stars.values("of_all"))).order_by(*SORTS.get(sort, SORTS["name"]), "pk")


def count_versions(viewer: Viewer, apis: Iterable[Api]) -> dict[str, int]:
    """How many versions of each of these APIs the viewer finds, by the folded name. One query."""
    rows = _found_by(viewer).filter(name_key__in=[api.name_key for api in apis]).order_by()
    return dict(rows.values_list("name_key").annotate(number=Count("pk")))


def has_tag(tag: str) -> Q:
    """APIs of `catalogue_for` that carry this very tag."""
    return Q(tags_key__contains=whole(tag))


LOOKUPS: dict[str, publisher_queries.Lookup] = {**publisher_queries.LOOKUPS, "tag": has_tag}
"""By which fields the catalogue is searched: as the Publisher is, and by a whole tag."""


def lookups_for(viewer: Viewer, text: str) -> dict[str, publisher_queries.Lookup]:
    """LOOKUPS, and by its name each property that `text` asks for and that is shown of something the viewer finds."""
    return publisher_queries.lookups_for(text, _found_by(viewer), shown_only=True) | LOOKUPS


def _found_by(viewer: Viewer) -> QuerySet[Api]:
    return Api.objects.filter(_offered_to(viewer) | _mine(viewer, LISTED | {State.DEPRECATED}))


def tags_for(viewer: Viewer, *, text: str = "") -> list[tuple[str, int]]:
    """Every tag among what the viewer finds for `text`, with the number of APIs that carry it, most frequent first.

    Spellings that `has_tag` takes for one are one, written as most of them are.
    """
    spellings: dict[str, Counter[str]] = {}
    for tags in catalogue_for(viewer, text=text).values_list("tags", flat=True):
        for key, tag in {fold(tag): tag for tag in tags}.items():
            spellings.setdefault(key, Counter())[tag] += 1
    ordered = sorted(spellings.items(), key=lambda item: (-item[1].total(), item[0]))
    return [(written.most_common(1)[0][0], written.total()) for _, written in ordered]


def categories_for(viewer: Viewer) -> QuerySet[Category]:
    """Every category in which the viewer finds something, by name, with `api_count`."""
    found = Q(apis__in=catalogue_for(viewer).order_by().values("pk"))
    return Category.objects.filter(found).annotate(api_count=Count("apis", distinct=True)).order_by("name_key")


def api_for(viewer: Viewer, pk: UUID | str) -> Api:
    """The API `pk` if it is listed and for the viewer, or the viewer is subscribed to it and it is served.

    Raises ApiNotListed.
    """
    visible = _offered_to(viewer) | _mine(viewer, SERVED)
    return _found(Api.objects.filter(visible).select_related("provider", "deployed_revision"), pk, ApiNotListed)


def versions_of(viewer: Viewer, api: Api) -> list[Api]:
    """The versions of `api` that the viewer may see, newest version first, itself included."""
    same = Api.objects.filter(context__iexact=api.context)
    visible = same.filter(_offered_to(viewer) | _mine(viewer, SERVED))
    return sorted(visible, key=lambda each: versions.sort_key(each.version), reverse=True)


def stars_of(api: Api) -> tuple[float, int]:
    """The average of an API's ratings (0 where there is none), and how many there are."""
    found = api.ratings.aggregate(average=Avg("stars"), number=Count("pk"))
    return found["average"] or 0.0, found["number"]


def own_rating(viewer: Viewer, api: Api) -> Rating | None:
    """What the viewer thinks of `api`, if they have said."""
    return api.ratings.filter(by=viewer).first() if isinstance(viewer, User) else None


def follows(viewer: Viewer, api: Api) -> bool:
    """Whether the viewer follows `api`."""
    return isinstance(viewer, User) and api.follows.filter(by=viewer).exists()


def similar_to(viewer: Viewer, api: Api, most: int = 5) -> list[Api]:
    """Other APIs that the viewer finds and that share tags with `api`, those that share most first."""
    if not api.tags:
        return []
    wanted = reduce(or_, map(has_tag, api.tags))
    rows = catalogue_for(viewer).filter(wanted).exclude(name_key=api.name_key)[:100]
    newest = {each.name: each for each in reversed(rows)}
    return sorted(newest.values(), key=lambda each: -len(set(each.tags) & set(api.tags)))[:most]


# --- applications --------------------------------------------------------------------------------------------


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
    return _found(applications_of(viewer), pk, ApplicationNotFound)


def any_application(pk: UUID | str) -> Application:
    """Anybody's application, for administrators, which the edges see to. Raises ApplicationNotFound."""
    rows = Application.objects.filter(is_internal=False).select_related("owner", "plan")
    return _found(rows, pk, ApplicationNotFound)


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
        raise PlanNotFound(name)
    return plan


# --- subscriptions -------------------------------------------------------------------------------------------


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


def waiting_applications() -> QuerySet[Application]:
    """The applications that wait for approval, the oldest first. For administrators, which the edges see to."""
    waiting = Application.objects.filter(approval=Application.Approval.WAITING)
    return waiting.select_related("owner", "plan").order_by("created_at")


def waiting_subscriptions(viewer: Viewer) -> QuerySet[Subscription]:
    """The subscriptions that wait for approval, the oldest first, for people of the publisher."""
    return all_subscribers(viewer, state=SubscriptionState.ON_HOLD).order_by("created_at")


# --- keys and tokens -----------------------------------------------------------------------------------------


def keys_of(application: Application, key_type: str) -> OAuthClient | None:
    """The application's keys of one type, if they have been generated."""
    client: OAuthClient | None = OAuthClient.objects.filter(application=application, key_type=key_type).first()
    if client:
        client.application = application
    return client


def own_keys(viewer: User, pk: str) -> tuple[OAuthClient, Application]:
    """Keys that the viewer may use, and their application. Raises KeysNotFound."""
    reach = within_reach(viewer, Right.KEYS, "application__")
    rows = OAuthClient.objects.filter(reach, application__is_internal=False)
    client: OAuthClient = _found(rows.select_related("application__owner"), pk, KeysNotFound)
    return client, cast(Application, client.application)


def client_for(viewer: Viewer, application_pk: UUID | str, key_type: str) -> OAuthClient:
    """The keys of one of the viewer's applications. Raises ApplicationNotFound or KeysNotFound."""
    application = application_for(viewer, application_pk)
    client = keys_of(application, key_type) if key_type in KeyType.values else None
    if client is None:
        raise KeysNotFound
    return client


def secrets_of(client: OAuthClient, now: datetime) -> QuerySet[ClientSecret]:
    """The secrets of `client` beside its first one that work now, the newest first."""
    rows = ClientSecret.objects.filter(client=client)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("-pk")


def is_other_secret(first: str, digest: str, now: datetime) -> bool:
    """Whether `digest` is that of a further secret of the keys whose first secret is stored as `first`."""
    rows = ClientSecret.objects.filter(client__client_secret=first, digest=digest)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).exists()


def active_tokens(client: OAuthClient, now: datetime) -> QuerySet[AccessToken]:
    """The access tokens of `client` that still work, newest first. None of them holds the token itself."""
    tokens: QuerySet[AccessToken] = AccessToken.objects.filter(application=client, expires__gt=now)
    return tokens.select_related("user", "given").order_by("-created", "-pk")


def token_for(viewer: Viewer, pk: int | str) -> AccessToken:
    """An access token of one of the viewer's applications. Raises TokenNotFound."""
    if not isinstance(viewer, User):
        raise TokenNotFound
    rows = AccessToken.objects.filter(within_reach(viewer, Right.KEYS, "application__application__"))
    token: AccessToken = _found(rows.select_related("application__application__owner"), pk, TokenNotFound)
    return token


def count_active_tokens(application: Application, now: datetime) -> int:
    """How many access tokens of `application` still work."""
    count: int = AccessToken.objects.filter(application__application=application, expires__gt=now).count()
    return count


def scopes_asked_for(application: Application) -> list[str]:
    """`default`, and the scopes that the topics of an application's APIs ask for, whoever gets them."""
    snapshots = application.subscriptions.exclude(api__deployed_revision=None).values_list(
        "api__deployed_revision__snapshot", flat=True
    )
    topics = [topic for snapshot in snapshots for topic in snapshot.get("topics", [])]
    asked_for = {scope for topic in topics for scope in topic.get("scopes", [])}
    return [DEFAULT_SCOPE, *sorted(asked_for - {DEFAULT_SCOPE})]


def scopes_granted(application: Application, wanted: Iterable[str], to: User) -> list[str]:
    """Those of `wanted` that a token of `application` carries which speaks for `to`, by that person's roles."""
    names = list(wanted)
    apis = application.subscriptions.values_list("api_id", flat=True)
    return scope_terms.granted(names, scoping.roles_by_name(names, apis), to.roles)


def scopes_of(application: Application) -> list[str]:
    """The scopes of a token that `application` gets in its own name: `default`, and what its owner's roles allow."""
    return scopes_granted(application, scopes_asked_for(application), application.owner)


def holdings_of(user: User, now: datetime) -> Holdings:
    """What hangs on a person here: their applications, and the tokens of these that have not expired."""
    tokens = AccessToken.objects.filter(
        application__application__owner=user, application__application__is_internal=False, expires__gt=now
    )
    return Holdings(
        applications=Application.objects.filter(owner=user, is_internal=False).count(), tokens=tokens.count()
    )


def service_clients() -> QuerySet[OAuthClient]:
    """The clients of service accounts, by name. For administrators, which the edges see to."""
    rows: QuerySet[OAuthClient] = OAuthClient.objects.filter(application=None, user__is_service=True)
    return rows.select_related("user").prefetch_related("user__role_grants").order_by("user__username_key")


def service_client(pk: int) -> OAuthClient:
    """One of them. Raises KeysNotFound."""
    return _found(service_clients(), pk, KeysNotFound)


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


def _offered_to(viewer: Viewer) -> Q:
    if not viewer.is_authenticated and not installation.current().anonymous_browsing:
        return Q(pk__in=())
    return _in_states(LISTED) & visible_to(viewer)


def _mine(viewer: Viewer, states: Iterable[State]) -> Q:
    if not isinstance(viewer, User):
        return Q(pk__in=())
    mine = Subscription.objects.filter(within_reach(viewer, through="application__")).values("api_id")
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
