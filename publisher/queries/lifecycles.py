"""How an API came to its state, and what waits for somebody to say yes."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from core.errors import NotFound
from core.models import AuditEntry
from publisher.lifecycle import RequestStatus
from publisher.models import Api, LifecycleRequest


class LifecycleRequestNotFound(NotFound):
    """There is no such request."""


def changes_of(api: Api) -> QuerySet[AuditEntry]:
    """The API's rows in the audit log, newest first."""
    return AuditEntry.objects.filter(kind="api", object_id=str(api.pk)).order_by("-id")


def lifecycle_history(api: Api) -> QuerySet[AuditEntry]:
    """How the API came to its state: its making and each transition, newest first."""
    return changes_of(api).filter(verb__in=["api.created", "api.transitioned"])


def requests_of_lifecycles(status: RequestStatus | None = None) -> QuerySet[LifecycleRequest]:
    """What was asked for of any API, newest first; the pending ones oldest first, as a queue is."""
    rows = LifecycleRequest.objects.select_related("api", "requester", "decided_by")
    if status is RequestStatus.PENDING:
        return rows.prefetch_related("api__plans").filter(status=status.value).order_by("created_at", "pk")
    return rows.exclude(status=RequestStatus.PENDING.value).order_by("-decided_at", "pk")


def get_lifecycle_request(pk: uuid.UUID | str) -> LifecycleRequest:
    """One request. Raises LifecycleRequestNotFound."""
    try:
        return LifecycleRequest.objects.select_related("api", "requester", "decided_by").get(pk=pk)
    except (LifecycleRequest.DoesNotExist, ValidationError):
        raise LifecycleRequestNotFound("There is no such request. Its API may have been deleted.") from None


def pending_request_of(api: Api) -> LifecycleRequest | None:
    """The step of this API that waits for approval, if any."""
    found = api.lifecycle_requests.filter(status=RequestStatus.PENDING.value)
    return found.select_related("requester").first()


def last_rejection_of(api: Api) -> LifecycleRequest | None:
    """The last request for this API where it was rejected and nothing was asked for since."""
    last = api.lifecycle_requests.select_related("requester", "decided_by").order_by("-created_at").first()
    return last if last and last.status == RequestStatus.REJECTED and last.state == api.state else None
