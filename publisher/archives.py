"""An API as a file: one YAML, or a zip of it with what is no text in files beside it. Pure.

What a stranger sends is bounded before it is unpacked or read: bytes, entries, names, how much is unpacked and out of
how little; YAML has neither aliases nor tags of its own, and no key twice.
"""

from __future__ import annotations

import hashlib
import io
import math
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core.text import byte_size, count
from core.values import BadValue

DESCRIPTION = "api.yaml"
FORMAT, FORMAT_VERSION = "apim-api", 1
MOST_BYTES, MOST_UNPACKED, MOST_YAML = 10 << 20, 50 << 20, 5 << 20
MOST_VALUES = 50_000
MOST_ENTRIES, MOST_DEPTH, MOST_RATIO, HARMLESS = 500, 40, 100, 1 << 20
FILE = "$file"  # the one key of what stands for a file of the zip
_ENTRY_MARK = b"PK\x01\x02"  # of an entry in the directory of a zip


class BadArchive(BadValue):
    """What was sent is no export of an API, or more than is taken."""


def to_yaml(document: Mapping[str, Any]) -> bytes:
    """The document as one YAML, for people to read and keep under version control."""
    return yaml.dump(
        document, Dumper=_ArchiveDumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=100
    ).encode()


def to_zip(document: Mapping[str, Any], folder: str) -> bytes:
    """The same as a zip. The same document gives the same bytes."""
    files: dict[str, bytes] = {}
    described = _taken_out(document, files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((DESCRIPTION, to_yaml(described)), *sorted(files.items())):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def read(content: bytes) -> dict[str, Any]:
    """The document in a zip or a YAML. Raises BadArchive."""
    if len(content) > MOST_BYTES:
        raise BadArchive(f"This file has {byte_size(len(content))}; an API to import has at most 10 MiB.")
    if not content.startswith(b"PK"):
        return _checked(_parsed(content))
    files = dict(_unpacked(content))
    found = [name for name in files if name.rpartition("/")[2] == DESCRIPTION and name.count("/") <= 1]
    if len(found) != 1:
        raise BadArchive(f"A zip to import holds one {DESCRIPTION}, as an export does; this one holds {len(found)}.")
    folder = found[0].removesuffix(DESCRIPTION)
    inside = {name.removeprefix(folder): content for name, content in files.items()}
    return _checked(_put_in(_parsed(inside[DESCRIPTION]), inside))


def _unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.count(_ENTRY_MARK) > MOST_ENTRIES:
        raise BadArchive(f"This zip holds more than {count(MOST_ENTRIES, 'file')}.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _refuse_entries(entries)
            for entry in entries:
                yield entry.filename, archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive("This zip cannot be unpacked. Export the API again, or send the YAML.") from None


def _refuse_entries(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename.lower() for entry in entries]
    if len(set(names)) < len(names):
        raise BadArchive("This zip holds two files of one name. Pack each once.")
    for entry in entries:
        name, leads_out = entry.filename, {"", ".", ".."} & set(entry.filename.split("/"))
        if leads_out or not name.isprintable() or "\\" in name or ":" in name:
            raise BadArchive("A file in this zip has a name that leads out of it. Pack it without .. and full paths.")
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 1:
            raise BadArchive(f"{entry.filename[:80]} is a link or encrypted. Pack files as they are.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadArchive(f"{entry.filename[:80]} is packed in a way that is not read here. Pack it by deflating.")
        if entry.file_size > HARMLESS and entry.file_size > MOST_RATIO * entry.compress_size:
            raise BadArchive(f"{entry.filename[:80]} unpacks to more than {MOST_RATIO} times its size.")
    if (whole := sum(entry.file_size for entry in entries)) > MOST_UNPACKED:
        raise BadArchive(f"This zip unpacks to {byte_size(whole)}; an API to import has at most 50 MiB.")


def _parsed(content: bytes) -> Any:
    if len(content) > MOST_YAML:
        raise BadArchive(f"The description has {byte_size(len(content))}; at most 5 MiB are read.")
    try:
        text = content.decode("utf-8-sig")
        _refuse_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader with fewer types
    except UnicodeDecodeError:
        raise BadArchive("This is neither a zip nor text in UTF-8. Send what an export gave you.") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line, what = f" (line {where.line + 1})" if where else "", getattr(error, "problem", None)
        raise BadArchive(f"This YAML cannot be read{line}: {what or 'it breaks off'}.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive("A number or a text in this YAML cannot be read.") from None


def _refuse_events(text: str) -> None:
    """Raise BadArchive for aliases, which can stand for gigabytes, for what lies too deep, and for too many values."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if number > MOST_VALUES:
            raise BadArchive(f"This YAML holds more than {count(MOST_VALUES, 'value')}. An API has far fewer.")
        if isinstance(event, yaml.AliasEvent):
            raise BadArchive("This YAML uses an alias (*). Write out what it stands for.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise BadArchive(f"This YAML is nested more than {MOST_DEPTH} deep.")


def _checked(document: Any) -> dict[str, Any]:
    """A document of this format that holds plain values only."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadArchive(f"This is no export of an API: it does not begin with format: {FORMAT}.")
    if document.get("format_version") != FORMAT_VERSION:
        raise BadArchive(f"This export is of another version; format_version {FORMAT_VERSION} is read here.")
    if not isinstance(document.get("api"), dict):
        raise BadArchive("This export has no api in it.")
    _refuse_values(document)
    return document


def _refuse_values(value: Any) -> None:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise BadArchive("A name in this YAML is no text. Write it in quotes.")
        for each in value.values():
            _refuse_values(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_values(each)
    elif isinstance(value, str) and "\0" in value:
        raise BadArchive("A text in this file holds the character NUL, which no field can keep.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadArchive("A number in this file is infinite or none at all.")
    elif not isinstance(value, str | int | float | bytes | None):
        raise BadArchive("This file holds a value that is neither text nor a number, a list or a mapping.")


def _taken_out(value: Any, files: dict[str, bytes]) -> Any:
    if isinstance(value, Mapping):
        return {key: _taken_out(each, files) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_taken_out(each, files) for each in value]
    if not isinstance(value, bytes):
        return value
    name = f"files/{hashlib.sha256(value).hexdigest()}"
    files[name] = value
    return {FILE: name}


def _put_in(value: Any, files: Mapping[str, bytes]) -> Any:
    if isinstance(value, list):
        return [_put_in(each, files) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {FILE}:
        return {key: _put_in(each, files) for key, each in value.items()}
    if value[FILE] not in files:
        raise BadArchive(f"The description names {str(value[FILE])[:80]}, which is not in this zip.")
    return files[value[FILE]]


_OTHER_BREAKS = frozenset("\x85\u2028\u2029")


class _ArchiveDumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and everything out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _style_of(text: str) -> str | None:
    if _OTHER_BREAKS & set(text):  # YAML 1.1 folds them as it does line breaks, unless they are escaped
        return '"'
    return "|" if "\n" in text and text == text.strip(" ") else None


_ArchiveDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style_of(text))
)


class _Loader(yaml.CSafeLoader):
    """Reads plain values: a date is text, and a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            twice = Counter(keys).most_common(1)[0][0]
            raise BadArchive(f"{twice[:80]} stands twice in one place of this YAML.")
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
