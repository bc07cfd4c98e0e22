"""How fast tokens may be issued to one application: evenly TOKENS_PER_MINUTE, and as many at once after a pause."""

from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import transaction

from core.errors import Conflict
from devportal.models import OAuthClient, TokenRate

MINUTE = timedelta(minutes=1)


class TooManyTokens(Conflict):
    """Tokens are issued to the application faster than it may have them."""

    status = 429
    code = 900429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"This application may be issued {settings.TOKENS_PER_MINUTE} tokens a minute. Use those that it has until "
            f"they expire, and ask again in {seconds} s."
        )
        self.seconds = seconds
        self.headers = {"Retry-After": str(seconds)}


def reserve_token(*, client: OAuthClient, now: datetime) -> None:
    """Count one token that is about to be issued to the application of `client`, or to `client` if it has none.

    Both keys of an application count together. Raises TooManyTokens.
    """
    if not settings.TOKENS_PER_MINUTE:
        return
    key = f"application:{client.application_id}" if client.application_id else f"client:{client.pk}"
    with transaction.atomic():
        rows = TokenRate.objects.select_for_update()
        row = rows.filter(pk=key).first()
        if row is None:
            TokenRate.objects.bulk_create([TokenRate(key=key, booked_until=now)], ignore_conflicts=True)
            row = rows.get(pk=key)
        if row.booked_until > now + 2 * MINUTE:  # the clock was set back
            row.booked_until = now
        row.booked_until = max(row.booked_until, now) + MINUTE / settings.TOKENS_PER_MINUTE
        if row.booked_until > now + MINUTE:
            raise TooManyTokens(ceil((row.booked_until - now - MINUTE).total_seconds()))
        row.save(update_fields=["booked_until"])
