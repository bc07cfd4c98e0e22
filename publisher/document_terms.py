"""What a document of an API may be: its kinds, who reads it, and which files are taken. Pure."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from io import BytesIO
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from core.text import byte_size
from core.translating import gettext_noop as _
from core.values import BadValue, clean_choice, clean_line, within
from publisher.uris import ascii_url

NAME_LENGTH, SUMMARY_LENGTH, URL_LENGTH, FILE_NAME_LENGTH = 60, 1000, 2000, 120
TEXT_LENGTH: Final = 100_000
FILE_BYTES: Final = 5 * 1024 * 1024
MOST_DOCUMENTS: Final = 100
MOST_FILE_BYTES: Final = 50 * 1024 * 1024
"""What all files of one API hold together."""


class DocumentType(StrEnum):
    """What a document is for, by WSO2's names."""

    HOWTO = "HOWTO"
    SAMPLES = "SAMPLES"
    API_MESSAGE_FORMAT = "API_MESSAGE_FORMAT"
    PUBLIC_FORUM = "PUBLIC_FORUM"
    SUPPORT_FORUM = "SUPPORT_FORUM"
    OTHER = "OTHER"


class Source(StrEnum):
    """Where a document's content is: a text written here (WSO2 has two words for it), a file, or elsewhere."""

    MARKDOWN = "MARKDOWN"
    INLINE = "INLINE"
    FILE = "FILE"
    URL = "URL"


class DocumentVisibility(StrEnum):
    """Who reads a document."""

    API_LEVEL = "API_LEVEL"
    PRIVATE = "PRIVATE"
    OWNER_ONLY = "OWNER_ONLY"


TYPE_LABELS: Final = {
    DocumentType.HOWTO: _("How-to"),
    DocumentType.SAMPLES: _("Samples and SDK"),
    DocumentType.API_MESSAGE_FORMAT: _("Message format"),
    DocumentType.PUBLIC_FORUM: _("Public forum"),
    DocumentType.SUPPORT_FORUM: _("Support forum"),
    DocumentType.OTHER: _("Other"),
}
SOURCE_LABELS: Final = {Source.MARKDOWN: "Markdown", Source.FILE: "File", Source.URL: "Link"}
VISIBILITY_LABELS: Final = {
    DocumentVisibility.API_LEVEL: "Everybody who sees the API",
    DocumentVisibility.PRIVATE: "People who are signed in",
    DocumentVisibility.OWNER_ONLY: "Only the Publisher",
}
TEXTS: Final = frozenset({Source.MARKDOWN, Source.INLINE})


class Upload(NamedTuple):
    """A file as it was sent."""

    name: str
    body: bytes


class Kind(NamedTuple):
    """A kind of file: what its content begins with, what it is served as, and the endings its name may have."""

    media_type: str
    endings: tuple[str, ...]
    begins: tuple[bytes, ...] = ()


# Nothing that a browser runs or draws as a page of ours: no HTML, no SVG, no XML as such.
KINDS: Final = (
    Kind("application/pdf", ("pdf",), (b"%PDF-",)),
    Kind("image/png", ("png",), (b"\x89PNG\r\n\x1a\n",)),
    Kind("image/jpeg", ("jpg", "jpeg"), (b"\xff\xd8\xff",)),
    Kind("image/gif", ("gif",), (b"GIF87a", b"GIF89a")),
    Kind("application/gzip", ("gz", "tgz"), (b"\x1f\x8b\x08",)),
    Kind("application/zip", ("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"), (b"PK\x03\x04",)),
    Kind("text/plain; charset=utf-8", ("txt", "md", "csv", "json", "yaml", "yml", "log", "proto", "py", "js", "ts")),
)


def clean_url(value: Any) -> str:
    """The address of a document that is elsewhere, in ASCII. Raises BadValue."""
    url = str(value or "").strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        found = ascii_url(url)
    except ValueError:
        is_web, found = False, ""
    if not is_web or not url.isprintable() or " " in url or "@" in parts.netloc:
        raise BadValue("Give a whole web address without a name or password in it, such as https://example.com/guide.")
    return within(found, URL_LENGTH, "An address")


def kind_of(name: str, body: bytes) -> Kind:
    """The kind of a file by its content, which its ending must agree with. Raises BadValue for what is not taken."""
    if not body:
        raise BadValue("The file is empty. Choose another.")
    if len(body) > FILE_BYTES:
        raise BadValue(f"A file has at most {byte_size(FILE_BYTES)}; this one has {byte_size(len(body))}.")
    kind = next((each for each in KINDS if each.begins and body.startswith(each.begins)), KINDS[-1])
    ending = name.rpartition(".")[2].lower()
    if ending not in kind.endings or not _is_whole(kind, body):
        taken = ", ".join(ending for each in KINDS for ending in each.endings)
        raise BadValue(f"What {name[:40]} holds does not fit its ending, or is not taken here. Possible: {taken}.")
    return kind


def clean_file_name(value: Any) -> str:
    """The last part of a file's name, without what does not print; raises BadValue."""
    name = str(value or "").replace("\\", "/").rpartition("/")[2].strip()
    name = "".join(each for each in name if each.isprintable())
    if not name.strip("."):
        raise BadValue("Give the file a name.")
    return within(name, FILE_NAME_LENGTH, "A file's name")


CLEANERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": partial(clean_line, most=NAME_LENGTH, what="A document's name", missing="Give the document a name."),
    "type": partial(clean_choice, words=[*DocumentType], sentence=f"Choose a type: {', '.join(DocumentType)}."),
    "other_type": partial(clean_line, most=NAME_LENGTH, what="The name of the type"),
    "summary": lambda value: _text(value, SUMMARY_LENGTH, "A summary"),
    "source": partial(clean_choice, words=[*Source], sentence=f"Choose a source: {', '.join(Source)}."),
    "content": lambda value: _text(value, TEXT_LENGTH, "The text of a document"),
    "url": clean_url,
    "visibility": partial(
        clean_choice, words=[*DocumentVisibility], sentence=f"Choose a visibility: {', '.join(DocumentVisibility)}."
    ),
}


def missing(document: Mapping[str, Any]) -> dict[str, str]:
    """What a document as a whole lacks, by field, in words."""
    lacking = {}
    if document["type"] == DocumentType.OTHER and not document["other_type"]:
        lacking["other_type"] = "Say what type of document it is."
    if document["source"] == Source.URL and not document["url"]:
        lacking["url"] = "Give the address of the document, such as https://example.com/guide."
    return lacking


def _text(value: Any, most: int, what: str) -> str:
    text = str(value or "").replace("\r\n", "\n")
    if "\0" in text:
        raise BadValue(f"{what} cannot contain the character NUL.")
    return within(text, most, what)


def _is_whole(kind: Kind, body: bytes) -> bool:
    """Whether a text is one in UTF-8, and an archive's list of contents can be read; it is not unpacked."""
    if kind.media_type == "application/zip":
        return zipfile.is_zipfile(BytesIO(body))
    if kind.begins:
        return True
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each in "\n\r\t\f" or ord(each) > 0x9F for each in text)
