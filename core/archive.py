"""What becomes of the audit log's oldest entries: they are written into files, then deleted.

A file holds one batch, an entry a line (JSON Lines), and is named after the first. If the process dies between writing
and deleting, the next run writes the same file again, so no entry is lost and none is there twice.
"""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from core.models import AuditEntry
from core.upkeep import BATCH

YOUNG = timedelta(hours=1)
"""Whatever the settings say, what is younger stays: gateways follow the log, and read its end again and again."""


def archive_audit_log(now: datetime) -> int:
    """Move a batch of entries that are older than AUDIT_LOG_DAYS, or more than AUDIT_LOG_ROWS, into a file."""
    folder: Path = settings.AUDIT_ARCHIVE
    entries = _over(now)
    if not entries:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"audit-log-{entries[0].at:%Y-%m-%d}-{entries[0].pk:012}.jsonl"
    draft = path.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        for entry in entries:
            line = {
                "id": entry.pk,
                "at": entry.at,
                "actor_id": entry.actor_id,
                "actor": entry.actor_name,
                "verb": entry.verb,
                "kind": entry.kind,
                "object_id": entry.object_id,
                "detail": entry.detail,
            }
            file.write(json.dumps(line, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    AuditEntry.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
    return len(entries)


def _over(now: datetime) -> list[AuditEntry]:
    days, most = settings.AUDIT_LOG_DAYS, settings.AUDIT_LOG_ROWS
    newest_first = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)
    newest = newest_first.first() or 0  # stays, so that the log never looks as if it began anew
    surplus = newest_first[most : most + 1].first() or 0 if most else 0
    oldest_kept = now - timedelta(days=days) if days else None
    return [
        entry
        for entry in AuditEntry.objects.order_by("pk")[:BATCH]
        if entry.pk < newest
        and entry.at < now - YOUNG
        and (entry.pk <= surplus or (oldest_kept is not None and entry.at < oldest_kept))
    ]
