"""An API as its designers see it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from core.folded import FoldedText, Folding, KeepsFolded
from core.text import fold
from publisher.lifecycle import State
from publisher.models.categories import Category
from publisher.models.choices import choices_of
from publisher.models.plans import Plan
from publisher.plan_terms import OVER_RATE, ExceededAction, QuotaPeriod
from publisher.presentation import (
    DISPLAY_NAME_LENGTH,
    EMAIL_LENGTH,
    LINK_LENGTH,
    OWNER_LENGTH,
    AccessControl,
    Visibility,
)
from publisher.runtime import OVER_BYTES, ValidationMode, all_key_managers, all_key_types


class FoldedProperties(FoldedText):
    """The column of an API's properties, each on a line: `+` if it is shown or `-`, its name, a tab, its value."""

    def made_of(self, value: Any) -> str:
        """The lines, folded; white space within a value counts as one space."""
        marked = ((each, "+" if each["shown"] else "-") for each in value or ())
        lines = (f"{mark}{fold(each['name'])}\t{' '.join(fold(each['value']).split())}\n" for each, mark in marked)
        return "".join(["\n", *lines])


class Api(KeepsFolded):
    """A WebSocket API as its designers see it. The gateway never reads this row, only deployed revisions.

    `production` and `sandbox` are endpoint documents as `publisher.endpoint` describes them (empty: none);
    `endpoint_options` holds the advanced configuration; `topics` is a list of
    `{"target": "/rooms/{id}", "verbs": ["publish", "subscribe"], "mapping": "/…" | "", "scopes": […]}`.
    `topics` may say more of each (`publisher.topics`); `definition` is what an AsyncAPI document that was taken over
    held beside the design (`publisher.asyncapi.reading`).
    `origins` are the web pages that may call, as `publisher.origins` writes them (empty: all of them); `query_token`
    says whether a token may come in the address; `key_types` are the kinds of keys that may call, and `message_bytes`
    is the largest message of a client (0: as its plan says). What else `publisher.runtime` holds is there by the same
    names: `message_rate` and `byte_quota` are of all applications together (0: any). `mock` is what is said in place of
    a backend, see `publisher.mock`.
    `visibility`, `access_control` and their roles are those of `publisher.presentation`; `properties` is a list of
    `{"name": …, "value": …, "shown": …}`; `thumbnail` is the digest of its picture (empty: none).
    `first_plan` names the plan under which a developer starts who chooses none (empty: no plan is marked).
    `revisions_made` is the number of the last revision, also of one that was deleted: no number is given twice.
    `updated_at` moves when the design changes, not when the lifecycle does: an edit is guarded by it.
    """

    audit_kind: ClassVar = "api"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    context = models.CharField(max_length=232)
    version = models.CharField(max_length=30)
    display_name = models.CharField(max_length=DISPLAY_NAME_LENGTH, blank=True)
    description = models.TextField(blank=True, max_length=32766)
    tags = models.JSONField(default=list, blank=True)
    provider = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="apis")
    state = models.CharField(max_length=12, choices=[(s.value, s.label) for s in State], default=State.CREATED.value)
    is_default_version = models.BooleanField(default=False)
    production = models.JSONField(default=dict, blank=True)
    sandbox = models.JSONField(default=dict, blank=True)
    endpoint_options = models.JSONField(default=dict, blank=True)
    topics = models.JSONField(default=list, blank=True)
    definition = models.JSONField(default=dict, blank=True)
    origins = models.JSONField(default=list, blank=True)
    query_token = models.BooleanField(default=True)
    mock = models.JSONField(default=dict, blank=True)
    message_bytes = models.PositiveBigIntegerField(default=0)
    frame_bytes = models.PositiveBigIntegerField(default=0)
    key_types = models.JSONField(default=all_key_types, blank=True)
    key_managers = models.JSONField(default=all_key_managers, blank=True)
    payload_validation = models.CharField(
        max_length=8, choices=choices_of(ValidationMode), default=ValidationMode.OFF.value
    )
    message_rate = models.PositiveIntegerField(default=0)
    over_rate = models.CharField(max_length=8, choices=choices_of(OVER_RATE), default=ExceededAction.DELAY.value)
    byte_quota = models.PositiveBigIntegerField(default=0)
    byte_period = models.CharField(max_length=8, choices=choices_of(QuotaPeriod), default=QuotaPeriod.MINUTE.value)
    over_byte_quota = models.CharField(max_length=8, choices=choices_of(OVER_BYTES), default=ExceededAction.CLOSE.value)
    redacted = models.JSONField(default=list, blank=True)
    plans = models.ManyToManyField(Plan, related_name="apis", blank=True)
    first_plan = models.CharField(max_length=60, blank=True)
    categories = models.ManyToManyField(Category, related_name="apis", blank=True)
    thumbnail = models.CharField(max_length=64, blank=True)
    visibility = models.CharField(max_length=12, choices=choices_of(Visibility), default=Visibility.PUBLIC.value)
    visible_roles = models.JSONField(default=list, blank=True)
    access_control = models.CharField(
        max_length=12, choices=choices_of(AccessControl), default=AccessControl.NONE.value
    )
    access_control_roles = models.JSONField(default=list, blank=True)
    business_owner = models.CharField(max_length=OWNER_LENGTH, blank=True)
    business_owner_email = models.CharField(max_length=EMAIL_LENGTH, blank=True)
    technical_owner = models.CharField(max_length=OWNER_LENGTH, blank=True)
    technical_owner_email = models.CharField(max_length=EMAIL_LENGTH, blank=True)
    source_link = models.CharField(max_length=LINK_LENGTH, blank=True)
    chat_link = models.CharField(max_length=LINK_LENGTH, blank=True)
    support_link = models.CharField(max_length=LINK_LENGTH, blank=True)
    properties = models.JSONField(default=list, blank=True)
    deployed_revision = models.ForeignKey(
        "Revision", null=True, blank=True, on_delete=models.RESTRICT, related_name="deployed_for"
    )
    deployed_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    revisions_made = models.PositiveIntegerField(default=0)
    name_key = FoldedText(of="name")
    description_key = FoldedText(of="description")
    tags_key = FoldedText(of="tags")
    display_name_key = FoldedText(of="display_name")
    visible_roles_key = FoldedText(of="visible_roles")
    properties_key = FoldedProperties(of="properties")
    access_control_roles_key = FoldedText(of="access_control_roles")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("name_key", "version", name="api_name_and_version_unique"),
            models.UniqueConstraint(Lower("context"), "version", name="api_context_and_version_unique"),
            models.UniqueConstraint(
                Lower("context"), condition=models.Q(is_default_version=True), name="api_one_default_version"
            ),
        ]
        indexes: ClassVar = [  # for lists in these orders; by name the constraint serves
            models.Index(fields=["-updated_at", "id"], name="apis_by_change"),
            models.Index(fields=["-created_at", "id"], name="apis_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.pk), "name": self.name, "version": self.version}

    @property
    def has_backend(self) -> bool:
        """Whether calls can be passed on to anything: an address, or the mock that stands in for one."""
        return bool(self.production or self.sandbox or self.mock.get("is_on"))

    @property
    def title(self) -> str:
        """What people call it: its display name, or its name where it has none."""
        return self.display_name or self.name

    @property
    def owners(self) -> list[tuple[str, str, str]]:
        """Who answers for it: what as, name and e-mail; only those of whom something is known."""
        named = [
            (_("Business owner"), self.business_owner, self.business_owner_email),
            (_("Technical owner"), self.technical_owner, self.technical_owner_email),
        ]
        return [(role, name, email) for role, name, email in named if name or email]

    @property
    def links(self) -> list[tuple[str, str, str]]:
        """The pages about it: what each is, its address, and its host for those who read."""
        known = [(_("Source"), self.source_link), (_("Chat"), self.chat_link), (_("Support"), self.support_link)]
        return [(what, address, urlsplit(address).hostname or address) for what, address in known if address]

    @property
    def stage(self) -> State:
        """The lifecycle state as the table knows it."""
        return State(self.state)


class Thumbnail(models.Model):
    """The picture of an API as `publisher.thumbnails` keeps it, in a row of its own: lists do not read it."""

    api = models.OneToOneField(Api, on_delete=models.CASCADE, primary_key=True, related_name="picture")
    image = models.BinaryField()
