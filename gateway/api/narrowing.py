"""Which rows an answer is about: those that its query names, of those whom the viewer may know of."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.permissions import Viewer
from devportal.queries import applications_of
from publisher import permissions as publishing

BY_API_AND_APPLICATION: Final = (
    OpenApiParameter("apiId", str, description="Only of this API."),
    OpenApiParameter("applicationId", str, description="Only of this application."),
)


def narrowed(request: Request, viewer: Viewer, **also: str) -> dict[str, Any]:
    """What rows are filtered by: `apiId` and `applicationId` of the query by their columns, and `also` by theirs.

    The Publisher's people know of everything, others of what concerns their own applications.
    """
    columns = {"apiId": "api_id", "applicationId": "application_id", **also}
    which: dict[str, Any] = {
        column: request.query_params[name] for name, column in columns.items() if name in request.query_params
    }
    if not publishing.can_enter(viewer):
        which["application_id__in"] = [str(pk) for pk in applications_of(viewer).values_list("pk", flat=True)]
    return which
