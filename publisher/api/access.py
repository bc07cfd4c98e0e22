"""Who may use the Publisher's part of the REST API, and the API that a resource of it belongs to."""

from __future__ import annotations

from uuid import UUID

from accounts.rest import Resource, who_may
from publisher import queries
from publisher.models import Api
from publisher.permissions import require_enter

IN_THE_PUBLISHER = who_may(require_enter)
"""For lists, of which a stranger would see an empty one; single things are not found by strangers instead."""


class OfAnApi(Resource):
    """What belongs to one API."""

    def api(self, api_id: UUID) -> Api:
        """The API, for people of the Publisher. Raises ApiNotFound."""
        return queries.get_api_for(self.user, api_id)
