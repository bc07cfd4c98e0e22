"""A recording on its way to somebody, as a file."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpResponse

from core.downloads import download
from gateway.models import Recording
from gateway.recording import export, queries


def file_of(row: Recording, form: str, connection_id: str = "") -> HttpResponse:
    """A recording in one of the forms of `gateway.recording.export`; HAR or else JSON Lines."""
    rows = queries.messages_of(row, connection_id=connection_id).iterator()
    name = f"recording-{row.started_at:%Y%m%d-%H%M%S}"
    if form == "har":
        document = export.har(rows, queries.connections_of(row), settings.GATEWAY_WSS_URL)
        return download(f"{name}.har", "application/json", json.dumps(document, ensure_ascii=False).encode())
    body = "".join(export.json_lines(rows)).encode()
    return download(f"{name}.jsonl", "application/jsonl; charset=utf-8", body)
