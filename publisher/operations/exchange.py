"""Export and import: an API as a document, and a document as an API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from core import upkeep
from core.audit import record_change
from core.errors import Invalid
from core.values import BadValue, invalid
from publisher import archives, comparison, design, exchange, permissions, queries, secret_options
from publisher.endpoint import HIDDEN
from publisher.exchange import Imported
from publisher.models import Api, ImportDraft, Plan
from publisher.operations.common import lock
from publisher.operations.designs import create_api, create_version, update_api

KEPT_FOR, KEPT_EACH = timedelta(days=1), 5
NAMES = ("name", "version")
TEXTS = ("name", "version", "context")


def document_of(api: Api) -> dict[str, Any]:
    """Everything that the API is, without secrets: `missing` names those that have to be given again."""
    parts = {name: getattr(api, name) for name in NAMES} | queries.design_of(api, design.PARTS)
    parts["endpoint_options"] = secret_options.hidden(parts["endpoint_options"])
    hidden = _hidden(parts)
    held = {each.name: content for each in exchange.sections() if (content := each.of(api)) is not None}
    return {
        "format": archives.FORMAT,
        "format_version": archives.FORMAT_VERSION,
        "api": hidden,
        "plans": sorted(plan.name for plan in queries.plans_of(api)),
        **({"missing": missing} if (missing := _paths(hidden)) else {}),
        **held,
    }


def read_document(content: bytes) -> Imported:
    """What was uploaded, each part clean as far as it can be told without the database. Raises Invalid (file)."""
    try:
        document = archives.read(content)
    except BadValue as error:
        raise invalid(file=str(error)) from None
    api, plans = document["api"], document.get("plans", [])
    wrong = {name: f"Write {name} in quotes." for name in TEXTS if not isinstance(api.get(name), str)}
    if not isinstance(plans, list) or not all(isinstance(each, str) for each in plans):
        wrong["plans"] = "Plans are a list of names."
    known = {each.name: each for each in exchange.sections()}
    held = {name: value for name, value in document.items() if name not in _FRAME}
    if unknown := ", ".join(sorted({*api} - {*NAMES, *design.PARTS} | held.keys() - known.keys())):
        wrong["unknown"] = f"This installation does not know what {unknown} is. Take it out, or update first."
    if not wrong:
        parts = {name: value for name, value in api.items() if name in NAMES or name in design.PARTS}
        imported = Imported(parts, plans, _paths(parts), held)
        _clean(_without(parts, _paths(parts)))
        for name, value in held.items():
            known[name].check(value)
        return imported
    raise Invalid(" ".join(wrong.values()), {"file": " ".join(wrong.values())})


def preview(imported: Imported, api: Api) -> list[comparison.Difference]:
    """What an import over this API would change."""
    now = document_of(api)
    parts = _clean(_without(imported.parts, _lacking(imported, api)))
    before = {**now["api"], "plans": now["plans"]}
    return comparison.compare(before, {**before, **parts, "plans": sorted(imported.plans)})


def import_new(
    *, imported: Imported, plans: Sequence[Plan], names: Mapping[str, str], actor: User, now: datetime
) -> Api:
    """A new API out of the document; `names` are a name, context or version in place of those in it.

    Raises what `create_api` raises.
    """
    parts = {**_without(imported.parts, imported.missing), **names}
    refuse_clashes(imported, parts["context"])
    api = create_api(**parts, plans=plans, actor=actor, now=now)
    return _finish(api, imported, actor=actor, now=now)


def import_version(
    *, imported: Imported, plans: Sequence[Plan], api: Api, version: str, actor: User, now: datetime
) -> Api:
    """A new version of an API, with the design of the document. Raises what `create_version` raises."""
    refuse_clashes(imported, api.context)
    parts = _without(imported.parts, imported.missing)
    kept = {name: value for name, value in parts.items() if name in design.COPIED and name not in {"name", "context"}}
    made = create_version(api=api, version=version, parts=_clean(kept), plans=plans, actor=actor, now=now)
    return _finish(made, imported, actor=actor, now=now)


def import_over(
    *,
    imported: Imported,
    plans: Sequence[Plan],
    api: Api,
    seen: datetime | None = None,
    actor: User,
    now: datetime,
) -> Api:
    """Make the API what the document says, in one save; secrets that it has stay. Raises what `update_api` raises."""
    permissions.require_edit(actor, api)
    refuse_clashes(imported, api.context)
    parts = _without(imported.parts, _lacking(imported, api))
    changes = {name: value for name, value in parts.items() if name not in NAMES and name != "context"}
    saved = update_api(api=api, changes={**changes, "plans": list(plans)}, seen=seen, actor=actor, now=now)
    return _finish(saved, imported, actor=actor, now=now)


def refuse_clashes(imported: Imported, context: str) -> None:
    """Raise Invalid (file) where what a section brings is somebody else's here, before half of an API is made."""
    for section in exchange.sections():
        if section.name in imported.sections:
            section.refuse(imported.sections[section.name], context)


def keep_upload(*, content: bytes, actor: User, now: datetime) -> ImportDraft:
    """Keep a file until its owner says what becomes of it. Raises RoleRequired, Invalid (file)."""
    permissions.require_create(actor)
    read_document(content)
    with transaction.atomic():
        forget_uploads(now)
        mine = ImportDraft.objects.filter(owner=actor).order_by("-created_at").values_list("pk", flat=True)
        ImportDraft.objects.filter(pk__in=list(mine[KEPT_EACH - 1 :])).delete()
        return ImportDraft.objects.create(owner=actor, content=content, created_at=now)


def drop_upload(*, upload: ImportDraft) -> None:
    """Delete an upload of which something has become."""
    upload.delete()


def forget_uploads(now: datetime) -> int:
    """Delete a batch of the uploads that nobody came back to for a day; how many there were."""
    return upkeep.delete_batch(ImportDraft.objects.filter(created_at__lt=now - KEPT_FOR))


_FRAME = frozenset({"format", "format_version", "api", "plans", "missing"})


def _finish(api: Api, imported: Imported, *, actor: User, now: datetime) -> Api:
    """The sections, which have been checked, and a word in the audit log."""
    with transaction.atomic():
        for section in exchange.sections():
            if section.name in imported.sections:
                section.restore(api=api, content=imported.sections[section.name], actor=actor, now=now)
        record_change(api, "imported", actor=actor, now=now)
        return lock(api)


def _clean(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts through the design's own cleaners. Raises Invalid, also for what is of quite another shape."""
    cleaners = {**design.NAMES, **design.PARTS}
    return design.read(parts, {name: partial(_cleaned, name, cleaner) for name, cleaner in cleaners.items()})


def _cleaned(name: str, cleaner: Callable[[Any], Any], value: Any) -> Any:
    usual, sentence = getattr(Api(), name), f"{comparison.label(name)} is not written as an export writes it."
    if usual is not None and not isinstance(value, type(usual)):
        raise BadValue(sentence)
    try:
        return cleaner(value)
    except (TypeError, AttributeError, KeyError):
        raise BadValue(sentence) from None


def _hidden(value: Any) -> Any:
    """The value with nothing sealed in it, whoever put it there."""
    if isinstance(value, Mapping):
        return {key: _hidden(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(each) for each in value]
    return HIDDEN if isinstance(value, str) and value.startswith(comparison.SEALED) else value


def _paths(value: Any, path: str = "") -> list[str]:
    """Where something hidden stands."""
    if isinstance(value, Mapping):
        return [found for key, each in value.items() for found in _paths(each, f"{path}.{key}" if path else key)]
    return [path] if value == HIDDEN else []


def _without(value: Any, paths: Sequence[str], path: str = "") -> Any:
    """The value without what stands at these paths."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: f"{path}.{key}" if path else key for key in value}
    return {key: _without(each, paths, inner[key]) for key, each in value.items() if inner[key] not in paths}


def _lacking(imported: Imported, api: Api) -> list[str]:
    """The secrets that neither the document nor the API holds."""
    there = set(_paths(document_of(api)["api"]))
    return [path for path in imported.missing if path not in there]
