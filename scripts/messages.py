"""Extract what is translated, and write the catalogues: `make messages`. docs/howto/translate.md says when and how.

Each room has a catalogue of its Python and its templates; core's also has the components, layouts and bare templates,
and another (`djangojs`) for the browser's scripts. What a translator wrote is kept: a sentence that is no longer in the
source becomes a comment at the end. Another `*.po` beside a catalogue is merged into it, and deleted.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import django
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf.locale import LANG_INFO
from django.utils.translation import templatize

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "accounts", "publisher", "devportal", "gateway")
TEMPLATES = {
    "core": ("*.html", "components/**/*.html", "layouts/*.html", "errors/*.html", "api/*.html"),
    "accounts": ("accounts/**/*.*",),
    "publisher": ("publisher/**/*.*",),
    "devportal": ("devportal/**/*.*", "oauth2_provider/*.html"),
    "gateway": ("gateway/**/*.*",),
}
SCRIPTS = "static/js/*.js"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "ngettext_noop"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
PASSING = re.compile(
    r'^"(POT?-[\w-]+-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid|Project-Id).*\n', re.MULTILINE
)
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)  # a catalogue says nothing of when: it changes with what it holds
HEADER = "# {language}: what `{room}` says. Written by `make messages`; the lines `msgstr` are yours."

Key = tuple[str | None, str]


def catalogues() -> Iterator[tuple[str, str, str, Path]]:
    """Room, domain, language and path of every catalogue that there should be."""
    from django.conf import settings

    for language, _name in settings.LANGUAGES:
        if language != settings.LANGUAGE_CODE:
            for room, domain in [*((room, "django") for room in ROOMS), ("core", "djangojs")]:
                folder = ROOT / room / "locale" / django.utils.translation.to_locale(language) / "LC_MESSAGES"
                yield room, domain, language, folder / f"{domain}.po"


def extracted(room: str, domain: str) -> Catalog:
    """What the source of a room says, in the order of its files."""
    found = Catalog()
    sources = [*ROOT.glob(SCRIPTS)]
    if domain == "django":
        code = (path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)
        templates = (path for pattern in TEMPLATES[room] for path in (ROOT / "templates").glob(pattern))
        sources = [path for path in (*code, *templates) if path.is_file()]
    for path in sorted(sources):
        place = str(path.relative_to(ROOT))
        if path.suffix == ".py":
            method, text = "python", path.read_text()
        elif path.suffix == ".js":
            method, text = "javascript", path.read_text()
        else:
            # Calls of gettext for what a template translates, each on the line where it stands.
            calls = templatize(path.read_text(), origin=place).splitlines()
            method, text = "python", "\n".join(line.strip().removeprefix("XX ") for line in calls)
        for line, said, comments, context in extract(method, io.BytesIO(text.encode()), KEYWORDS, ["Translators:"]):
            found.add(said, locations=[(place, line)], auto_comments=comments, context=context)
    return found


def updated(path: Path, found: Catalog, language: str, room: str) -> Catalog:
    """The catalogue at a path, and what lies beside it, with exactly the sentences that were found."""
    known: dict[Key, tuple[str | tuple[str, ...], set[str]]] = {}
    for each in [path, *others(path)]:
        if each.exists():
            before = read(each)
            known |= {
                _key(message): (message.string, set(message.flags))
                for message in [*before, *before.obsolete.values()]
                if message.id and any([message.string] if isinstance(message.string, str) else message.string)
            }
    catalogue = Catalog(
        locale=language.replace("-", "_"),
        header_comment=HEADER.format(language=LANG_INFO[language]["name"], room=room),
        creation_date=WRITTEN,
        revision_date=WRITTEN,
        fuzzy=False,
    )
    for message in found:
        if message.id:
            key = _key(message)
            said, flags = known.pop(key, (message.string, set()))
            plural = isinstance(message.id, tuple | list)
            if plural != isinstance(said, tuple):
                said = message.string
            catalogue.add(
                message.id,
                said,
                message.locations,
                flags=flags & {"fuzzy"},
                auto_comments=message.auto_comments,
                context=message.context,
            )
    if "--drop" not in sys.argv:
        for (context, identity), (said, _flags) in known.items():
            ids = (identity, identity) if isinstance(said, tuple) else identity
            gone = Catalog(locale=catalogue.locale).add(ids, said, context=context)
            catalogue.obsolete[identity if context is None else (identity, context)] = gone
    return catalogue


def others(path: Path) -> list[Path]:
    """Files of translations beside a catalogue, that are none themselves."""
    if path.stem != "django":
        return []
    return sorted(other for other in path.parent.glob("*.po") if other.stem not in ("django", "djangojs"))


def read(path: Path) -> Catalog:
    """A catalogue as it lies there."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


def _key(message: object) -> Key:
    identity = message.id
    return message.context, identity if isinstance(identity, str) else identity[0]


def po(catalogue: Catalog) -> str:
    """The text of a catalogue, without what would change each time."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False, sort_by_file=False)
    return PASSING.sub("", file.getvalue().decode())


def mo(catalogue: Catalog) -> bytes:
    """What the product reads. A sentence without translation, or with one that is in doubt, is not in it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def script(catalogue: Catalog, language: str) -> str:
    """What the browser's scripts import: a sentence by its English, or its forms where it is counted."""
    said = {message.id if isinstance(message.id, str) else message.id[0]: message.string for message in catalogue}
    whole = {english: words for english, words in said.items() if english and any(words)}
    about = f"// {LANG_INFO[language]['name']}: what the browser's scripts say. Written by `make messages`.\n"
    return f"{about}export default {json.dumps(whole, ensure_ascii=False, indent=2)};\n"


def script_path(language: str) -> Path:
    """Where `words.js` looks for it: by the `lang` of a page."""
    return ROOT / "static" / "js" / "words" / f"{django.utils.translation.to_locale(language).replace('_', '-')}.js"


def main() -> None:
    """Bring every catalogue up to the source."""
    sources: dict[tuple[str, str], Catalog] = {}
    for room, domain, language, path in catalogues():
        if (room, domain) not in sources:
            sources[room, domain] = extracted(room, domain)
        catalogue = updated(path, sources[room, domain], language, room)
        merged = others(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(po(catalogue))
        path.with_suffix(".mo").write_bytes(mo(catalogue))
        if domain == "djangojs":
            script_path(language).parent.mkdir(exist_ok=True)
            script_path(language).write_text(script(catalogue, language))
        for other in merged:
            other.unlink()
        missing = sum(message.id != "" and not any(message.string or "") for message in catalogue)
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} sentences, {missing} missing")  # noqa: T201


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
if __name__ == "__main__":
    django.setup()
    main()
