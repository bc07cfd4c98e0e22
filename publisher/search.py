"""By which words APIs are found, in both portals and both kinds of interface. `operations.search_texts` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, F, Func, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import In
from django.utils.translation import gettext

from accounts.models import User
from accounts.permissions import Viewer
from core.text import fold
from publisher.models import Api, SearchText
from publisher.searchable import Audience, SearchPart, searched

HIDDEN_PLACES = (SearchPart.TOPICS, SearchPart.DOCUMENT, SearchPart.CONTENT)
"""Where a word may be found that the card of an API does not show."""


def audiences_of(viewer: Viewer) -> set[Audience]:
    """By which texts a viewer of the Developer Portal finds what they find."""
    return {Audience.EVERYBODY, Audience.SIGNED_IN} if isinstance(viewer, User) else {Audience.EVERYBODY}


class _EachKey(Func):
    """The key of an API, for a condition that is asked of each row: SQLite then looks no row up by what was found.

    A word that ten thousand APIs have costs it half as much so, and what is wanted in order is met in order.
    """

    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        """The sign hides the column from its indexes."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **options)


def holds(word: str, audiences: Iterable[Audience] = Audience) -> Q:
    """APIs of which some text for these `audiences` holds a word."""
    found = SearchText.objects.filter(audience__in=list(audiences), text__holds=searched(word))
    return Q(In(_EachKey(F("pk")), found.values("api")))


def document_holds(word: str, audiences: Iterable[Audience]) -> Q:
    """Documents that hold a word in their name, summary or text."""
    found = SearchText.objects.filter(document__isnull=False, audience__in=list(audiences), text__holds=searched(word))
    return Q(pk__in=found.values("document"))


def by_relevance(apis: QuerySet[Api], words: Sequence[str], audiences: Iterable[Audience] = Audience) -> QuerySet[Api]:
    """These APIs with `relevance`: the most where a word is the name, then where it stands in the name, and so on.

    For a thousand at most: each of their texts is looked at.
    """
    among, score = list(audiences), _called(words)
    for word in words:
        here = SearchText.objects.filter(api=OuterRef("pk"), audience__in=among, text__holds_here=searched(word))
        places = here.order_by().values("api")
        score += Coalesce(Subquery(places.annotate(most=Max("part")).values("most")), 0)
    return apis.annotate(relevance=score)


def by_name(apis: QuerySet[Api], words: Sequence[str]) -> QuerySet[Api]:
    """These APIs with `relevance` as far as names and tags tell, which stand in the row of the API: for any number."""
    score = _called(words)
    for word in words:
        inside = [
            When(Q(name_key__contains=fold(word)) | Q(display_name_key__contains=fold(word)), then=SearchPart.NAME),
            When(tags_key__contains=fold(word), then=SearchPart.TAGS),
        ]
        score += Case(*inside, default=0, output_field=IntegerField())
    return apis.annotate(relevance=score)


def _called(words: Sequence[str]) -> Any:
    """What weighs that an API is called by a word, or begins with it."""
    score: Any = Value(0, output_field=IntegerField())
    for word in words:
        named = [
            When(Q(name_key=word) | Q(display_name_key=word), then=64),
            When(name_key__startswith=fold(word), then=16),
        ]
        score += Case(*named, default=0, output_field=IntegerField())
    return score


def places_of(apis: Iterable[Api], words: Sequence[str], audiences: Iterable[Audience]) -> dict[Any, str]:
    """For each of these APIs that shows none of the words where it is listed: where they were found. One query."""
    if not words:
        return {}
    among = SearchText.objects.filter(api__in=[api.pk for api in apis], audience__in=audiences)
    hits = among.filter(reduce(or_, (Q(text__holds_here=searched(word)) for word in words))).order_by(
        "-part", "document__position"
    )
    found: dict[Any, list[tuple[int, str | None]]] = {}
    for api, part, title in hits.values_list("api_id", "part", "document__name"):
        found.setdefault(api, []).append((part, title))
    return {
        api: gettext("its topics") if each[0][1] is None else gettext("the document %(title)s") % {"title": each[0][1]}
        for api, each in found.items()
        if all(part in HIDDEN_PLACES for part, _ in each)
    }
