"""The keys of applications, and what is kept of their tokens, secrets and tickets."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from oauth2_provider.models import AbstractApplication

from devportal import grants
from devportal.models.applications import LONGEST_REASON, Application
from publisher.models import Api

LONGEST_TOKEN_NAME = 60


class KeyType(models.TextChoices):
    """Which of an API's endpoints a key reaches."""

    PRODUCTION = "PRODUCTION", gettext_lazy("Production")
    SANDBOX = "SANDBOX", gettext_lazy("Sandbox")

    @property
    def keys(self) -> str:
        """Keys of this type, as a sentence calls them."""
        return _("production keys") if self is KeyType.PRODUCTION else _("sandbox keys")


class OAuthClient(AbstractApplication):
    """The OAuth 2 client behind one key of an application, or behind a service account (no application then).

    `grant_types` lists what the client may use, in OAuth's names; `token_seconds` is how long its access tokens
    live. The secret is stored as a digest only; `secret_by` is who has seen it. `user` is the application's owner.
    It `is_mapped` if it was registered before it became the keys of an application.
    """

    audit_kind: ClassVar = "keys"

    application = models.ForeignKey(
        Application, null=True, blank=True, on_delete=models.CASCADE, related_name="clients"
    )
    key_type = models.CharField(max_length=12, choices=KeyType, default=KeyType.PRODUCTION)
    grant_types = models.JSONField(default=list)
    token_seconds = models.PositiveIntegerField(default=3600)
    secret_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approval = models.CharField(
        max_length=12, choices=Application.Approval, default=Application.Approval.APPROVED.value
    )
    decision = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    is_mapped = models.BooleanField(default=False)

    class Meta(AbstractApplication.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "key_type"], name="one_key_of_a_type_per_application")
        ]
        indexes: ClassVar = [models.Index(fields=["approval"], name="keys_by_approval")]

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Whether one of `grant_types` (the toolkit's names, with hyphens) was granted to this client."""
        return bool({grant.replace("-", "_") for grant in grant_types} & set(self.grant_types))

    def get_allowed_schemes(self) -> list[str]:
        """HTTPS; plain HTTP for loopback addresses, which the validator checks (RFC 8252 §7.3); a program's own."""
        schemes = {url.partition(":")[0] for url in self.redirect_uris.split()}
        return ["https", "http", *sorted(scheme for scheme in schemes if grants.is_private_use(scheme))]

    @property
    def reason(self) -> str:
        """Why no token is issued for these keys, in a sentence; empty once they are approved."""
        if self.approval == Application.Approval.WAITING:
            about = {"keys": KeyType(self.key_type).keys, "application": self.application}
            return (
                _(
                    "The %(keys)s of %(application)s wait for an administrator's approval. "
                    "You are told when it is there."
                )
                % about
            )
        if self.approval == Application.Approval.REJECTED:
            if self.decision:
                return _(
                    "An administrator has rejected these keys. They say: %(decision)s Save them once more to ask again."
                ) % {"decision": self.decision}
            return _("An administrator has rejected these keys. Save them once more to ask again.")
        return ""

    def audit_detail(self) -> dict[str, Any]:
        return {
            "application_id": str(self.application_id),
            "client_id": self.client_id,
            "key_type": self.key_type,
        }


class ClientSecret(models.Model):
    """A secret of keys beside their first one: with a name of its own, and until when it works (null: for good)."""

    audit_kind: ClassVar = "secret"

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=LONGEST_TOKEN_NAME)
    digest = models.CharField(max_length=128, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    is_announced = models.BooleanField(default=False)  # that it is going to expire

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {**self.client.audit_detail(), "name": self.name}


class TokenRate(models.Model):
    """The one schedule of the tokens that are issued to an application, or to a client without one.

    `booked_until` moves by a minute's share with each; a row whose moment is past says nothing.
    """

    key = models.CharField(max_length=48, primary_key=True)
    booked_until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class TokenName(models.Model):
    """What its owner calls an access token. A token that was given no name has no row here."""

    token = models.OneToOneField(
        "oauth2_provider.AccessToken", primary_key=True, on_delete=models.CASCADE, related_name="given"
    )
    name = models.CharField(max_length=LONGEST_TOKEN_NAME)

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    """A one-use ticket as `devportal.tickets` makes it: its digest, and what it is bound to.

    `token_id` is the id of the access token it stands for, `connection_id` the one its connection will have.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    token_id = models.BigIntegerField()
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="tickets")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="tickets")
    origin = models.CharField(max_length=255, blank=True)
    connection_id = models.UUIDField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"ticket for {self.application} to {self.api}"
