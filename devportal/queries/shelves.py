"""The shelves of the catalogue: what a viewer finds, in the order in which it is shown, a page at a time."""

from __future__ import annotations

from django.db.models import Avg, F, OrderBy, OuterRef, QuerySet, Subquery

from accounts.permissions import Viewer
from core.paging import KeysFirst
from devportal.models import Rating
from devportal.queries.apis import catalogue_for, words_in
from publisher import search
from publisher.models import Api

SORTS: dict[str, tuple[OrderBy | str, ...]] = {
    "relevance": ("-relevance", "name_key", "-version"),
    "name": ("name_key", "-published_at", "-version"),
    "newest": (F("published_at").desc(nulls_last=True), "name_key", "-version"),
    "rating": (F("average").desc(nulls_last=True), "name_key", "-version"),
}
"""In which order the catalogue is shown."""
MOST_SHOWN = 1000
"""Of what a search finds these many are shown, those that come first; nobody leafs through more."""


def shelves_for(
    viewer: Viewer, *, text: str = "", tag: str = "", category: str = "", sort: str = "", every_version: bool = False
) -> KeysFirst[Api]:
    """What `catalogue_for` finds, with the `average` of its stars; of several versions the one that was made last.

    With `every_version` each of them. `sort` is one of SORTS: by name where nothing is looked for, else what fits best
    comes first. Of more than MOST_SHOWN that `text` finds the first are shown, and `is_cut` says so. Raises what
    `catalogue_for` raises.
    """
    found = catalogue_for(viewer, text=text, tag=tag, category=category)
    words = words_in(text)
    order = (*(SORTS.get(sort) or SORTS["relevance" if words else "name"]), "pk")
    if "-relevance" in order:
        found = search.by_name(found, words)
    elif order[0] == SORTS["rating"][0]:
        found = found.annotate(average=_average())
    if not text:
        number = found.order_by().values("pk" if every_version else "name_key").distinct().count()
        if not every_version:  # looked up by the index of names for each row that is met, not for all
            alike = found.order_by("-created_at", "pk").filter(name_key=OuterRef("name_key"))
            found = found.filter(pk=Subquery(alike.values("pk")[:1]))
        return KeysFirst(found.order_by(*order), _whole(), number)
    rows = list(found.order_by(*order).values_list("pk", "name_key", "created_at")[: MOST_SHOWN + 1])
    if "-relevance" in order and len(rows) <= MOST_SHOWN:
        few = Api.objects.filter(pk__in=[pk for pk, *_ in rows])
        ranked = search.by_relevance(few, words, search.audiences_of(viewer)).order_by(*order)
        rows = list(ranked.values_list("pk", "name_key", "created_at"))
    newest = {name: pk for pk, name, at in sorted(rows, key=lambda row: (row[2], -row[0].int))}
    keys = [pk for pk, name, _ in rows if every_version or newest[name] == pk]
    return KeysFirst(keys[:MOST_SHOWN], _whole(), is_cut=len(rows) > MOST_SHOWN)


def listed_for(viewer: Viewer, text: str = "") -> KeysFirst[Api]:
    """Every version that `catalogue_for` finds, counted and to the last, in the order of `shelves_for`."""
    found, words = catalogue_for(viewer, text=text), words_in(text)
    number = found.order_by().count()
    if words and number > MOST_SHOWN:
        found = search.by_name(found, words)
    elif words:
        found = search.by_relevance(found, words, search.audiences_of(viewer))
    return KeysFirst(found.order_by(*SORTS["relevance" if words else "name"], "pk"), _whole(), number)


def _whole() -> QuerySet[Api]:
    return Api.objects.select_related("provider").prefetch_related("plans").annotate(average=_average())


def _average() -> Subquery:
    stars = Rating.objects.filter(api=OuterRef("pk")).order_by().values("api").annotate(of_all=Avg("stars"))
    return Subquery(stars.values("of_all"))
