"""Files that hold an API: the same both ways, and bounded before they cost anything."""

from __future__ import annotations

import io
import stat
import zipfile
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher import archives
from publisher.archives import BadArchive

DOCUMENT: dict[str, Any] = {
    "format": "apim-api",
    "format_version": 1,
    "api": {
        "name": "Échø",
        "description": "Erste\nZeile: # ' \" 你好 \U0001f600\n",
        "retries": 0.5,
        "on": True,
        "no": None,
    },
    "documents": [{"name": "a", "content": b"\x00\xff\x89PNG"}, {"name": "2026-01-01", "content": b""}],
}
HEAD = "format: apim-api\nformat_version: 1\n"


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], pack: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", pack) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_document_survives_both_forms() -> None:
    assert archives.read(archives.to_yaml(DOCUMENT)) == DOCUMENT
    packed = archives.to_zip(DOCUMENT, "Échø-1.0")
    assert archives.read(packed) == DOCUMENT
    assert archives.to_zip(DOCUMENT, "Échø-1.0") == packed


def test_a_zip_may_be_packed_anew_with_or_without_its_folder() -> None:
    assert archives.read(zipped(("api.yaml", archives.to_yaml(DOCUMENT))))["api"] == DOCUMENT["api"]
    assert archives.read(zipped(("x/api.yaml", archives.to_yaml(DOCUMENT)), ("x/README", b"hi")))["api"]


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


GOOD = ("api.yaml", f"{HEAD}api: {{}}".encode())
BAD_ZIPS = {
    "holds 0": zipped(("other.yaml", b"x")),
    "holds 2": zipped(("a/api.yaml", b"x"), ("b/api.yaml", b"x")),
    "leads out of it": zipped(GOOD, ("../../etc/passwd", b"x")),
    "leads out of it ": zipped(GOOD, ("/etc/passwd", b"x")),
    "leads out of it  ": zipped(GOOD, ("a\\b", b"x")),
    "leads out of it   ": zipped(GOOD, ("C:/x", b"x")),
    "two files of one name": zipped(GOOD, ("API.yaml", b"x")),
    "is a link": zipped(GOOD, (link("x"), b"/etc/passwd")),
    "more than 500 files": zipped(GOOD, *((f"f{n}", b"") for n in range(501))),
    "100 times": zipped(GOOD, ("bomb", b"\0" * (2 << 20))),
    "cannot be unpacked": zipped(GOOD)[:-30],
    "packed in a way": zipped(GOOD, ("x", b"x" * 99), pack=zipfile.ZIP_BZIP2),
    "is not in this zip": zipped(("api.yaml", f"{HEAD}api: {{a: {{$file: files/x}}}}".encode())),
}


@pytest.mark.parametrize("sentence", BAD_ZIPS)
def test_a_zip_that_is_none_of_ours_is_refused_with_a_sentence(sentence: str) -> None:
    with pytest.raises(BadArchive, match=sentence.strip()):
        archives.read(BAD_ZIPS[sentence])


def test_a_zip_may_not_unpack_to_more_than_is_taken() -> None:
    once = bytes(range(256)) * 64  # which packs to a hundredth, not less
    content = zipped(GOOD, *((f"f{n}", once * 60) for n in range(60)))
    assert len(content) < archives.MOST_BYTES
    with pytest.raises(BadArchive, match=r"unpacks to|times its size"):
        archives.read(content)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "does not begin"),
        ("- 1", "does not begin"),
        ("format: other", "does not begin"),
        ("format: apim-api\nformat_version: 2", "another version"),
        (HEAD, "no api in it"),
        (f"{HEAD}api: [", r"cannot be read \(line \d+\)"),
        (f"{HEAD}api: &a {{}}\nx: *a", "uses an alias"),
        (f"{HEAD}api: {'[' * 60}{']' * 60}", "nested more than"),
        (f"{HEAD}api: {{a: 1, a: 2}}", "a stands twice"),
        (f"{HEAD}api: {{1: 2}}", "is no text"),
        (f"{HEAD}api: {{? [a] : 2}}", "cannot be read"),
        (f"{HEAD}api: {{a: .inf}}", "infinite"),
        (f"{HEAD}api: {{a: [{'a,' * 50_000}]}}", "holds more than"),
        (f"{HEAD}api: {{a: {'1' * 5000}}}", "cannot be read"),
        (f'{HEAD}api: {{a: "\\0"}}', "NUL"),
        (f"{HEAD}api: {{a: !!python/object/apply:os.system [ls]}}", "cannot be read"),
        (f"{HEAD}api: {{a: !!set {{b}}}}", "neither text nor a number"),
    ],
)
def test_a_yaml_that_is_none_of_ours_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadArchive, match=sentence):
        archives.read(text.encode())


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04", b"x" * (archives.MOST_BYTES + 1)])
def test_what_is_no_text_no_zip_or_too_much_is_refused(content: bytes) -> None:
    with pytest.raises(BadArchive):
        archives.read(content)


def test_a_date_is_text_as_it_was_written() -> None:
    assert archives.read(f"{HEAD}api: {{version: 2026-01-01}}".encode())["api"] == {"version": "2026-01-01"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example("\x85")
@example("one\ntwo\u2028three")
def test_any_text_survives(text: str) -> None:
    document = {"format": "apim-api", "format_version": 1, "api": {"description": text, "tags": [text]}}
    assert archives.read(archives.to_yaml(document)) == document
