"""Rows of the gateway's own, as its workers write them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from devportal.models import Application
from gateway.models import ConnectionRecord, WorkerRecord
from publisher.models import Api


def worker(**given: Any) -> WorkerRecord:
    """A worker that lives."""
    now = timezone.now()
    return WorkerRecord.objects.create(**{"host": "here", "pid": 1, "started_at": now, "seen_at": now, **given})


def open_connection(application: Application, api: Api, **given: Any) -> ConnectionRecord:
    """A connection of this application to this API, open on a worker that lives unless told otherwise."""
    now = timezone.now()
    fields: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "worker_id": given.pop("worker_id", None) or worker().pk,
        "api_id": str(api.pk),
        "api_name": api.name,
        "context": api.context,
        "version": api.version,
        "application_id": str(application.pk),
        "application_name": application.name,
        "owner_id": str(application.owner_id),
        "subscriber": application.owner.username,
        "plan": "Gold",
        "key_type": "PRODUCTION",
        "client_ip": "192.0.2.7",
        "started_at": now,
        "expires_at": now + timedelta(hours=1),
    }
    return ConnectionRecord.objects.create(**{**fields, **given})
