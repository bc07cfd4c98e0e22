"""Which APIs fit what somebody typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from django.db.models import Q, QuerySet

from core.searching import why_too_much
from core.text import fold
from publisher import search
from publisher.lifecycle import State
from publisher.models import Api, Category

NAMED = re.compile(r'(?:^|\s)([^\s":]+):')
"""What is written before a colon, as the name of a field."""
Lookup = str | Callable[[str], Q]


def _named(text: str) -> Q:
    return Q(name_key__contains=text) | Q(display_name_key__contains=text)


def in_category(name: str) -> Q:
    """APIs in the category of this name, in any case of letters."""
    return Q(pk__in=Category.objects.filter(name_key=name, apis__isnull=False).values("apis"))


LOOKUPS: dict[str, Lookup] = {
    "content": search.holds,
    "name": _named,
    "display-name": _named,
    "context": "context__icontains",
    "version": "version__icontains",
    "description": "description_key__contains",
    "tags": "tags_key__contains",
    "status": lambda word: Q(
        state__in=[each.value for each in State if word.upper() in (each.name, each.label.upper())]
    ),
    "provider": "provider__username_key__contains",
    "api-category": in_category,
    "type": lambda word: Q(pk__isnull=word.upper() not in {"WS", "WEBSOCKET"}),
}
"""By which fields APIs are found, in both portals and both kinds of interface; plain words are `content`."""


def has_property(name: str, value: str = "", *, shown_only: bool = False) -> Q:
    """APIs with a property of this name whose value holds this text; `shown_only`: of those that the portal shows."""
    marks = r"\+" if shown_only else "[+-]"
    held = f"[^\n]*{_literally(' '.join(value.split()))}" if value else ""
    return Q(properties_key__regex=f"\n{marks}{_literally(name)}\t{held}")


def lookups_for(text: str, apis: QuerySet[Api], *, shown_only: bool = False) -> dict[str, Lookup]:
    """LOOKUPS, and by its name each property that `text` asks for and that one of these APIs has."""
    too_much = why_too_much(text)  # which is said when it is read
    names = set() if too_much else {name for name in NAMED.findall(text) if name.lower() not in LOOKUPS}
    found = [name for name in names if apis.filter(has_property(name, shown_only=shown_only)).exists()]
    return LOOKUPS | {name: partial(has_property, name, shown_only=shown_only) for name in found}


def _literally(text: str) -> str:
    return re.sub(r"([][{}()*+?.\\^$|])", r"\\\1", fold(text))
