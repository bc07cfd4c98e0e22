"""What was deployed, and what may be again."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet

from core.errors import NotFound
from publisher.models import Api, DeployedChange, Revision
from publisher.queries.lifecycles import changes_of


class RevisionNotFound(NotFound):
    """The API has no such revision."""

    code = 900347


def revisions_of(api: Api) -> QuerySet[Revision]:
    """The API's revisions, newest first."""
    return api.revisions.select_related("created_by").order_by("-number")


def get_revision_of(api: Api, pk: uuid.UUID | str) -> Revision:
    """One revision of this API; raises RevisionNotFound."""
    try:
        return revisions_of(api).get(pk=pk)
    except (Revision.DoesNotExist, ValidationError):
        raise RevisionNotFound(f"{api} has no such revision.") from None


def next_revision_number(api: Api) -> int:
    """The number that the API's next revision will have."""
    return max(api.revisions.aggregate(last=Max("number"))["last"] or 0, api.revisions_made) + 1


def who_goes(api: Api) -> QuerySet[Revision]:
    """The revisions of which one goes when the next is made, the oldest first; none while there is room for more."""
    undeployed = api.revisions.exclude(deployed_for=api).order_by("number")
    return undeployed if api.revisions.count() >= settings.MOST_REVISIONS else undeployed.none()


def last_deployed(api: Api) -> Revision | None:
    """What the gateway serves or served last, if that revision is still kept."""
    if api.deployed_revision:
        return api.deployed_revision
    entry = changes_of(api).filter(verb="api.deployed").first()
    return api.revisions.filter(pk=entry.detail["revision_id"]).first() if entry else None


def deployed_changes(api: Api) -> QuerySet[DeployedChange]:
    """How deployments changed what clients meet, newest first."""
    return api.deployed_changes.order_by("-at", "-pk")
