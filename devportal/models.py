"""Applications, what they are subscribed to, and the keys they hold."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractApplication

from core.folded import FoldedText, Folding, KeepsFolded
from core.text import count
from devportal import grants
from devportal.deny_policies import DenyCondition
from devportal.subscription_states import BLOCKING, CHOICES, REASONS, SubscriptionState
from publisher.models import Api, Plan

LONGEST_NAME = 100  # characters, of an application
LONGEST_DESCRIPTION = 512
LONGEST_TOKEN_NAME = 60
MOST_STARS = 5
LONGEST_REASON = 300  # that somebody gives who approves or rejects


class ApplicationPlan(KeepsFolded):
    """A quota shared by all of an application's tokens, in messages a minute; null means no limit."""

    audit_kind: ClassVar = "applicationplan"

    name = models.CharField(max_length=60)
    display_name = models.CharField(max_length=512)
    description = models.CharField(max_length=1024, blank=True)
    per_minute = models.PositiveBigIntegerField(null=True, blank=True)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="application_plan_name_unique_in_any_case")]

    def __str__(self) -> str:
        return self.display_name

    def audit_detail(self) -> dict[str, Any]:
        return {"plan_id": str(self.pk), "plan": self.name}


class Application(KeepsFolded):
    """A developer's program. It subscribes to APIs and holds one set of keys for production and one for sandbox.

    An internal one is hidden: with its keys somebody of the Publisher tries APIs out (`devportal.internal_keys`).
    """

    audit_kind: ClassVar = "application"

    class TokenType(models.TextChoices):
        JWT = "JWT", "JWT"
        OAUTH = "OAUTH", "OAuth"

    class Approval(models.TextChoices):
        APPROVED = "APPROVED", "Approved"
        WAITING = "CREATED", "Waiting for approval"
        REJECTED = "REJECTED", "Rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="applications")
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    plan = models.ForeignKey(ApplicationPlan, on_delete=models.PROTECT, related_name="applications")
    token_type = models.CharField(max_length=8, choices=TokenType, default=TokenType.JWT)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    is_internal = models.BooleanField(default=False)
    approval = models.CharField(max_length=12, choices=Approval, default=Approval.APPROVED)
    decision = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    name_key = FoldedText(of="name")
    description_key = FoldedText(of="description")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "owner",
                "name_key",
                condition=models.Q(is_internal=False),
                name="application_name_unique_for_its_owner",
            ),
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_internal=True), name="one_internal_application_per_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"application_id": str(self.pk), "name": self.name}


class Subscription(models.Model):
    """The right of one application to call one API under one plan."""

    audit_kind: ClassVar = "subscription"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="subscriptions")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    state = models.CharField(max_length=20, choices=CHOICES, default=SubscriptionState.UNBLOCKED.value)
    decision = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "api"], name="subscribed_once_to_an_api")
        ]
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="subscriptions_by_age")]

    def __str__(self) -> str:
        return f"{self.application} on {self.api}"

    @property
    def reason(self) -> str:
        """Why it does not work as asked for, in a sentence; empty if it does. What the publisher said stands in it."""
        reason = REASONS.get(SubscriptionState(self.state), "")
        return f"{reason} They say: {self.decision}" if reason and self.decision else reason

    def audit_detail(self) -> dict[str, Any]:
        return {
            "subscription_id": str(self.pk),
            "api_id": str(self.api_id),
            "application_id": str(self.application_id),
            "plan": self.plan.name,
        }


class OwnerBlock(models.Model):
    """Keeps one person out of one API, whatever application asks, until a publisher lifts it.

    `state` is the one that the person's subscriptions are in meanwhile: blocked, or blocked for production keys.
    """

    audit_kind: ClassVar = "block"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="blocks")
    state = models.CharField(max_length=20, choices=[choice for choice in CHOICES if choice[0] in BLOCKING])
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "api"], name="blocked_once_from_an_api")]

    def __str__(self) -> str:
        return f"{self.owner} kept out of {self.api}"

    def audit_detail(self) -> dict[str, Any]:
        return {"block_id": str(self.pk), "api_id": str(self.api_id), "user_id": self.owner_id}


class DenyPolicy(KeepsFolded):
    """Keeps a caller out as `devportal.deny_policies` says. `subject` is the id of what `value` names, if anything."""

    audit_kind: ClassVar = "deny_policy"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in DenyCondition])
    value = models.CharField(max_length=300)
    subject = models.CharField(max_length=64, blank=True)
    invert = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    value_key = FoldedText(of="value")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "value", "invert"], name="denied_once_for_one_reason")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {'not ' if self.invert else ''}{self.value}"

    def audit_detail(self) -> dict[str, Any]:
        return {"condition": self.kind, "value": self.value, "invert": self.invert, "is_active": self.is_active}


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


class KeyType(models.TextChoices):
    """Which of an API's endpoints a key reaches."""

    PRODUCTION = "PRODUCTION", "Production"
    SANDBOX = "SANDBOX", "Sandbox"


class OAuthClient(AbstractApplication):
    """The OAuth 2 client behind one key of an application, or behind a service account (no application then).

    `grant_types` lists what the client may use, in OAuth's names; `token_seconds` is how long its access tokens
    live. The secret is stored as a digest only.
    """

    audit_kind: ClassVar = "keys"

    application = models.ForeignKey(
        Application, null=True, blank=True, on_delete=models.CASCADE, related_name="clients"
    )
    key_type = models.CharField(max_length=12, choices=KeyType, default=KeyType.PRODUCTION)
    grant_types = models.JSONField(default=list)
    token_seconds = models.PositiveIntegerField(default=3600)

    class Meta(AbstractApplication.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "key_type"], name="one_key_of_a_type_per_application")
        ]

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Whether one of `grant_types` (the toolkit's names, with hyphens) was granted to this client."""
        return bool({grant.replace("-", "_") for grant in grant_types} & set(self.grant_types))

    def get_allowed_schemes(self) -> list[str]:
        """HTTPS; plain HTTP for loopback addresses, which the validator checks (RFC 8252 §7.3); a program's own."""
        schemes = {url.partition(":")[0] for url in self.redirect_uris.split()}
        return ["https", "http", *sorted(scheme for scheme in schemes if grants.is_private_use(scheme))]

    def audit_detail(self) -> dict[str, Any]:
        return {
            "application_id": str(self.application_id),
            "client_id": self.client_id,
            "key_type": self.key_type,
        }


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


class Rating(models.Model):
    """What one person thinks of an API, in stars."""

    audit_kind: ClassVar = "rating"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="ratings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api", "by"], name="rated_once_by_a_person"),
            models.CheckConstraint(condition=models.Q(stars__range=(1, MOST_STARS)), name="one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return count(self.stars, "star")

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "stars": self.stars}


class Follow(models.Model):
    """That one person wants to hear of an API without being subscribed: of new versions, ends and what breaks."""

    audit_kind: ClassVar = "follow"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="follows")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "by"], name="followed_once_by_a_person")]

    def __str__(self) -> str:
        return f"{self.by} on {self.api}"

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id)}


class ClientSecret(models.Model):
    """A secret of keys beside their first one: with a name of its own, and until when it works (null: for good)."""

    audit_kind: ClassVar = "secret"

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=LONGEST_TOKEN_NAME)
    digest = models.CharField(max_length=128, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, db_index=True)
    is_announced = models.BooleanField(default=False)  # that it is going to expire

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {**self.client.audit_detail(), "name": self.name}
