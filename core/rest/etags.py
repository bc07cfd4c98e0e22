"""ETag and If-Match: nobody's change goes over one that they have not seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions
from rest_framework.request import Request

IF_MATCH: Final = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read.")


class PreconditionFailed(exceptions.APIException):
    """If-Match names another state of the thing than the present one."""

    status_code = 412
    default_detail = "It was changed after you read it. Read it again, then send your change with the new ETag."


def etag(document: Mapping[str, Any]) -> str:
    """Changes whenever what the document says changes."""
    return f'"{hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:20]}"'


def check_unchanged(request: Request, present: str) -> None:
    """Raise PreconditionFailed unless the ETag of If-Match, where one is sent, is the present one."""
    wanted = request.headers.get("If-Match", "*")
    if wanted != "*" and present not in [each.strip() for each in wanted.split(",")]:
        raise PreconditionFailed
