"""APIs as a developer finds them: the catalogue, one API, and the keys that the viewer has for it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.models import User
from accounts.permissions import Viewer
from accounts.roles import Role
from core.searching import asked
from core.text import fold
from devportal import queries
from devportal.addresses import addresses_of, takes_token_in_url
from devportal.permissions import can_develop
from devportal.plan_table import side_by_side
from publisher import snapshots
from publisher.asyncapi.changes import changes as differing
from publisher.lifecycle import SUBSCRIBABLE
from publisher.models import Api
from publisher.permissions import can_create
from publisher.pictures import picture_of
from publisher.queries import deployed_changes, plans_of

PER_PAGE = 24
CHANGES_A_PAGE = 10
NEWS = timedelta(days=30)
"""For so long the page of an API leads with a change that breaks clients."""
TAGS_SHOWN = 24
VIEWS, VIEW_COOKIE = ("cards", "list"), "apim_catalogue"


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every API that the visitor may find; `q` searches, `tag` and `category` narrow, `versions=all` unfolds.

    `view` is cards or a list; which it was last is remembered in a cookie.
    """
    text, refusal = asked(request.GET.get("q", ""), queries.lookups_for(request.user, request.GET.get("q", "")))
    tag, category = (request.GET.get(name, "").strip() for name in ("tag", "category"))
    sort, every = request.GET.get("sort", ""), request.GET.get("versions") == "all"
    view = request.GET.get("view") or request.COOKIES.get(VIEW_COOKIE, "")
    narrowed = {"text": text, "tag": tag, "category": category}
    apis: Any = queries.shelves_for(request.user, **narrowed, sort=sort, every_version=every)
    page = Paginator(apis, PER_PAGE).get_page(request.GET.get("page"))
    versions = {} if every else queries.count_versions(request.user, page.object_list)
    places = queries.places_of(request.user, page.object_list, text)
    shown = apis.keys if text and (apis.is_cut or not (tag or category)) else ()
    sorts = {"relevance": _("Best match")} if queries.words_in(text) else {}
    sorts |= {"name": _("Name"), "newest": _("Newest"), "rating": _("Stars")}
    context = {
        "page": page,
        "is_cut": apis.is_cut,
        "cards": [(each, versions.get(each.name_key, 1), places.get(each.pk, "")) for each in page],
        "sort": sort if sort in sorts else next(iter(sorts)),
        "sorts": sorts,
        "every": every,
        "as_list": view == "list",
        "tags": cloud(queries.tags_for(request.user, text=text, among=shown)[:TAGS_SHOWN]),
        "text": text,
        "refusal": refusal,
        "tag": tag,
        "category": category,
        "categories": queries.categories_for(request.user),
        "may_create": isinstance(request.user, User) and can_create(request.user),
    }
    response = render(request, "devportal/catalogue/list.html", context, status=400 if refusal else 200)
    if request.GET.get("view") in VIEWS:
        response.set_cookie(VIEW_COOKIE, view, max_age=timedelta(days=365), secure=True, httponly=True, samesite="Lax")
    return response


def cloud(tags: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """The tags by name, each with its number and a size from 0 to 3: one more for each doubling."""
    least = min((number for _, number in tags), default=1)
    sized = ((name, number, min(3, (number // least).bit_length() - 1)) for name, number in tags)
    return sorted(sized, key=lambda each: fold(each[0]))


@require_safe
def api(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an API is, where it answers, and under which plans."""
    found = queries.api_for(request.user, pk)
    subscriptions, plans = queries.my_subscriptions_to(request.user, found), plans_of(found)
    context = {
        "api": found,
        "addresses": addresses_of(found),
        "key_types": snapshots.key_types_served(found),
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
    versions = [each for each in queries.versions_of(request.user, found) if each.deployed_revision_id]
    older = versions[versions.index(found) + 1 :] if found in versions else []
    chosen = next((each for each in older if str(each.pk) == request.GET.get("since")), older[0] if older else None)
    context = {
        "api": found,
        "page": page,
        "older": older,
        "since": chosen,
        "between": between(chosen, found) if chosen else None,
    }
    return render(request, "devportal/apis/changes.html", context)


def between(older: Api, newer: Api) -> dict[str, Any]:
    """How what one version serves differs from an older one, and what of it breaks clients that move over."""
    before, after = (
        snapshots.filled(each.deployed_revision.snapshot) for each in (older, newer) if each.deployed_revision
    )
    return {
        "changes": differing(before["topics"], after["topics"]),
        "breaking": snapshots.breaking_between(before, after),
    }


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
