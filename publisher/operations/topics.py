"""Operations on one topic of a design, or one message of it: save, delete, move.

Each is an edit of the part `topics`, held field by field against what others changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core.audit import record_change
from core.errors import Conflict
from core.values import BadValue, invalid
from publisher import merging, permissions
from publisher.models import Api
from publisher.operations.common import changed_meanwhile, lock, save_design
from publisher.topics import clean_message, clean_topics, find, find_message, message_fields, topic_fields, topic_of


class GoneMeanwhile(Conflict):
    """The topic or message that was edited was deleted or renamed by somebody else; nothing has been written."""


@transaction.atomic
def save_topic(
    *, api: Api, original: str, topic: Mapping[str, Any], base: Mapping[str, str] | None, actor: User, now: datetime
) -> Api:
    """Put the topic in the place of `original`, or with none at the end. Its messages stay.

    `topic` is in the fields of `publisher.topics.topic_fields`; `base` are their digests as they were drawn. Raises
    RoleRequired, Invalid (`target`, `topics`), ChangedMeanwhile (by field), GoneMeanwhile.
    """
    permissions.require_edit(actor, api)
    row = lock(api)
    stored = find(row.topics, original)
    if original and stored is None:
        raise _gone(row, f"the topic {original}")
    cleaned = topic_fields(_clean([topic_of(topic)], "target")[0])
    if stored is not None:
        kept = {name: stored[name] for name in ("messages",) if name in stored}
        cleaned = _merged(row, topic_fields(stored), cleaned, base)
        replaced = {**topic_of(cleaned), **kept}
        return _save(row, [replaced if each is stored else each for each in row.topics], actor=actor, now=now)
    return _save(row, [*row.topics, topic_of(cleaned)], actor=actor, now=now)


@transaction.atomic
def save_message(
    *,
    api: Api,
    target: str,
    verb: str,
    original: str,
    message: Mapping[str, Any],
    base: Mapping[str, str] | None,
    actor: User,
    now: datetime,
) -> Api:
    """Put the message in the place of `original`, or with none at the end of its direction.

    Raises RoleRequired, Invalid (`name`), ChangedMeanwhile (by field), GoneMeanwhile.
    """
    permissions.require_edit(actor, api)
    row = lock(api)
    topic = find(row.topics, target)
    if topic is None:
        raise _gone(row, f"the topic {target}", "add the topic anew in another tab, then save again.")
    stored = find_message(topic, verb, original)
    if original and stored is None:
        raise _gone(row, f"the message {original}")
    try:
        cleaned = message_fields(clean_message(message))
    except BadValue as error:
        raise invalid(name=str(error)) from None
    if stored is not None:
        cleaned = _merged(row, message_fields(stored), cleaned, base)
    present = topic.get("messages", {}).get(verb, [])
    listed = [cleaned if each is stored else each for each in present] + ([] if stored else [cleaned])
    return _with_messages(row, topic, verb, listed, actor=actor, now=now)


@transaction.atomic
def delete_topic(*, api: Api, target: str, actor: User, now: datetime) -> Api:
    """Take the topic out of the design. Raises RoleRequired, GoneMeanwhile."""
    permissions.require_edit(actor, api)
    row = lock(api)
    if find(row.topics, target) is None:
        raise _gone(row, f"the topic {target}")
    return _save(row, [each for each in row.topics if each["target"] != target], actor=actor, now=now)


@transaction.atomic
def delete_message(*, api: Api, target: str, verb: str, name: str, actor: User, now: datetime) -> Api:
    """Take the message out of its topic. Raises RoleRequired, GoneMeanwhile."""
    permissions.require_edit(actor, api)
    row = lock(api)
    topic = find(row.topics, target)
    if topic is None or find_message(topic, verb, name) is None:
        raise _gone(row, f"the message {name}")
    listed = [each for each in topic["messages"][verb] if each["name"] != name]
    return _with_messages(row, topic, verb, listed, actor=actor, now=now)


@transaction.atomic
def move_topic(*, api: Api, target: str, by: int, actor: User, now: datetime) -> Api:
    """Let the topic stand so many places further down, or up where `by` is negative; never past an end.

    Raises RoleRequired, GoneMeanwhile.
    """
    permissions.require_edit(actor, api)
    row = lock(api)
    targets = [each["target"] for each in row.topics]
    if target not in targets:
        raise _gone(row, f"the topic {target}")
    place = targets.index(target)
    rest = [*row.topics[:place], *row.topics[place + 1 :]]
    place = max(0, min(len(rest), place + by))
    return _save(row, [*rest[:place], row.topics[targets.index(target)], *rest[place:]], actor=actor, now=now)


def _with_messages(
    row: Api, topic: Mapping[str, Any], verb: str, listed: Sequence[Mapping[str, Any]], *, actor: User, now: datetime
) -> Api:
    changed = {**topic, "messages": {**topic.get("messages", {}), verb: listed}}
    return _save(row, [changed if each is topic else each for each in row.topics], actor=actor, now=now, field="name")


def _save(row: Api, topics: Sequence[Mapping[str, Any]], *, actor: User, now: datetime, field: str = "target") -> Api:
    cleaned = _clean(topics, field)
    if cleaned == row.topics:
        return row
    saved = save_design(row, {"topics": cleaned}, seen=None, now=now)
    record_change(saved, "updated", actor=actor, now=now, fields=["topics"])
    return saved


def _clean(topics: Sequence[Mapping[str, Any]], field: str) -> list[dict[str, Any]]:
    try:
        return clean_topics(topics)
    except BadValue as error:
        raise invalid(**{field: str(error)}) from None


def _merged(
    row: Api, stored: Mapping[str, Any], sent: Mapping[str, Any], base: Mapping[str, str] | None
) -> dict[str, Any]:
    """What was sent, with what is stored in every field that this person left as it was. Raises ChangedMeanwhile."""
    drawn = base or {}
    mine = {name for name, value in sent.items() if drawn.get(name) != merging.digest(value)}
    stored = {**sent, **stored}  # a field that is new, such as what a new variable means, clashes with nothing
    if clashing := merging.conflicts(sent, stored, mine, drawn) if base is not None else []:
        refusal = changed_meanwhile(row, ["topics"])
        refusal.clashing = tuple(clashing)
        raise refusal
    return {name: sent[name] if name in mine else stored[name] for name in sent}


def _gone(row: Api, what: str, way: str = "save again to add it anew.") -> GoneMeanwhile:
    why = str(changed_meanwhile(row, ["topics"])).split(" after ", 1)[0]
    return GoneMeanwhile(f"{why}, and {what} is gone. What you typed is still here: {way}")
