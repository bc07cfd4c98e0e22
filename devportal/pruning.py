"""What is ever over: tokens, tickets, secrets, wizards that nobody ended. It goes silently, as no change."""

from datetime import datetime, timedelta

from django.db.models import Q
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken
from oauth2_provider.settings import oauth2_settings

from core.upkeep import delete_batch, register
from devportal import tokens
from devportal.models import Ticket, TokenRate, WizardRun
from devportal.operations.secrets import look_after_secrets

HOUR = timedelta(hours=1)
RUNS_KEPT = timedelta(days=90)


def connect() -> None:
    """Register all of it; called once, when the room is ready."""
    register("tickets", lambda now: delete_batch(Ticket.objects.filter(expires_at__lt=now)))
    register("authorization codes", lambda now: delete_batch(Grant.objects.filter(expires__lt=now)))
    register("tokens", expired_tokens)
    register("client secrets", look_after_secrets)
    register("token rates", lambda now: delete_batch(TokenRate.objects.filter(booked_until__lt=now - HOUR)))
    register("wizard runs", lambda now: delete_batch(WizardRun.objects.filter(touched_at__lt=now - RUNS_KEPT)))


def expired_tokens(now: datetime) -> int:
    """Refresh tokens that nobody can use any more, then access tokens that no refresh token needs, then ID tokens.

    A used refresh token is known for as long as a new one would live, so that its second use ends its family.
    """
    over = now - timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)
    useless = Q(revoked__lt=over) | Q(revoked=None, access_token=None) | Q(revoked=None, access_token__expires__lt=over)
    needed = RefreshToken.objects.filter(revoked=None, access_token__isnull=False).values("access_token")
    with tokens.attributed(actor=None, now=now):
        return (
            delete_batch(RefreshToken.objects.filter(useless))
            or delete_batch(AccessToken.objects.filter(expires__lt=now).exclude(pk__in=needed))
            or delete_batch(IDToken.objects.filter(expires__lt=now, access_token=None))
        )
