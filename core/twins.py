"""What a migration does with names that are one since letters are compared as people do: all rows stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar

from core.text import fold

log = logging.getLogger("apimanager.migrations")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Renamed(Generic[Row]):
    """A row that had to give way: its name `before`, and the new one."""

    row: Row
    before: str
    name: str


def apart(
    rows: Iterable[Row], *, name: str, longest: int, among: Callable[[Row], Hashable], family: Callable[[Row], Hashable]
) -> Iterator[Renamed[Row]]:
    """The rows that need another name, the oldest keeping theirs if `rows` come in that order.

    `among` is within what a name must be one's own, `family` whose members may share a name.
    """
    listed = list(rows)
    taken = {(among(row), fold(getattr(row, name))) for row in listed}
    holders: dict[Any, Hashable] = {}
    chosen: dict[Any, str] = {}
    for row in listed:
        before, place = getattr(row, name), among(row)
        key = (place, fold(before))
        if holders.setdefault(key, family(row)) == family(row):
            continue
        free = (f"{before[: longest - len(ending)]}{ending}" for ending in (f"-{number}" for number in count(2)))
        new = chosen.get((*key, family(row))) or next(each for each in free if (place, fold(each)) not in taken)
        chosen[*key, family(row)] = new
        taken.add((place, fold(new)))
        yield Renamed(row, before, new)


def report(schema_editor: Any, apps: Any, kind: str, renamed: Renamed[Any], name: str, now: Any) -> None:
    """Tell whoever migrates, and whoever reads the audit log later."""
    log.warning(
        "%s %s is called %s from now on: another %s has the same name in other letters.",
        kind.capitalize(),
        renamed.before,
        renamed.name,
        kind,
    )
    entries = apps.get_model("core", "AuditEntry").objects.using(schema_editor.connection.alias)
    entries.create(
        at=now,
        actor_name="system",
        verb=f"{kind}.updated",
        kind=kind,
        object_id=str(renamed.row.pk),
        detail={"fields": [name], "renamed_from": renamed.before, name: renamed.name},
    )
