"""APIs as a viewer of the Developer Portal finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import partial, reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    Avg,
    Case,
    Count,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)

from accounts import installation
from accounts.models import User
from accounts.permissions import Viewer
from core.folded import condition, whole
from core.searching import terms_of, words_of
from core.text import fold
from devportal.errors import ApiNotListed
from devportal.memberships import within_reach
from devportal.models import Rating, Subscription
from devportal.queries.rows import one_of
from publisher import documentation, search, versions
from publisher import queries as publisher_queries
from publisher.lifecycle import LISTED, SERVED, State
from publisher.models import Api, Category, Document
from publisher.queries import NAMED, in_category, visible_to


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
    return apis.select_related("provider").order_by("name_key", "-published_at", "-version")


MOST_RESPELLED = 100  # tags that are told apart from one another by looking at each API that carries them


def words_in(text: str) -> list[str]:
    """The plain words of a search, those that are of no field."""
    return [word for field, word in terms_of(text, [*NAMED.findall(text)], "") if not field]


def documents_for(viewer: Viewer, text: str) -> QuerySet[Document]:
    """The documents that the viewer may read, of APIs that they find, in which every plain word of `text` occurs."""
    words = words_in(text)
    if not words:
        return Document.objects.none()
    readable = documentation.readable_documents(viewer).filter(api__in=_found_by(viewer).order_by().values("pk"))
    for word in words:
        readable = readable.filter(search.document_holds(word, search.audiences_of(viewer)))
    return readable.select_related("api__provider").order_by("api__name", "position", "pk")


def places_of(viewer: Viewer, apis: Iterable[Api], text: str) -> dict[Any, str]:
    """Where the words were found that the cards of these APIs do not show, by the API's id. One query, or none."""
    return search.places_of(apis, words_in(text), search.audiences_of(viewer))


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
    read = partial(search.holds, audiences=search.audiences_of(viewer))
    return publisher_queries.lookups_for(text, _found_by(viewer), shown_only=True) | LOOKUPS | {"content": read}


def _found_by(viewer: Viewer) -> QuerySet[Api]:
    return Api.objects.filter(_offered_to(viewer) | _mine(viewer, LISTED | {State.DEPRECATED}))


def tags_for(viewer: Viewer, *, text: str = "", among: Collection[UUID] = ()) -> list[tuple[str, int]]:
    """Every tag among what the viewer finds for `text`, with the number of APIs that carry it, most frequent first.

    Where it is known what of it is shown, only that is looked `among`.

    Spellings that `has_tag` takes for one are one, written as most of them are. The database counts, so that no more is
    read than there are different tags; of those that are spelled in several ways an API may have two.
    """
    apis = Api.objects.filter(pk__in=among) if among else catalogue_for(viewer, text=text).order_by()
    found, params = apis.values("tags").query.sql_with_params()
    each = "jsonb_array_elements_text(tags) AS each(value)" if connection.vendor == "postgresql" else "json_each(tags)"
    spellings: dict[str, Counter[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT value, count(*) FROM ({found}) AS found, {each} GROUP BY value", params)  # noqa: S608
        for tag, number in cursor.fetchall():
            spellings.setdefault(fold(tag), Counter())[tag] = number
    numbers = {key: written.total() for key, written in spellings.items()}
    several = [key for key, written in spellings.items() if len(written) > 1][:MOST_RESPELLED]
    if several:
        rows = apis.filter(reduce(or_, map(has_tag, several))).values_list("tags_key", flat=True)
        numbers |= Counter(key for tags in rows for key in several if whole(key) in tags)
    ordered = sorted(spellings.items(), key=lambda item: (-numbers[item[0]], item[0]))
    return [(written.most_common(1)[0][0], numbers[key]) for key, written in ordered]


def categories_for(viewer: Viewer) -> QuerySet[Category]:
    """Every category in which the viewer finds something, by name, with `api_count`."""
    held = Api.categories.through.objects.filter(api__in=catalogue_for(viewer).order_by().values("pk"))
    counts = dict(held.values_list("category").annotate(number=Count("pk")))  # joined it takes twice as long
    each = [When(pk=pk, then=Value(number)) for pk, number in counts.items()]
    found = Category.objects.filter(pk__in=counts).annotate(api_count=Case(*each, output_field=IntegerField()))
    return found.order_by("name_key")


def api_for(viewer: Viewer, pk: UUID | str) -> Api:
    """The API `pk` if it is listed and for the viewer, or the viewer is subscribed to it and it is served.

    Raises ApiNotListed.
    """
    visible = _offered_to(viewer) | _mine(viewer, SERVED)
    return one_of(Api.objects.filter(visible).select_related("provider", "deployed_revision"), pk, ApiNotListed)


def versions_of(viewer: Viewer, api: Api) -> list[Api]:
    """The versions of `api` that the viewer may see, newest version first, itself included."""
    same = Api.objects.filter(context__iexact=api.context).select_related("deployed_revision")
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


def _offered_to(viewer: Viewer) -> Q:
    if not viewer.is_authenticated and not installation.current().anonymous_browsing:
        return Q(pk__in=())
    return Q(state__in=[state.value for state in LISTED]) & visible_to(viewer)


def _mine(viewer: Viewer, states: Iterable[State]) -> Q:
    if not isinstance(viewer, User):
        return Q(pk__in=())
    mine = Subscription.objects.filter(within_reach(viewer, through="application__")).values("api_id")
    return Q(state__in=[state.value for state in states], pk__in=mine)
