"""APIs, their plans and revisions, and all that hangs on an API; in one module, for nearly every row refers to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.http import HttpResponse

from core.downloads import download
from core.folded import FoldedText, Folding, KeepsFolded
from core.text import fold
from publisher import comment_terms, document_terms, plan_summary, scope_terms
from publisher.comment_terms import EntryPoint
from publisher.document_terms import TYPE_LABELS, VISIBILITY_LABELS, DocumentType, DocumentVisibility, Source
from publisher.lifecycle import LONGEST_REASON, Action, RequestStatus, State
from publisher.plan_terms import (
    MOST_APPLICATIONS,
    OVER_QUOTA,
    OVER_RATE,
    Billing,
    CountedDirection,
    ExceededAction,
    QuotaPeriod,
    QuotaUnit,
)
from publisher.presentation import (
    CATEGORY_DESCRIPTION_LENGTH,
    CATEGORY_NAME_LENGTH,
    DISPLAY_NAME_LENGTH,
    EMAIL_LENGTH,
    LINK_LENGTH,
    OWNER_LENGTH,
    AccessControl,
    Visibility,
)
from publisher.runtime import OVER_BYTES, ValidationMode, all_key_managers, all_key_types


def _choices(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.value.capitalize()) for word in words]


class FoldedProperties(FoldedText):
    """The column of an API's properties, each on a line: `+` if it is shown or `-`, its name, a tab, its value."""

    def made_of(self, value: Any) -> str:
        """The lines, folded; white space within a value counts as one space."""
        marked = ((each, "+" if each["shown"] else "-") for each in value or ())
        lines = (f"{mark}{fold(each['name'])}\t{' '.join(fold(each['value']).split())}\n" for each, mark in marked)
        return "".join(["\n", *lines])


class Plan(KeepsFolded):
    """A business plan: what one subscription may send. A limit that is null does not apply.

    Units: `quota` counts messages or bytes (`quota_unit`) per `quota_period`; `rate` is messages a second with
    `burst` messages at once; `connections` are open at the same time per subscription; `connects` are new
    connections a minute; `message_bytes` is the largest message; `applications` is how many of them one person may
    subscribe to an API. Under an `uncompressed` plan nothing is compressed on the way, so that bytes are those inside.
    """

    audit_kind: ClassVar = "plan"

    name = models.CharField(max_length=60)
    display_name = models.CharField(max_length=512)
    description = models.CharField(max_length=1024, blank=True)
    billing = models.CharField(max_length=12, choices=_choices(Billing), default=Billing.FREE.value)
    roles = models.JSONField(default=list, blank=True)
    quota = models.PositiveBigIntegerField(null=True, blank=True)
    quota_unit = models.CharField(max_length=8, choices=_choices(QuotaUnit), default=QuotaUnit.MESSAGES.value)
    quota_period = models.CharField(max_length=8, choices=_choices(QuotaPeriod), default=QuotaPeriod.DAY.value)
    rate = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    connections = models.PositiveIntegerField(null=True, blank=True)
    connects = models.PositiveIntegerField(null=True, blank=True)
    message_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    applications = models.PositiveIntegerField(null=True, blank=True, default=MOST_APPLICATIONS)
    counted = models.CharField(max_length=8, choices=_choices(CountedDirection), default=CountedDirection.BOTH.value)
    over_rate = models.CharField(max_length=8, choices=_choices(OVER_RATE), default=ExceededAction.DELAY.value)
    over_quota = models.CharField(max_length=8, choices=_choices(OVER_QUOTA), default=ExceededAction.CLOSE.value)
    requires_approval = models.BooleanField(default=False)
    uncompressed = models.BooleanField(default=False)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="plan_name_unique_in_any_case")]

    def __str__(self) -> str:
        return self.display_name

    def audit_detail(self) -> dict[str, Any]:
        return {"plan_id": str(self.pk), "plan": self.name}

    @property
    def is_quota_kept(self) -> bool:
        """Whether the quota stops anything; else it says only what is meant to be used."""
        return self.over_quota != ExceededAction.PASS

    @property
    def summary(self) -> str:
        """The limits on one line, for people who choose."""
        return plan_summary.in_words(
            quota=self.quota,
            quota_unit=self.quota_unit,
            quota_period=self.quota_period,
            is_quota_kept=self.is_quota_kept,
            rate=self.rate,
            connections=self.connections,
            connects=self.connects,
            message_bytes=self.message_bytes,
        )


class Category(KeepsFolded):
    """A shelf of the catalogue. Administrators make them, creators put their APIs on them."""

    audit_kind: ClassVar = "category"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=CATEGORY_NAME_LENGTH)
    description = models.CharField(max_length=CATEGORY_DESCRIPTION_LENGTH, blank=True)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="category_name_unique")]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"category_id": str(self.pk), "category": self.name}


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
        max_length=8, choices=_choices(ValidationMode), default=ValidationMode.OFF.value
    )
    message_rate = models.PositiveIntegerField(default=0)
    over_rate = models.CharField(max_length=8, choices=_choices(OVER_RATE), default=ExceededAction.DELAY.value)
    byte_quota = models.PositiveBigIntegerField(default=0)
    byte_period = models.CharField(max_length=8, choices=_choices(QuotaPeriod), default=QuotaPeriod.MINUTE.value)
    over_byte_quota = models.CharField(max_length=8, choices=_choices(OVER_BYTES), default=ExceededAction.CLOSE.value)
    redacted = models.JSONField(default=list, blank=True)
    plans = models.ManyToManyField(Plan, related_name="apis", blank=True)
    first_plan = models.CharField(max_length=60, blank=True)
    categories = models.ManyToManyField(Category, related_name="apis", blank=True)
    thumbnail = models.CharField(max_length=64, blank=True)
    visibility = models.CharField(max_length=12, choices=_choices(Visibility), default=Visibility.PUBLIC.value)
    visible_roles = models.JSONField(default=list, blank=True)
    access_control = models.CharField(max_length=12, choices=_choices(AccessControl), default=AccessControl.NONE.value)
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
            ("Business owner", self.business_owner, self.business_owner_email),
            ("Technical owner", self.technical_owner, self.technical_owner_email),
        ]
        return [(role, name, email) for role, name, email in named if name or email]

    @property
    def links(self) -> list[tuple[str, str, str]]:
        """The pages about it: what each is, its address, and its host for those who read."""
        known = [("Source", self.source_link), ("Chat", self.chat_link), ("Support", self.support_link)]
        return [(what, address, urlsplit(address).hostname or address) for what, address in known if address]

    @property
    def stage(self) -> State:
        """The lifecycle state as the table knows it."""
        return State(self.state)


class Thumbnail(models.Model):
    """The picture of an API as `publisher.thumbnails` keeps it, in a row of its own: lists do not read it."""

    api = models.OneToOneField(Api, on_delete=models.CASCADE, primary_key=True, related_name="picture")
    image = models.BinaryField()

    def __str__(self) -> str:
        return f"Thumbnail of {self.api_id}"


class Document(KeepsFolded):
    """What is written about an API: Markdown kept here, a file (`DocumentFile`), or an address elsewhere.

    `position` is its place in the list. `updated_at` guards an edit.
    """

    audit_kind: ClassVar = "document"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=document_terms.NAME_LENGTH)
    type = models.CharField(
        max_length=20,
        choices=[(each.value, TYPE_LABELS[each]) for each in DocumentType],
        default=DocumentType.HOWTO.value,
    )
    other_type = models.CharField(max_length=document_terms.NAME_LENGTH, blank=True)
    summary = models.TextField(max_length=document_terms.SUMMARY_LENGTH, blank=True)
    source = models.CharField(max_length=8, choices=_choices(Source), default=Source.MARKDOWN.value)
    content = models.TextField(max_length=document_terms.TEXT_LENGTH, blank=True)
    url = models.CharField(max_length=document_terms.URL_LENGTH, blank=True)
    visibility = models.CharField(
        max_length=10,
        choices=[(each.value, VISIBILITY_LABELS[each]) for each in DocumentVisibility],
        default=DocumentVisibility.API_LEVEL.value,
    )
    position = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField()
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "name_key"], name="document_name_unique")]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "document": self.name}

    @property
    def is_text(self) -> bool:
        """Whether its content is Markdown that is kept here."""
        return self.source in document_terms.TEXTS

    @property
    def type_label(self) -> str:
        """What it is for, in words."""
        return self.other_type or TYPE_LABELS[DocumentType(self.type)]


class DocumentFile(models.Model):
    """The file of a document, apart from it so that lists do not read files."""

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="file")
    name = models.CharField(max_length=document_terms.FILE_NAME_LENGTH)
    media_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    body = models.BinaryField()

    def __str__(self) -> str:
        return self.name

    def as_download(self) -> HttpResponse:
        """The file as an answer, to save."""
        return download(self.name, self.media_type, bytes(self.body))


class Scope(models.Model):
    """What a token may be allowed, as topics name it: of one API, or shared by all (`api` is null).

    `roles` are those whose people get it; none: everybody. It acts at once, on tokens made from then on.
    """

    audit_kind: ClassVar = "scope"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="scopes", null=True, blank=True)
    name = models.CharField(max_length=scope_terms.NAME_LENGTH)
    display_name = models.CharField(max_length=scope_terms.DISPLAY_NAME_LENGTH, blank=True)
    description = models.CharField(max_length=scope_terms.DESCRIPTION_LENGTH, blank=True)
    roles = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api", "name"], name="scope_of_an_api_unique"),
            models.UniqueConstraint(fields=["name"], condition=models.Q(api=None), name="shared_scope_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"scope": self.name, "api_id": str(self.api_id) if self.api_id else ""}


class Comment(models.Model):
    """What somebody says about an API, in either portal; `parent` is the comment that it answers, one level deep."""

    audit_kind: ClassVar = "comment"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="replies")
    text = models.CharField(max_length=comment_terms.LENGTH)
    category = models.CharField(max_length=30, default="general")
    entry_point = models.CharField(max_length=10, choices=_choices(EntryPoint))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["api", "parent", "-created_at"], name="comments_of_an_api"),
            models.Index(fields=["author", "-created_at"], name="comments_of_a_person"),
        ]

    def __str__(self) -> str:
        return self.text[:40]

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "author": self.author.username}


class Revision(models.Model):
    """What an API was at one moment: an immutable snapshot of all that routing, policy and endpoints need.

    `breaking` are the sentences of `publisher.asyncapi.changes.breaking`, against what was deployed when it was made.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    description = models.CharField(max_length=255, blank=True)
    snapshot = models.JSONField()
    breaking = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "number"], name="revision_number_unique")]

    def __str__(self) -> str:
        return f"{self.api} revision {self.number}"


class LifecycleRequest(models.Model):
    """A step of an API's life that waits for an administrator, or what became of it.

    `state` is the one in which it was asked for, `checklist` holds the check items as `publisher.lifecycle.Checklist`
    does. `decided_by` is who approved or rejected it, saying `reason`, or took it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="lifecycle_requests")
    action = models.CharField(max_length=24, choices=[(action.value, action.value) for action in Action])
    state = models.CharField(max_length=12, choices=[(s.value, s.label) for s in State])
    checklist = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=12, choices=_choices(RequestStatus), default=RequestStatus.PENDING.value)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["api"],
                condition=models.Q(status=RequestStatus.PENDING.value),
                name="one_pending_request_of_an_api",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["status", "-created_at"], name="lifecycle_requests_by_status")]

    def __str__(self) -> str:
        return f"{self.action} {self.api}"


class WorkingCopy(models.Model):
    """The design as it was when somebody tried it out last: what keys for the working copy reach at the gateway.

    Its `id` is another one whenever the snapshot is, and keys name it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="working_copy")
    snapshot = models.JSONField()
    taken_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.api} as designed"


class DeployedChange(models.Model):
    """How one deployment changed what clients meet, kept for developers also when its revisions are deleted.

    `before` and `revision` are the numbers of the two; `changes` are those of `publisher.asyncapi.changes.changes`,
    `breaking` the sentences of `publisher.snapshots.breaking_between`.
    """

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="deployed_changes")
    before = models.PositiveIntegerField()
    revision = models.PositiveIntegerField()
    description = models.CharField(max_length=255, blank=True)
    changes = models.JSONField(default=list, blank=True)
    breaking = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["api", "-at"], name="deployed_changes_of_an_api")]

    def __str__(self) -> str:
        return f"{self.api}: revision {self.before} to {self.revision}"


class ImportDraft(models.Model):
    """A file that somebody uploaded to import, until they say what becomes of it or a day has passed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    content = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"upload of {self.owner}"
