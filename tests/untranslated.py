"""What a page says that no catalogue can change, found by a language in which every translated sentence is ⟦bracketed⟧.

What people wrote stays as it is, and so does code: `<code>`, `<pre>`, `<bdi>` and `translate="no"` hold no sentences.
What has a `lang` of its own is of another language, as what a deployment has noted down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.utils import formats, translation

OPEN, CLOSED, POINT = "⟦", "⟧", "٫"
LANGUAGE = "de"
NAMES = (
    *(
        "API Manager",
        "Developer Portal",
        "Publisher",
        "API",
        "APIs",
        "WebSocket",
        "OAuth 2",
        "OAuth",
        "OpenID",
        "Python",
    ),
    *("Deutsch", "English", "UTC", "JSON", "YAML", "AsyncAPI", "JavaScript", "Java", "Node.js", "Go", "curl", "wscat"),
    *("websockets", "websocat", "JSON Schema", "CSV", "2.6", "3.0", "ms", "kB", "MB", "GB", "KiB", "MiB", "GiB"),
    *("HTTP", "ID", "URL", "WSS", "WS", "TLS", "nothing-like-it"),
)
WRITTEN_FOR_MACHINES = re.compile(
    r"""\w+://\S+ | \S+@\S+\.\w+ | /[\w{}.*-]+(/[\w{}.*-]*)* | [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
    | [\w.-]+\.(test|example|org|com|local\w*)\b | localhost(:\d+)? | \b\w*(_\w+)+\b | \b[0-9a-f]{8,}\b""",
    re.VERBOSE,
)
WORD = re.compile(r"[^\W\d_]{2,}")
POINTED = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
SILENT = frozenset({"script", "style", "code", "pre", "bdi", "svg", "textarea", "kbd", "samp"})
WRITTEN = frozenset({"avatar", "glyph", "prose"})
EMPTY = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "source", "wbr", "col"})
SPOKEN = frozenset({"title", "aria-label", "aria-description", "placeholder", "alt", "label", "summary"})
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


@contextmanager
def bracketed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While this lasts, German is English in brackets, with a sign of its own between whole numbers and fractions."""
    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        getattr(translation._trans, name)  # Django binds it at its first use
        monkeypatch.setattr(translation._trans, name, _bracketing(getattr(translation._trans, name)))
    formats.get_format("DECIMAL_SEPARATOR", LANGUAGE)
    monkeypatch.setitem(formats._format_cache, ("DECIMAL_SEPARATOR", LANGUAGE), POINT)
    yield
    monkeypatch.undo()


def _bracketing(ask: Callable[..., str]) -> Callable[..., str]:
    def answer(*asked: Any) -> str:
        said = ask(*asked)
        return f"{OPEN}{said}{CLOSED}" if said and translation.get_language() == LANGUAGE else said

    return answer


def peoples_words() -> list[str]:
    """Everything that stands in a column or a document of the database, but for the words that a column may hold."""
    found: set[str] = set()
    for model in apps.get_models():
        if model._meta.label in ("core.AuditEntry", "accounts.OutgoingMail"):
            continue
        for field in model._meta.local_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices:
                for value in model._default_manager.values_list(field.name, flat=True).distinct():
                    found |= set(_leaves(value))
    found |= {name for text in found for name in re.findall(r"{(\w+)}", text)}
    lines = {line.strip(" #*-") for text in found for line in text.splitlines()}
    return sorted((line for line in lines if len(line) > 1), key=len, reverse=True)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, held in value.items():
            yield str(key)
            yield from _leaves(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _leaves(held)


class Reader(HTMLParser):
    """Collects what stands outside brackets: words, numbers with a point, and fractions that no machine can read."""

    def __init__(self, known: re.Pattern[str]) -> None:
        super().__init__()
        self.known = known
        self.path: list[tuple[str, bool]] = []
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        is_written = WRITTEN & {*given.get("class", "").split()}  # two letters of a name, or Markdown
        silent = tag in SILENT or given.get("translate") == "no" or bool(is_written)
        silent = silent or given.get("lang", LANGUAGE) != LANGUAGE
        silent = silent or (bool(self.path) and self.path[-1][1])
        if tag not in EMPTY:
            self.path.append((tag, silent))
        for name, value in given.items():
            self._attribute(tag, name, value, given)

    def _attribute(self, tag: str, name: str, value: str, given: dict[str, str]) -> None:
        says = name in SPOKEN or (name == "value" and given.get("type") in ("submit", "button", "reset"))
        if says or (name.startswith("data-") and (OPEN in value or SENTENCE.search(value))):
            outside = re.sub(f"{OPEN}.*{CLOSED}", " ", value, flags=re.DOTALL)
            self._check(outside, f"{tag} {name}=")
        elif POINT in value and OPEN not in value:
            self.found.append(f"{tag} {name}={value!r} is read by a machine: unlocalize it")

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _ in self.path):
            if self.path.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        outside = []
        for sign in data:
            if sign == OPEN:
                self.depth += 1
                outside.append(" ")
            elif sign == CLOSED:
                self.depth -= 1
            elif not self.depth:
                outside.append(sign)
        if not (self.path and self.path[-1][1]):
            self._check("".join(outside), "")

    def _check(self, text: str, where: str) -> None:
        left = _own_words(text, self.known) if WORD.search(text) or POINTED.search(text) else ""
        if WORD.search(left):
            self.found.append(f"{where}{' '.join(text.split())}")
        elif POINTED.search(left):
            self.found.append(f"{where}{' '.join(text.split())} (a number with a point)")


@lru_cache(10_000)
def _own_words(text: str, known: re.Pattern[str]) -> str:
    return WRITTEN_FOR_MACHINES.sub(" ", known.sub(" ", text))


def untranslated(html: str, known: re.Pattern[str]) -> list[str]:
    """What a bracketed page says in English only; `known` matches what people wrote."""
    reader = Reader(known)
    reader.feed(html)
    reader.close()
    if reader.depth:
        reader.found.append(f"{OPEN} without {CLOSED}: a sentence is cut, or glued")
    return list(dict.fromkeys(reader.found))


def words_of_people() -> re.Pattern[str]:
    """What stays as it is on a page: names of ours and of others, and what people wrote."""
    phrases = [re.escape(each) for each in [*peoples_words(), *sorted(NAMES, key=len, reverse=True)]]
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
