"""What the Publisher itself adds to an export beside the design: categories, picture, scopes, documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from accounts.models import User
from core.errors import Invalid
from core.text import fold
from core.values import BadValue, clean, invalid
from publisher import document_terms, documentation, exchange, queries, scope_terms, scoping, thumbnails
from publisher.document_terms import Upload
from publisher.exchange import Section
from publisher.models import Api, Thumbnail
from publisher.operations.designs import update_api
from publisher.operations.documents import create_document, delete_document, move_document, update_document
from publisher.operations.scopes import ScopeInUse, create_scope, delete_scope, update_scope
from publisher.operations.thumbnails import set_thumbnail


def register() -> None:
    """Add them; called once, when the room is ready."""
    for section in (
        Section(
            "categories",
            of=lambda api: sorted(api.categories.values_list("name", flat=True)) or None,
            check=_check_categories,
            restore=lambda *, api, content, actor, now: update_api(
                api=api, changes={"categories": queries.categories_named(content)}, actor=actor, now=now
            ),
        ),
        Section(
            "thumbnail",
            of=lambda api: next((bytes(row.image) for row in Thumbnail.objects.filter(api=api)), None),
            check=_check_thumbnail,
            restore=set_thumbnail,
        ),
        Section(
            "scopes",
            of=lambda api: list(scoping.scopes_of(api).values(*scope_terms.CLEANERS)) or None,
            check=lambda content: _check_list(content, "Scopes", scope_terms.MOST_OF_AN_API, scope_terms.CLEANERS),
            restore=_restore_scopes,
            refuse=_refuse_scopes,
        ),
        Section("documents", of=_documents_of, check=_check_documents, restore=_restore_documents),
    ):
        exchange.register(section)


def _check_categories(content: Any) -> None:
    if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
        raise invalid(file="Categories are a list of names.")
    queries.categories_named(content)


def _check_thumbnail(content: Any) -> None:
    try:
        thumbnails.clean_thumbnail(content if isinstance(content, bytes) else b"")
    except BadValue as error:
        raise invalid(file=str(error)) from None


def _refuse_scopes(content: Any, context: str) -> None:
    for name in (fields["name"] for fields in content):
        if other := scoping.holder_of(name, besides=context):
            whose = f"{other.api} has" if other.api else "all APIs share"
            raise invalid(
                file=f"The file describes a scope {name}, and {whose} one of this name here. Give it another name in "
                "the file, where topics name it too, or take its description out of the file."
            )


def _restore_scopes(*, api: Api, content: Any, actor: User, now: datetime) -> None:
    present = {each.name: each for each in scoping.scopes_of(api)}
    for fields in content:
        if scope := present.pop(fields["name"], None):
            update_scope(scope=scope, changes=fields, actor=actor, now=now)
        else:
            create_scope(api=api, fields=fields, actor=actor, now=now)
    for scope in present.values():
        with suppress(ScopeInUse):  # what is deployed still asks for it: without it everybody would get in
            delete_scope(scope=scope, actor=actor, now=now)


def _documents_of(api: Api) -> list[dict[str, Any]] | None:
    return [
        {name: getattr(each, name) for name in document_terms.CLEANERS}
        | ({"file": {"name": each.file.name, "body": bytes(each.file.body)}} if hasattr(each, "file") else {})
        for each in documentation.documents_of(api).select_related("file").defer(None)
    ] or None


def _check_documents(content: Any) -> None:
    _check_list(
        content, "Documents", document_terms.MOST_DOCUMENTS, document_terms.CLEANERS, beside=frozenset({"file"})
    )
    for fields in content:
        if "file" not in fields:
            continue
        file = fields["file"]
        if not isinstance(file, Mapping) or not isinstance(file.get("body"), bytes):
            raise invalid(file=f"The file of the document {fields['name']} is missing in the archive.")
        try:
            document_terms.kind_of(document_terms.clean_file_name(file.get("name")), file["body"])
        except BadValue as error:
            raise invalid(file=str(error)) from None


def _restore_documents(*, api: Api, content: Any, actor: User, now: datetime) -> None:
    present = {each.name_key: each for each in documentation.documents_of(api)}
    for place, given in enumerate(content):
        fields = {name: value for name, value in given.items() if name != "file"}
        upload = Upload(given["file"]["name"], given["file"]["body"]) if "file" in given else None
        if document := present.pop(fold(document_terms.CLEANERS["name"](fields["name"])), None):
            document = update_document(document=document, changes=fields, upload=upload, actor=actor, now=now)
        else:
            document = create_document(api=api, fields=fields, upload=upload, actor=actor, now=now)
        listed = [each.pk for each in documentation.documents_of(api)]
        move_document(document=document, by=place - listed.index(document.pk), actor=actor, now=now)
    for document in present.values():
        delete_document(document=document, actor=actor, now=now)


Cleaners = Mapping[str, Callable[[Any], Any]]


def _check_list(content: Any, what: str, most: int, cleaners: Cleaners, beside: frozenset[str] = frozenset()) -> None:
    """Raise Invalid unless it is a list of things whose members the cleaners take, each name once."""
    if not isinstance(content, list) or len(content) > most or not all(isinstance(each, Mapping) for each in content):
        raise invalid(file=f"{what} are a list of at most {most} objects.")
    names = []
    for each in content:
        if unknown := sorted(set(map(str, each)) - cleaners.keys() - beside):
            raise invalid(file=f"{what} have no member {unknown[0][:40]}.")
        try:
            fields = {"name": "", **{name: value for name, value in each.items() if name not in beside}}
            names.append(fold(clean(fields, cleaners)["name"]))
        except Invalid as error:
            raise invalid(file=f"{what}: {next(iter(error.fields.values()))}") from None
    if len(set(names)) < len(names):
        raise invalid(file=f"{what} have a name each; one stands there twice.")
