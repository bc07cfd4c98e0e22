"""Who may use the Publisher's part of the REST API."""

from accounts.rest import who_may
from publisher.permissions import require_enter

IN_THE_PUBLISHER = who_may(require_enter)
"""For lists, of which a stranger would see an empty one; single things are not found by strangers instead."""
