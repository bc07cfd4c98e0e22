"""Template tags of both portals, one module since Django loads it as one library, a built-in of every template."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any
from zipfile import ZipFile
from zlib import crc32

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, RadioSelect, Textarea, TextInput
from django.forms.utils import flatatt
from django.http import HttpRequest, QueryDict
from django.template import Context
from django.template.defaultfilters import date
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop, ngettext, pgettext

from core import durations, markdown, text
from core.forms import reopened

register = template.Library()

HUES = 12
FRACTIONS_BELOW = 10  # from here on a tenth more or less a second says nothing
SHOWN_END = 12  # letters of a shortened address or token that always show: `url.css` counts on them
STATE_KINDS = {
    "CREATED": "grey",
    "PROTOTYPED": "accent",
    "PUBLISHED": "good",
    "BLOCKED": "bad",
    "DEPRECATED": "warn",
    "RETIRED": "outline",
}
STATE_WORDS = {
    "CREATED": gettext_noop("Created"),
    "PROTOTYPED": gettext_noop("Pre-Released"),
    "PUBLISHED": gettext_noop("Published"),
    "BLOCKED": gettext_noop("Blocked"),
    "DEPRECATED": gettext_noop("Deprecated"),
    "RETIRED": gettext_noop("Retired"),
}
MESSAGE_ICONS = {"success": "circle-check", "error": "circle-alert", "warning": "triangle-alert"}

register.filter("counted", text.count)  # "1 application", "9 applications"
register.filter("markup", markdown.markup)  # Markdown that people wrote, as safe elements
register.filter("plain", markdown.words)  # … as the words of one line


@register.simple_tag
def control(field: BoundField, more: dict[str, Any] | None = None, **attrs: object) -> SafeString:
    """The control of a form field, with its class and the ids of its hint and error. Attributes: `data_x` is `data-x`.

    `more` are the attributes that a component was given and does not know itself.
    """
    given: dict[str, Any] = {
        name.replace("_", "-"): value
        for name, value in (attrs | (more or {})).items()
        if value not in ("", None, False)
    }
    mono = given.pop("mono", None)
    extra = given.pop("class", "")
    tick = isinstance(field.field.widget, CheckboxInput | RadioSelect)
    kinds = ["tick" if tick else "control", "control-mono" if mono else "", str(extra)]
    if isinstance(field.field.widget, TextInput | Textarea):
        given.setdefault("dir", "ltr" if mono else "auto")
    given["class"] = " ".join(filter(None, [field.field.widget.attrs.get("class", ""), *kinds]))
    described = [f"{field.auto_id}_error"] if field.errors else []
    if given.pop("hint", None) or field.help_text:
        described.append(f"{field.auto_id}_hint")
    if described:
        given["aria-describedby"] = " ".join(described)
    if field.errors:
        given["aria-invalid"] = "true"
    return field.as_widget(attrs=given)


@register.simple_tag
def spoken() -> str:
    """The language of the page, as `lang` says it: "en-GB", "de"."""
    return translation.to_locale(translation.get_language() or settings.LANGUAGE_CODE).replace("_", "-")


@register.simple_tag(takes_context=True)
def current(context: Context, address: str, exact: object = "") -> str:
    """The value of `aria-current` for a link: "page" on the page itself, "true" below it, else nothing."""
    request: HttpRequest | None = context.get("request")
    if request is None or not address:
        return ""
    if request.path == address:
        return "page"
    return "true" if not exact and request.path.startswith(address.rstrip("/") + "/") else ""


@register.simple_tag
@lru_cache(maxsize=1000)
def lucide(name: str, *, size: int = 24, **attributes: object) -> str:
    """An icon, drawn once: a page has fifty, and drawing them anew took a sixth of its time."""
    opening, shapes = _drawings().read(f"{name}.svg").decode().split(">", 1)
    given = dict(re.findall(r'([\w-]+)="([^"]*)"', opening)) | {"width": size, "height": size}
    given |= {attribute.replace("_", "-"): value for attribute, value in attributes.items()}
    given.pop("xmlns")
    return format_html("<svg{}>{}", flatatt(given), mark_safe(shapes.strip()))  # noqa: S308  of a package


@cache
def _drawings() -> ZipFile:
    """All icons that there are: Lucide's own tag reads the list of its 1 700 anew for each."""
    return ZipFile(BytesIO((files("lucide") / "lucide.zip").read_bytes()))


@register.filter
def typed_in(request: HttpRequest | None, form: str) -> QueryDict:
    """What a dialog of this page holds already, because it was sent in vain before; nothing otherwise."""
    return (reopened(request, form) if request else None) or QueryDict()


@register.filter
def filled(slot: Any) -> bool:
    """Whether a slot holds anything but blanks."""
    return bool(str(slot or "").strip())


@register.filter
def initials(name: object) -> str:
    """Two letters for a glyph: "EchoWebSocket" is EW, "Ada Lovelace" is AL, "bob" is BO."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|\w+", str(name))
    letters = "".join(word[0] for word in words[:2]) if len(words) > 1 else str(name)[:2]
    return letters.upper()


@register.filter
def either(names: Iterable[str]) -> SafeString:
    """People of whom each can help: "Ada or Bob", in markup; where nobody is known, whoever runs the server."""
    known = format_html_join(format_html(" {} ", gettext("or")), "<bdi>{}</bdi>", ((name,) for name in names))
    return known or mark_safe(gettext("Whoever runs this server"))  # noqa: S308 out of a catalogue


@register.filter
def hue(name: object) -> int:
    """Which of the glyph's hues a name has; the same name has the same hue everywhere."""
    return crc32(str(name).casefold().encode()) % HUES


@register.filter
def spaced(number: Any) -> str:
    """A whole number with thin spaces between thousands: 1 204 881."""
    return text.spaced(int(number)) if str(number).lstrip("-").isdigit() else str(number)


@register.filter
def minutes(milliseconds: int) -> int:
    """Whole minutes of so many milliseconds."""
    return milliseconds // 60_000


@register.filter
def told(value: object) -> str:
    """A value of the audit log as a person says it: "creator, subscriber", "none", "yes"."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list | tuple):
        return ", ".join(map(told, value)) or gettext("none")
    return str(value) if value not in (None, "") else gettext("none")


@register.filter
def rate(number: float) -> str:
    """So many a second, in as many digits as say something: 0, 0.4, 7.3, 1 204."""
    if not number:
        return "0"
    return number_format(round(number, 1), 1) if number < FRACTIONS_BELOW else spaced(round(number))


@register.filter
def at(known: Mapping[str, object], key: object) -> object:
    """The figure or the moment for `key`, among what is known by text: 0 where there is none."""
    return known.get(str(key), 0)


@register.filter
def ending(connections: int) -> str:
    """What becomes of so many open connections: "2 live connections are closed."."""
    if not connections:
        return gettext("No connection is open now.")
    said = ngettext("%(number)s live connection is closed.", "%(number)s live connections are closed.", connections)
    return said % {"number": spaced(connections)}


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago a moment was, or how far ahead it is: "2 hours ago", "in 3 days", "just now"."""
    if moment is None:
        return gettext("never")
    return durations.from_now((moment - timezone.now()).total_seconds()) or gettext("just now")


@register.filter
def expiry(moment: datetime, how: str = "words") -> str:
    """When something expires: "in 3 days", then "expired 2 hours ago"; in a "sentence", "expires in 3 days"."""
    left = (moment - timezone.now()).total_seconds()
    if left <= 0:
        return gettext("expired %(ago)s") % {"ago": ago(moment)}
    words = durations.from_now(left) or gettext("in less than a minute")
    return gettext("expires %(ahead)s") % {"ahead": words} if how == "sentence" else words


@register.filter(expects_localtime=True)
def moment(at: datetime | None, expires: str = "") -> SafeString:
    """A moment as an element that the page keeps true. `<c-time>` draws it; a sentence that holds one takes it as a
    value."""
    if at is None:
        return format_html('<span class="faint">{}</span>', ago(at))
    words = expiry(at, expires) if expires else ago(at)
    given = format_html(' data-expires="{}"', expires) if expires else ""
    # Translators: how an exact moment is written, in the letters of Django's filter `date`
    exact = date(at, pgettext("date", "j F Y, H:i:s T"))
    return format_html('<time datetime="{}" title="{}" data-relative{}>{}</time>', at.isoformat(), exact, given, words)


@register.filter
def state_badge(state: Any) -> dict[str, str]:
    """The kind of badge that an API's state wears, and the word on it; takes the enum or its value."""
    word = str(getattr(state, "value", state))
    return {"kind": STATE_KINDS.get(word, "grey"), "label": gettext(STATE_WORDS.get(word, word.capitalize()))}


@register.filter
def message_icon(kind: str) -> str:
    """The icon of a message by its level."""
    return MESSAGE_ICONS.get(kind, "info")


@register.filter
def scheme(address: object) -> str:
    """The scheme of an address, in capitals: WS or WSS."""
    return str(address).partition("://")[0].upper()


@register.filter
def isolated(name: object) -> str:
    """A name in a sentence of an attribute, fenced off where it reads from right to left; in markup `<bdi>` does it."""
    words = str(name)
    return f"\N{FIRST STRONG ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}" if text.reads_backwards(words) else words


@register.filter
def breakable(text: object) -> SafeString:
    """An address, path or pointer that begins a new line after its separators rather than within a word."""
    return mark_safe(re.sub(r"(?<=[:/._])(?=.)", "<wbr>", escape(str(text))))  # noqa: S308 escaped


@register.filter
def in_two(text: object) -> tuple[str, str]:
    """A long address or token as its beginning, which gives way on a narrow screen, and its end, which stays."""
    whole = str(text)
    cut = len(whole) - SHOWN_END if len(whole) > 2 * SHOWN_END else 0
    return whole[:cut], whole[cut:]


@register.filter
def short(address: object) -> SafeString:
    """What `<c-short>` draws of an address, for a sentence that holds one."""
    return format_html(
        '<code class="short" dir="ltr" title="{0}"><span class="short-start">{1}</span>{2}</code>',
        address,
        *in_two(address),
    )


@register.filter
def share(value: Any, whole: Any) -> int:
    """What part of `whole` the value is, in whole per cent between 0 and 100."""
    return max(0, min(100, int(100 * float(value) / float(whole)))) if float(whole or 0) else 0


@register.simple_tag(takes_context=True)
def sorting(context: Context, name: str) -> dict[str, str]:
    """How a list is sorted by this column now, in the words of `aria-sort`, and the link that sorts by it.

    The link turns the direction where the list is sorted by the column already, and keeps the rest of the query.
    """
    query = context["request"].GET.copy()
    direction = {name: "ascending", f"-{name}": "descending"}.get(query.get("sort", ""), "")
    query["sort"] = f"-{name}" if direction == "ascending" else name
    query.pop("page", None)
    return {"direction": direction, "link": f"?{query.urlencode()}"}


@register.filter
def page_numbers(page: Page[Any]) -> list[int | None]:
    """The page numbers to link: both ends and those around the page; None stands for a gap."""
    near = range(max(1, page.number - 1), min(page.paginator.num_pages, page.number + 1) + 1)
    numbers = sorted({1, *near, page.paginator.num_pages})
    gaps: list[int | None] = []
    for before, number in zip([0, *numbers], numbers, strict=False):
        gaps += [None, number] if number > before + 1 else [number]
    return gaps
