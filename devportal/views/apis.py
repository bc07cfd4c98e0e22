"""APIs as a developer finds them: the catalogue, one API, and the keys that the viewer has for it."""

from datetime import timedelta
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.models import User
from accounts.permissions import Viewer
from accounts.roles import Role
from core.searching import asked
from devportal import queries
from devportal.addresses import addresses_of, takes_token_in_url
from devportal.permissions import can_develop
from devportal.plan_table import side_by_side
from publisher.lifecycle import SUBSCRIBABLE
from publisher.models import Api
from publisher.permissions import can_create
from publisher.pictures import picture_of
from publisher.queries import deployed_changes, plans_of

PER_PAGE = 24
CHANGES_A_PAGE = 10
NEWS = timedelta(days=30)
"""For so long the page of an API leads with a change that breaks clients."""
TAGS_SHOWN = 20


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every API that the visitor may find; `q` searches, `tag` and `category` narrow, `versions=all` unfolds."""
    text, refusal = asked(request.GET.get("q", ""), queries.lookups_for(request.user, request.GET.get("q", "")))
    tag, category = (request.GET.get(name, "").strip() for name in ("tag", "category"))
    sort, every = request.GET.get("sort", ""), request.GET.get("versions") == "all"
    narrowed = {"text": text, "tag": tag, "category": category}
    apis = queries.shelves_for(request.user, **narrowed, sort=sort, every_version=every).prefetch_related("plans")
    page = Paginator(apis, PER_PAGE).get_page(request.GET.get("page"))
    versions = {} if every else queries.count_versions(request.user, page.object_list)
    places = queries.places_of(request.user, page.object_list, text)
    sorts = {"relevance": "Best match"} if queries.words_in(text) else {}
    sorts |= {"name": "Name", "newest": "Newest", "rating": "Stars"}
    context = {
        "page": page,
        "cards": [(each, versions.get(each.name_key, 1), places.get(each.pk, "")) for each in page],
        "sort": sort if sort in sorts else next(iter(sorts)),
        "sorts": sorts,
        "every": every,
        "tags": queries.tags_for(request.user, text=text)[:TAGS_SHOWN],
        "text": text,
        "refusal": refusal,
        "tag": tag,
        "category": category,
        "categories": queries.categories_for(request.user),
        "may_create": isinstance(request.user, User) and can_create(request.user),
    }
    return render(request, "devportal/catalogue/list.html", context, status=400 if refusal else 200)


@require_safe
def api(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an API is, where it answers, and under which plans."""
    found = queries.api_for(request.user, pk)
    subscriptions, plans = queries.my_subscriptions_to(request.user, found), plans_of(found)
    context = {
        "api": found,
        "addresses": addresses_of(found),
        "in_url": takes_token_in_url(found),
        "versions": queries.versions_of(request.user, found),
        "plans": plans,
        "plan_rows": side_by_side(plans),
        "stars": queries.stars_of(found),
        "mine": queries.own_rating(request.user, found),
        "follows": queries.follows(request.user, found),
        "similar": queries.similar_to(request.user, found),
        "categories": found.categories.order_by("name_key"),
        "properties": [each for each in found.properties if each["shown"]],
        "subscriptions": subscriptions,
        "may_start": may_start(request.user, found, has_subscriptions=bool(subscriptions)),
        "is_subscribable": found.stage in SUBSCRIBABLE,
        "broke": deployed_changes(found).exclude(breaking=[]).filter(at__gt=now() - NEWS).first(),
    }
    return render(request, "devportal/apis/overview.html", context)


@require_safe
def changes(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How deployments changed what clients meet, and what of it breaks them."""
    found = queries.api_for(request.user, pk)
    page = Paginator(deployed_changes(found), CHANGES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "devportal/apis/changes.html", {"api": found, "page": page})


@require_safe
def thumbnail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The picture of an API, for whoever finds the API."""
    return picture_of(queries.api_for(request.user, pk), request)


@require_safe
@requires(Role.SUBSCRIBER)
def credentials(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which of the viewer's applications may call the API, with which keys."""
    found = queries.api_for(request.user, pk)
    subscriptions = list(
        queries.my_subscriptions_to(current_user(request), found).prefetch_related("application__clients")
    )
    context = {
        "api": found,
        "subscriptions": subscriptions,
        "may_start": may_start(request.user, found, has_subscriptions=bool(subscriptions)),
    }
    return render(request, "devportal/apis/credentials.html", context)


def may_start(viewer: Viewer, api: Api, *, has_subscriptions: bool) -> bool:
    """Whether the wizard is offered: visitors sign in on the way, people without the role cannot use it."""
    open_to = not viewer.is_authenticated or can_develop(viewer)
    return open_to and (has_subscriptions or api.stage in SUBSCRIBABLE)
