"""Who may do what: every address and operation, tried by everybody, against one table.

Read a line as: method, route, what the route names, and the status that each of the seven gets. 2xx is done, 302 on a
page is done too (or, for nobody, the way to sign in); 403 is refused; 404 is hidden. Every line is tried as it would
succeed for somebody who may, so that a refusal is about the person and not about what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.template.backends.django import Template
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from accounts import installation
from accounts.access import FRESH
from accounts.models import InstallationSettings, Notification, Passkey, SignIn, User
from accounts.notification_kinds import NotificationKind
from accounts.operations import invite, note_sign_in, notify
from accounts.operations.recovery import CONFIRMATION
from accounts.roles import Role
from core.models import AuditEntry
from devportal.models import Application, ApplicationAttribute, ClientSecret, DenyPolicy, Membership, OwnerBlock
from devportal.operations.approvals import QUEUES
from devportal.operations.service_accounts import create_service_account
from devportal.sharing import Right
from gateway.models import ConnectionRecord, Recording, WorkerRecord
from publisher import archives
from publisher import operations as publishing
from publisher.comment_terms import EntryPoint
from publisher.document_terms import Upload
from publisher.endpoint import OPTION_BOUNDS, EndpointOptions
from publisher.lifecycle import Action
from publisher.models import Api, LifecycleRequest
from publisher.operations import comments, documents, scopes
from tests.conftest import PASSWORD
from tests.devportal import builders
from tests.oauth.flows import ALL_GRANTS, CALLBACK, challenge
from tests.publisher.builders import BACKEND, NOW, RUNTIME, make_api, picture, plans

PEOPLE = ("nobody", "carol", "mallory", "alice", "bob", "oscar", "admin")
WHO = "nobody; Carol, who owns the application; Mallory; Alice, creator; Bob, publisher; Oscar, observer; admin"


@dataclass(frozen=True)
class Line:
    """One line of the table. `args` and words in braces in `query` and `body` name things of the world below."""

    method: str
    route: str
    expected: str
    args: tuple[str, ...] = ()
    query: str = ""
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.query}".strip()

    @property
    def is_rest(self) -> bool:
        """Whether the body goes as JSON."""
        return self.route.startswith("api:")


@dataclass
class World:
    """What the lines speak of: Alice's APIs, Carol's application and all that hangs on it."""

    people: dict[str, User]
    things: dict[str, Any] = field(default_factory=dict)

    def fill(self, value: Any) -> Any:
        """`value` with words in braces replaced."""
        if isinstance(value, str):
            return value.format_map(self.things)
        if isinstance(value, dict):
            return {key: self.fill(each) for key, each in value.items()}
        return [self.fill(each) for each in value] if isinstance(value, list) else value


# --- the table -----------------------------------------------------------------------------------------------

OPEN = "200 200 200 200 200 200 200"
LEADS_ON = "302 302 302 302 302 302 302"
SIGNED_IN = "302 200 200 200 200 200 200"

# Pages of the Publisher: developers are strangers there.
READ = "302 404 404 200 200 200 200"
EDITED = "302 404 404 302 403 403 302"
DELIVERED = "302 404 404 403 302 403 302"

WRITTEN = "302 404 404 302 302 403 302"

# Pages of the Developer Portal: who is no developer is refused; somebody else's application is hidden, even from admin.
FOR_CREATORS = FOR_TEAM = "404 404 404 200 200 200 200"
HIDDEN = "302 404 404 403 403 403 404"
DEVELOPERS = "302 200 200 403 403 403 200"
DONE_BY_DEVELOPERS = "302 302 302 403 403 403 302"
MINE = "302 200 404 403 403 403 404"
DONE_TO_MINE = "302 302 404 403 403 403 404"

# An application of Carol's that is shared with Mallory, for more than this and for less.
SHARED = "302 200 200 403 403 403 404"
DONE_TO_SHARED = "302 302 302 403 403 403 404"
NOT_SHARED_FOR_IT = "302 200 403 403 403 403 404"
NOT_TO_BE_DONE = "302 302 403 403 403 403 404"

FOR_ADMIN = "302 403 403 403 403 403 200"

# The OAuth endpoints look at clients and tokens, not at who is signed in.
CLIENTS = "401 401 401 401 401 401 401"

REST_SIGNED_IN = "401 200 200 200 200 200 200"
REST_LISTED = "401 403 403 200 200 200 200"
REST_READ = "401 404 404 200 200 200 200"
REST_WRITTEN = "401 404 404 200 200 403 200"
REST_DELIVERED = "401 404 404 403 200 403 200"
REST_MINE = "401 200 404 404 404 404 404"
REST_MINE_MADE = "401 201 404 404 404 404 404"
REST_MINE_GONE = "401 200 404 404 404 404 404"

BULK = "302 403 403 403 200 403 200"
BASIC = {"description": "New.", "tags": "", "visibility": "PUBLIC", "access_control": "NONE"}
NEW = "another horse battery staple"
ECHO = {"name": "Other", "context": "/other", "version": "1"}
OPTIONS = {name: value for name, value in EndpointOptions().to_document().items() if name in OPTION_BOUNDS}
DOCUMENT = {"name": "Guide", "type": "HOWTO", "visibility": "API_LEVEL", "source": "MARKDOWN", "content": "New."}
DOCUMENT_BODY = {"name": "Guide", "type": "HOWTO", "visibility": "API_LEVEL", "sourceType": "MARKDOWN"}
PLAN = {
    "quota_unit": "messages",
    "quota_period": "day",
    "counted": "both",
    "over_quota": "close",
    "over_rate": "delay",
    "billing": "FREE",
}
APPROVE = {"decision": "approve"}
APPLICATION = {"name": "New", "plan": "Unlimited", "token_type": "JWT"}
TOKEN = {"scopes": ["default"], "seconds": "60"}
GRANTS = {"grant_types": ["client_credentials"], "token_seconds": "60"}
DEFINITION = "asyncapi: 3.0.0\ninfo:\n  title: Other\n  version: '1'\nchannels:\n  rooms:\n    address: /rooms\n"
API = {"name": "EchoWebSocket", "context": "/echowebsocket", "version": "1.0.0"}
CONSENT = {
    "client_id": "{client_id}",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "default",
    "code_challenge": challenge(),
    "code_challenge_method": "S256",
}
SUBSCRIPTION = {"applicationId": "{application}", "apiId": "{free}", "throttlingPolicy": "Gold"}
GUARDED = {"name": "Guarded", "context": "/guarded", "version": "1.0.0", "description": "New."}
FOR_ROLE = {"visible_roles": ["creator"]}
KEYS = {"keyType": "SANDBOX", "grantTypesToBeSupported": ["client_credentials"]}

PICTURE = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.png", picture())})

PUBLISHER_PAGES = [
    Line("GET", "publisher:home", LEADS_ON),
    Line("GET", "publisher:apis", "302 403 403 200 200 200 200"),
    Line("GET", "publisher:create", "302 403 403 200 403 403 200"),
    Line("POST", "publisher:create", "302 403 403 302 403 403 302", body={**ECHO, "plans": ["Gold"]}),
    Line("POST", "publisher:sample", "302 403 403 302 403 403 302"),
    Line(
        "POST",
        "publisher:create",
        "302 403 403 403 403 403 302",
        query="publish",
        body={**ECHO, "endpoint": BACKEND, "plans": ["Gold"], "publish": "1"},
    ),
    Line("GET", "publisher:import", "302 403 403 200 403 403 200"),
    Line("POST", "publisher:import", "302 403 403 400 403 403 400"),  # without a file: see test_exchange.py
    Line("GET", "publisher:import-draft", "302 403 403 200 403 403 404", ("draft_import",)),
    Line(
        "POST",
        "publisher:import-draft",
        "302 403 403 302 403 403 404",
        ("draft_import",),
        body={"mode": "new", "name": "Imported", "context": "/imported", "version": "1"},
    ),
    Line("GET", "publisher:field-checks", "302 403 403 200 403 403 200", query="field=name&value=Chat"),
    Line(
        "POST",
        "publisher:endpoint-tests",
        "302 403 403 200 403 403 200",
        body={"endpoint": "nonsense", "test": "endpoint"},
    ),
    Line("GET", "publisher:api", READ, ("api",)),
    Line("GET", "publisher:basic-info", READ, ("api",)),
    Line("POST", "publisher:basic-info", EDITED, ("api",), body={"seen": "{seen}", **BASIC}),
    Line("GET", "publisher:business-info", READ, ("api",)),
    Line("POST", "publisher:business-info", EDITED, ("api",), body={"seen": "{seen}", "business_owner": "Dora"}),
    Line("GET", "publisher:properties", READ, ("api",)),
    Line("POST", "publisher:properties", EDITED, ("api",), body={"seen": "{seen}", "name_0": "team", "value_0": "A"}),
    Line("GET", "publisher:thumbnail", READ, ("chosen",)),
    Line("POST", "publisher:thumbnail", EDITED, ("api",), body={"remove": "1"}),
    Line("POST", "publisher:previews", "302 403 403 200 200 200 200", body={"description": "**New**"}),
    Line("GET", "publisher:bulk-transitions", BULK, query="action=Publish&apis={draft}+CREATED"),
    Line("POST", "publisher:bulk-transitions", BULK, body={"action": "Publish", "apis": "{draft} CREATED"}),
    # An API that only its provider and creators who are publishers too may edit.
    Line("GET", "publisher:basic-info", READ, ("guarded",)),
    Line(
        "POST",
        "publisher:basic-info",
        "302 404 404 403 403 403 302",
        ("guarded",),
        body={"seen": "{seen_guarded}", "context": "/guarded", **BASIC},
    ),
    Line("POST", "publisher:versions", "302 404 404 403 403 403 302", ("guarded",), body={"version": "2.0.0"}),
    Line("GET", "publisher:endpoint", READ, ("api",)),
    Line("POST", "publisher:endpoint", EDITED, ("api",), body={**OPTIONS, "seen": "{seen}", "production_url": BACKEND}),
    Line("GET", "publisher:runtime", READ, ("api",)),
    Line("POST", "publisher:runtime", EDITED, ("api",), body={**RUNTIME, "seen": "{seen}", "key_types": ["SANDBOX"]}),
    Line("GET", "publisher:violations", READ, ("api",)),
    Line("POST", "publisher:violation-deletions", "302 404 404 302 302 403 302", ("api",)),
    Line("GET", "publisher:topics", READ, ("api",)),
    Line("GET", "publisher:topic", READ, ("api",), query="topic=/rooms"),
    Line(
        "POST",
        "publisher:topic",
        EDITED,
        ("api",),
        body={"seen": "{seen}", "original": "", "target": "/lobby", "verbs": ["publish"]},
    ),
    Line("GET", "publisher:message", READ, ("api",), query="topic=/rooms&direction=publish"),
    Line(
        "POST",
        "publisher:message",
        EDITED,
        ("api",),
        query="topic=/rooms&direction=publish",
        body={"seen": "{seen}", "name": "say"},
    ),
    Line("POST", "publisher:topic-moves", EDITED, ("api",), body={"topic": "/rooms", "to": "up"}),
    Line("POST", "publisher:topic-deletions", EDITED, ("api",), body={"topic": "/rooms"}),
    Line("GET", "publisher:definition", READ, ("api",)),
    Line("GET", "publisher:definition-file", READ, ("api",), query="version=2.6&format=json"),
    Line("GET", "publisher:definition-edit", "302 404 404 200 403 403 200", ("api",)),
    Line(
        "POST", "publisher:definition-edit", EDITED, ("api",), body={"take": "1", "seen": "{seen}", "text": DEFINITION}
    ),
    Line("GET", "publisher:create-from-definition", "302 403 403 200 403 403 200"),
    Line(
        "POST",
        "publisher:create-from-definition",
        "302 403 403 302 403 403 302",
        body={**ECHO, "plans": ["Gold"], "text": DEFINITION},
    ),
    Line("GET", "publisher:plans", READ, ("api",)),
    Line("POST", "publisher:plans", DELIVERED, ("api",), body={"seen": "{seen}", "plans": ["Gold"]}),
    Line(
        "POST",
        "publisher:plans",
        "302 404 404 302 302 403 302",
        ("draft",),
        body={"seen": "{seen_draft}", "plans": ["Gold"]},
    ),
    Line("GET", "publisher:deployments", READ, ("api",)),
    Line("POST", "publisher:deployments", DELIVERED, ("api",), body={"revision": "{revision}"}),
    Line("POST", "publisher:revisions", "302 404 404 302 302 403 302", ("api",), body={"description": "New."}),
    Line("POST", "publisher:revision-deletion", "302 404 404 302 302 403 302", ("api", "revision")),
    Line("GET", "publisher:comparison", READ, ("api",)),
    Line("POST", "publisher:undeployment", DELIVERED, ("api",)),
    Line("POST", "publisher:restorations", EDITED, ("api",), body={"revision": "{revision}"}),
    Line("GET", "publisher:lifecycle", READ, ("api",)),
    Line("POST", "publisher:transitions", DELIVERED, ("draft",), body={"action": "Publish", "seen": "CREATED"}),
    Line("GET", "publisher:export", READ, ("api",)),
    Line("GET", "publisher:versions", READ, ("api",)),
    Line("POST", "publisher:default-version", EDITED, ("api",)),
    Line("POST", "publisher:versions", EDITED, ("api",), body={"version": "2.0.0"}),
    Line("POST", "publisher:lifecycle-withdrawals", DELIVERED, ("waiting",)),
    Line("GET", "publisher:deletion", "302 404 404 403 403 403 200", ("api",)),
    Line("GET", "publisher:deletion", "302 404 404 200 403 403 200", ("draft",)),
    Line("POST", "publisher:deletion", EDITED, ("draft",)),
    Line("POST", "publisher:deletion", "302 404 404 403 403 403 302", ("api",), body={"confirmation": "EchoWebSocket"}),
    Line("GET", "publisher:documents", READ, ("api",)),
    Line("GET", "publisher:document-create", "302 404 404 200 200 403 200", ("api",)),
    Line("POST", "publisher:document-create", WRITTEN, ("api",), body={**DOCUMENT, "name": "New"}),
    Line("GET", "publisher:document", READ, ("api", "document")),
    Line("POST", "publisher:document", WRITTEN, ("api", "document"), body={**DOCUMENT, "seen": "{seen_document}"}),
    Line("POST", "publisher:document-moves", WRITTEN, ("api", "document"), body={"direction": "down"}),
    Line("POST", "publisher:document-deletions", WRITTEN, ("api", "document")),
    Line("GET", "publisher:document-file", READ, ("api", "file")),
    Line("GET", "publisher:comments", READ, ("api",)),
    Line("POST", "publisher:comments", WRITTEN, ("api",), body={"text": "Hello"}),
    Line("POST", "publisher:comment", "302 404 404 403 403 403 403", ("api", "comment"), body={"text": "Hello"}),
    Line("POST", "publisher:comment-deletions", DELIVERED, ("api", "comment")),
    Line("GET", "publisher:scopes", READ, ("api",)),
    Line("GET", "publisher:scope-create", "302 404 404 200 403 403 200", ("api",)),
    Line("POST", "publisher:scope-create", EDITED, ("api",), body={"name": "new"}),
    Line("GET", "publisher:scope", "302 404 404 200 403 403 200", ("api", "scope")),
    Line("POST", "publisher:scope", EDITED, ("api", "scope"), body={"seen": "{seen_scope}"}),
    Line("POST", "publisher:scope-deletions", EDITED, ("api", "scope")),
    Line("GET", "devportal:trial", READ, ("api",)),
    Line("POST", "devportal:trial-tickets", "302 404 404 200 200 403 200", ("api",)),
    Line("GET", "devportal:trial-diagnosis", READ, ("api",)),
    Line("POST", "devportal:trial-checks", "302 404 404 200 200 200 200", ("api",), body={"kind": "0.0", "text": "[]"}),
    Line("GET", "devportal:subscribers", READ, ("api",)),
    Line("POST", "devportal:subscriber-states", DELIVERED, ("api", "subscription"), body={"state": "BLOCKED"}),
    Line("POST", "devportal:block-deletions", DELIVERED, ("api", "block")),
    Line("POST", "devportal:subscriber-plans", DELIVERED, ("api", "subscription"), body={"plan": "Silver"}),
]

DEVPORTAL_PAGES = [
    Line("GET", "devportal:home", LEADS_ON),
    Line("GET", "devportal:catalogue", OPEN),
    Line("GET", "devportal:api", OPEN, ("api",)),
    Line("GET", "devportal:definition", OPEN, ("api",)),
    Line("GET", "devportal:code", OPEN, ("api",)),
    Line("POST", "devportal:ratings", LEADS_ON, ("api",), body={"stars": "5"}),
    Line("POST", "devportal:ratings", "302 404 404 404 404 404 404", ("draft",), body={"stars": "5"}),
    Line("POST", "devportal:follows", LEADS_ON, ("api",), body={"follow": "1"}),
    Line("POST", "devportal:follows", "302 404 404 404 404 404 404", ("draft",), body={"follow": "1"}),
    Line("GET", "devportal:code", FOR_TEAM, ("private",)),
    Line("GET", "devportal:changes", OPEN, ("api",)),
    Line("GET", "devportal:changes", "404 404 404 404 404 404 404", ("draft",)),
    Line("GET", "devportal:definition-file", OPEN, ("api",)),
    Line("GET", "devportal:definition", "404 404 404 404 404 404 404", ("draft",)),
    Line("GET", "devportal:api", "404 404 404 404 404 404 404", ("draft",)),
    # By role: creators only, and its team. Private: only its team.
    Line("GET", "devportal:api", FOR_CREATORS, ("chosen",)),
    Line("GET", "devportal:api", FOR_TEAM, ("private",)),
    Line("GET", "devportal:thumbnail", FOR_CREATORS, ("chosen",)),
    Line("GET", "devportal:credentials", "302 404 404 403 403 403 200", ("private",)),
    Line("GET", "devportal:wizard", "302 404 404 403 403 403 200", ("private",)),
    Line("GET", "devportal:subscription-create", "302 404 404 403 403 403 404", ("application", "private")),
    Line("GET", "devportal:wizard-subscribe", "302 404 404 403 403 403 404", ("private", "application")),
    Line("POST", "devportal:wizard-subscribe", HIDDEN, ("private", "application"), body={"plan": "Gold"}),
    Line("GET", "devportal:credentials", DEVELOPERS, ("api",)),
    Line("GET", "devportal:documents", OPEN, ("api",)),
    Line("GET", "devportal:document", OPEN, ("api", "document")),
    Line("GET", "devportal:document", "404 404 404 404 404 404 404", ("draft", "document")),
    Line("GET", "devportal:document-file", "404 200 200 200 200 200 200", ("api", "file")),
    Line("GET", "devportal:comments", OPEN, ("api",)),
    Line("POST", "devportal:comments", "302 302 302 302 302 403 302", ("api",), body={"text": "Hello"}),
    Line("POST", "devportal:comments", "302 404 404 404 404 404 404", ("draft",), body={"text": "Hello"}),
    Line("POST", "devportal:comment", "302 302 403 403 403 403 403", ("api", "comment"), body={"text": "Hello"}),
    Line("POST", "devportal:comment-deletions", "302 302 403 403 302 403 302", ("api", "comment")),
    Line("GET", "devportal:console", DEVELOPERS, ("api",)),
    Line("GET", "devportal:console", "302 404 404 403 403 403 200", ("private",)),
    Line("POST", "devportal:console-starts", DONE_BY_DEVELOPERS, ("api",)),
    Line("POST", "devportal:console-tickets", MINE, ("api",), body={"key": "{client}"}),
    Line("GET", "devportal:console-attempt", MINE, ("api",), query="key={client}"),
    Line("POST", "devportal:console-checks", DEVELOPERS, ("api",), body={"kind": "0.0", "text": "[]"}),
    Line("GET", "devportal:wizard", DEVELOPERS, ("api",)),
    Line("POST", "devportal:wizard", DONE_BY_DEVELOPERS, ("api",), body={**APPLICATION, "which": "new"}),
    Line(
        "POST",
        "devportal:wizard",
        "302 302 400 403 403 403 400",
        ("api",),
        query="existing",
        body={"which": "existing", "application": "{application}"},
    ),
    Line("GET", "devportal:wizard-subscribe", MINE, ("free", "application")),
    Line("POST", "devportal:wizard-subscribe", DONE_TO_MINE, ("free", "application"), body={"plan": "Gold"}),
    Line("GET", "devportal:wizard-keys", MINE, ("api", "application")),
    Line("POST", "devportal:wizard-keys", DONE_TO_MINE, ("api", "application"), body={**GRANTS, "key_type": "SANDBOX"}),
    Line("GET", "devportal:wizard-token", MINE, ("api", "application", "key_type")),
    Line("POST", "devportal:wizard-token", DONE_TO_MINE, ("api", "application", "key_type"), body=TOKEN),
    Line("GET", "devportal:wizard-connect", MINE, ("api", "application", "key_type")),
    Line("GET", "devportal:applications", DEVELOPERS),
    Line("GET", "devportal:application-create", DEVELOPERS),
    Line("POST", "devportal:application-create", DONE_BY_DEVELOPERS, body=APPLICATION),
    Line("GET", "devportal:application", MINE, ("application",)),
    Line("GET", "devportal:application-edit", MINE, ("application",)),
    Line("POST", "devportal:application-edit", DONE_TO_MINE, ("application",), body=APPLICATION),
    Line(
        "POST", "devportal:application-deletions", DONE_TO_MINE, ("application",), body={"confirmation": "Chat client"}
    ),
    Line("GET", "devportal:members", MINE, ("application",)),
    Line("POST", "devportal:members", DONE_TO_MINE, ("application",), body={"name": "mallory", "right": "1"}),
    Line("POST", "devportal:member-rights", DONE_TO_MINE, ("application", "member"), body={"right": "3"}),
    Line("POST", "devportal:member-deletions", DONE_TO_MINE, ("application", "member")),
    Line("GET", "devportal:application", SHARED, ("to_see",)),
    Line("GET", "devportal:members", SHARED, ("to_see",)),
    Line("GET", "gateway:application-usage", SHARED, ("to_see",)),
    Line("POST", "gateway:recording-consents", NOT_TO_BE_DONE, ("for_keys",), body={"consent": "no"}),
    Line("GET", "devportal:keys", NOT_SHARED_FOR_IT, ("to_see", "key_type")),
    Line("GET", "devportal:keys", SHARED, ("for_keys", "key_type")),
    Line("POST", "devportal:tokens", NOT_TO_BE_DONE, ("to_see", "key_type"), body=TOKEN),
    Line("POST", "devportal:tokens", DONE_TO_SHARED, ("for_keys", "key_type"), body=TOKEN),
    Line("POST", "devportal:secrets", NOT_TO_BE_DONE, ("for_keys", "key_type")),
    Line("POST", "devportal:secrets", DONE_TO_SHARED, ("to_manage", "key_type")),
    Line("GET", "devportal:application-edit", NOT_SHARED_FOR_IT, ("for_keys",)),
    Line("POST", "devportal:application-edit", DONE_TO_SHARED, ("to_manage",), body=APPLICATION),
    Line("POST", "devportal:subscription-create", NOT_TO_BE_DONE, ("for_keys", "free"), body={"plan": "Gold"}),
    Line("POST", "devportal:subscription-create", DONE_TO_SHARED, ("to_manage", "free"), body={"plan": "Gold"}),
    Line("POST", "devportal:members", NOT_TO_BE_DONE, ("to_manage",), body={"name": "admin", "right": "1"}),
    Line("POST", "devportal:application-transfers", NOT_TO_BE_DONE, ("to_manage",), body={"to": "admin"}),
    Line("POST", "devportal:application-deletions", NOT_TO_BE_DONE, ("to_manage",), body={"confirmation": "manage"}),
    Line("POST", "devportal:application-transfers", DONE_TO_MINE, ("application",), body={"to": "mallory"}),
    Line("POST", "devportal:revocations-of-all", DONE_TO_MINE, ("application", "key_type")),
    Line("GET", "devportal:keys", MINE, ("application", "key_type")),
    Line("POST", "devportal:keys", DONE_TO_MINE, ("application", "key_type"), body=GRANTS),
    Line("POST", "devportal:key-mappings", "302 400 404 403 403 403 404", ("application", "key_type")),
    Line("POST", "devportal:secrets", DONE_TO_MINE, ("application", "key_type")),
    Line("POST", "devportal:further-secrets", DONE_TO_MINE, ("application", "key_type"), body={"name": "CI"}),
    Line("POST", "devportal:secret-ends", DONE_TO_MINE, ("application", "key_type", "further")),
    Line("POST", "devportal:tokens", DONE_TO_MINE, ("application", "key_type"), body=TOKEN),
    Line("POST", "devportal:revocations", DONE_TO_MINE, ("application", "key_type", "token")),
    Line("GET", "devportal:subscription-choose", MINE, ("application",)),
    Line("GET", "devportal:subscription-create", MINE, ("application", "free")),
    Line("POST", "devportal:subscription-create", DONE_TO_MINE, ("application", "free"), body={"plan": "Gold"}),
    Line("GET", "devportal:subscription-plan", MINE, ("subscription",)),
    Line("POST", "devportal:subscription-plan", DONE_TO_MINE, ("subscription",), body={"plan": "Silver"}),
    Line("POST", "devportal:subscription-deletions", DONE_TO_MINE, ("subscription",)),
]

ADMINISTERED = "302 403 403 403 403 403 {}"
ADMIN_PAGES = [
    Line("GET", "accounts:administration", LEADS_ON),
    Line("GET", "accounts:trail", LEADS_ON),
    Line("GET", "accounts:invitations", ADMINISTERED.format(200)),
    Line(
        "POST",
        "accounts:invitations",
        ADMINISTERED.format(302),
        body={"email": "erin@example.test", "roles": ["creator"]},
    ),
    Line("POST", "accounts:invitation-sendings", ADMINISTERED.format(302), ("invited",)),
    Line("POST", "accounts:invitation-withdrawals", ADMINISTERED.format(302), ("invited",)),
    Line("GET", "accounts:users", ADMINISTERED.format(200)),
    Line("GET", "accounts:user-create", ADMINISTERED.format(200)),
    Line("POST", "accounts:user-create", ADMINISTERED.format(302), body={"username": "erin", "roles": ["creator"]}),
    Line("GET", "accounts:user", ADMINISTERED.format(200), ("carol",)),
    Line(
        "POST",
        "accounts:user",
        ADMINISTERED.format(302),
        ("carol",),
        body={"roles": ["subscriber", "creator"], "seen": ["subscriber"]},
    ),
    Line("POST", "accounts:user-states", ADMINISTERED.format(302), ("carol",), body={"state": "disabled"}),
    Line("POST", "accounts:user-password-resets", ADMINISTERED.format(302), ("carol",)),
    Line("POST", "accounts:user-second-factor-resets", ADMINISTERED.format(302), ("carol",)),
    Line("POST", "accounts:user-sign-outs", ADMINISTERED.format(302), ("carol",)),
    Line("GET", "devportal-admin:plans", ADMINISTERED.format(200)),
    Line("GET", "devportal-admin:plan-create", ADMINISTERED.format(200)),
    Line("POST", "devportal-admin:plan-create", ADMINISTERED.format(302), body={**PLAN, "name": "Copper"}),
    Line("POST", "devportal-admin:plan-previews", ADMINISTERED.format(200), body=PLAN),
    Line("GET", "devportal-admin:plan", ADMINISTERED.format(200), ("plan",)),
    Line("POST", "devportal-admin:plan", ADMINISTERED.format(302), ("plan",), body=PLAN),
    Line("POST", "devportal-admin:plan-deletions", ADMINISTERED.format(302), ("unused_plan",)),
    Line("GET", "devportal-admin:application-plans", ADMINISTERED.format(200)),
    Line("GET", "devportal-admin:application-plan-create", ADMINISTERED.format(200)),
    Line("POST", "devportal-admin:application-plan-create", ADMINISTERED.format(302), body={"name": "5PerMin"}),
    Line("GET", "devportal-admin:application-plan", ADMINISTERED.format(200), ("application_plan",)),
    Line("POST", "devportal-admin:application-plan", ADMINISTERED.format(302), ("application_plan",), body={"x": "y"}),
    Line("POST", "devportal-admin:application-plan-deletions", ADMINISTERED.format(302), ("unused_application_plan",)),
    Line("GET", "devportal-admin:deny-policies", ADMINISTERED.format(200)),
    Line("POST", "devportal-admin:deny-policies", ADMINISTERED.format(302), body={"kind": "USER", "value": "mallory"}),
    Line("POST", "devportal-admin:deny-policy-states", ADMINISTERED.format(302), ("denied",), body={"state": "off"}),
    Line("POST", "devportal-admin:deny-policy-deletions", ADMINISTERED.format(302), ("denied",)),
    Line("GET", "devportal-admin:service-accounts", ADMINISTERED.format(200)),
    Line(
        "POST", "devportal-admin:service-accounts", ADMINISTERED.format(302), body={"name": "x", "roles": ["creator"]}
    ),
    Line("GET", "devportal-admin:service-account", ADMINISTERED.format(200), ("service_client",)),
    Line("POST", "devportal-admin:service-account-secrets", ADMINISTERED.format(302), ("service_client",)),
    Line("GET", "devportal-admin:attributes", ADMINISTERED.format(200)),
    Line("POST", "devportal-admin:attributes", ADMINISTERED.format(302), body={"name": "Team"}),
    Line("GET", "devportal-admin:attribute", ADMINISTERED.format(200), ("attribute",)),
    Line("POST", "devportal-admin:attribute", ADMINISTERED.format(302), ("attribute",), body={"description": "New."}),
    Line("POST", "devportal-admin:attribute-deletions", ADMINISTERED.format(302), ("attribute",)),
    Line("GET", "devportal-admin:approvals", ADMINISTERED.format(200)),
    Line("POST", "devportal-admin:decisions", ADMINISTERED.format(302), ("accounts", "newcomer"), body=APPROVE),
    Line("POST", "devportal-admin:decisions", ADMINISTERED.format(302), ("applications", "unapproved"), body=APPROVE),
    Line("POST", "devportal-admin:decisions", ADMINISTERED.format(302), ("subscriptions", "on_hold"), body=APPROVE),
    Line("GET", "accounts:settings", ADMINISTERED.format(200)),
    Line("POST", "accounts:settings", ADMINISTERED.format(302), body={"sign_up": "approval"}),
    Line("GET", "accounts:audit-log", ADMINISTERED.format(200)),
    Line("GET", "accounts:audit-log-export", ADMINISTERED.format(200), ("csv",)),
    Line("GET", "publisher-admin:categories", ADMINISTERED.format(200)),
    Line("POST", "publisher-admin:categories", ADMINISTERED.format(302), body={"name": "Other"}),
    Line("GET", "publisher-admin:category", ADMINISTERED.format(200), ("category",)),
    Line("POST", "publisher-admin:category", ADMINISTERED.format(302), ("category",), body={"name": "Other"}),
    Line("POST", "publisher-admin:category-deletions", ADMINISTERED.format(302), ("category",)),
    Line("GET", "publisher-admin:lifecycle-requests", ADMINISTERED.format(200)),
    Line(
        "POST",
        "publisher-admin:lifecycle-decisions",
        ADMINISTERED.format(302),
        ("lifecycle_request",),
        body={"decision": "reject", "reason": "Not yet."},
    ),
    Line("GET", "publisher-admin:scopes", ADMINISTERED.format(200)),
    Line("GET", "publisher-admin:scope-create", ADMINISTERED.format(200)),
    Line("POST", "publisher-admin:scope-create", ADMINISTERED.format(302), body={"name": "new"}),
    Line("GET", "publisher-admin:scope", ADMINISTERED.format(200), ("shared_scope",)),
    Line("POST", "publisher-admin:scope", ADMINISTERED.format(302), ("shared_scope",), body={"seen": "{seen_scope}"}),
    Line("POST", "publisher-admin:scope-deletions", ADMINISTERED.format(302), ("shared_scope",)),
]

ACCOUNT_PAGES = [
    Line("GET", "accounts:sign-in", "200 302 302 302 302 302 302", ("administration",)),
    Line("GET", "accounts:account", SIGNED_IN, ("administration",)),
    Line("GET", "accounts:sign-up", "200 302 302 302 302 302 302"),
    Line("GET", "accounts:sign-in", "200 302 302 302 302 302 302", ("devportal",)),
    Line("GET", "accounts:sign-in", "200 302 302 302 302 302 302", ("publisher",)),
    Line("POST", "accounts:sign-in", LEADS_ON, ("devportal",), body={"username": "carol", "password": PASSWORD}),
    Line("POST", "accounts:sign-out", LEADS_ON, ("devportal",)),
    Line("GET", "accounts:account", SIGNED_IN, ("devportal",)),
    Line("GET", "accounts:account", SIGNED_IN, ("publisher",)),
    Line("GET", "accounts:password", SIGNED_IN, ("devportal",)),
    Line("POST", "accounts:account", LEADS_ON, ("devportal",), body={"first_name": "New"}),
    Line(
        "POST", "accounts:password", LEADS_ON, ("devportal",), body={"current_password": PASSWORD, "new_password": NEW}
    ),
    Line("POST", "accounts:sign-up", LEADS_ON, body={"username": "newcomer", "password": NEW}),
    Line("GET", "accounts:sign-ins", SIGNED_IN, ("devportal",)),
    Line("POST", "accounts:sign-in-ends-of-others", LEADS_ON, ("devportal",)),
    Line("POST", "accounts:sign-in-ends", "302 302 404 404 404 404 404", ("devportal", "session")),
    Line("GET", "accounts:second-step", LEADS_ON, ("devportal",)),
    Line("POST", "accounts:second-step", LEADS_ON, ("devportal",), body={"code": "123456"}),
    Line("POST", "accounts:passkey-sign-in", LEADS_ON, ("devportal",), body={"credential": "{{}}"}),
    Line("POST", "accounts:challenges", OPEN, ("devportal", "purpose")),
    Line("GET", "accounts:confirmation", SIGNED_IN, ("devportal",)),
    Line("POST", "accounts:confirmation", LEADS_ON, ("devportal",), body={"password": PASSWORD}),
    Line("GET", "accounts:second-factor", SIGNED_IN, ("devportal",)),
    Line("GET", "accounts:app", SIGNED_IN, ("devportal",)),
    Line("POST", "accounts:app", "302 400 400 400 400 400 400", ("devportal",), body={"code": "nonsense"}),
    Line("POST", "accounts:app-removals", LEADS_ON, ("devportal",)),
    Line("GET", "accounts:recovery-codes", LEADS_ON, ("devportal",)),
    Line("POST", "accounts:recovery-codes", LEADS_ON, ("devportal",)),
    Line("POST", "accounts:passkeys", LEADS_ON, ("devportal",), body={"name": "Phone", "credential": "{{}}"}),
    Line("POST", "accounts:passkey", "302 302 404 404 404 404 404", ("devportal", "passkey"), body={"name": "Phone"}),
    Line("POST", "accounts:passkey-removals", "302 302 404 404 404 404 404", ("devportal", "passkey")),
    Line("POST", "accounts:email-confirmations", LEADS_ON, ("devportal",)),
    Line("GET", "accounts:email-confirmation", OPEN, ("confirmation",)),
    Line("POST", "accounts:email-confirmation", LEADS_ON, ("confirmation",)),
    Line("GET", "accounts:invitation", OPEN, ("invitation",)),
    Line("POST", "accounts:invitation", LEADS_ON, ("invitation",), body={"username": "dan", "password": NEW}),
    Line("GET", "accounts:forgotten-password", OPEN),
    Line("POST", "accounts:forgotten-password", OPEN, body={"said": "carol"}),
    Line("GET", "accounts:password-choice", "404 404 404 404 404 404 404", ("carol", "csv")),  # no such link
    Line("POST", "accounts:password-choice", "404 404 404 404 404 404 404", ("carol", "csv"), body={"x": "y"}),
    Line("GET", "accounts:account-deletion", SIGNED_IN, ("devportal",)),
    Line(
        "POST", "accounts:account-deletion", "302 302 302 409 302 302 409", ("devportal",), body={"password": PASSWORD}
    ),
    Line("POST", "accounts:theme", LEADS_ON, body={"theme": "dark"}),
    Line("GET", "accounts:notifications", SIGNED_IN, ("devportal",)),
    Line("GET", "accounts:notification-choices", SIGNED_IN, ("devportal",)),
    Line("POST", "accounts:notification-choices", LEADS_ON, ("devportal",), body={"ends-mail": "on"}),
    Line("POST", "accounts:notification-readings", LEADS_ON, ("devportal",)),
    Line("POST", "accounts:notification-openings", "302 302 404 404 404 404 404", ("devportal", "told")),
]

OAUTH = [
    Line("GET", "oauth2_provider:authorize", SIGNED_IN, body=CONSENT),
    Line("POST", "oauth2_provider:authorize", LEADS_ON, body={**CONSENT, "allow": "on"}),
    Line("POST", "oauth2_provider:token", CLIENTS, body={"grant_type": "client_credentials"}),
    Line("POST", "oauth2_provider:revoke", CLIENTS, body={"token": "x"}),
    Line("POST", "oauth2_provider:introspect", CLIENTS, body={"token": "x"}),
    Line("GET", "oauth2_provider:jwks", OPEN),
    Line("GET", "oauth2_provider:userinfo", CLIENTS),
    Line("GET", "oauth2_provider:server-metadata", OPEN),
    Line("GET", "oauth2_provider:openid-configuration", OPEN),
]

REST_DOCUMENTS = [
    Line("GET", "api:docs", OPEN),
    Line("GET", "api:docs-devportal", OPEN),
    Line("GET", "api:publisher-document", OPEN),
    Line("GET", "api:devportal-document", OPEN),
    Line("GET", "api:docs-admin", OPEN),
    Line("GET", "api:admin-document", OPEN),
    Line("GET", "api:docs-gateway", OPEN),
    Line("GET", "api:gateway-document", OPEN),
    Line("GET", "api:not-found", "404 404 404 404 404 404 404"),
]

REST_ADMINISTERED = "401 403 403 403 403 403 {}"
REST_ADMIN = [
    Line(
        "POST",
        "api:deny-policies-api:change-owner",
        REST_ADMINISTERED.format(200),
        ("application",),
        query="owner=admin",
    ),
    Line("GET", "api:deny-policies-api:attributes", REST_ADMINISTERED.format(200)),
    Line("POST", "api:deny-policies-api:attributes", REST_ADMINISTERED.format(201), body={"name": "Team"}),
    Line("GET", "api:deny-policies-api:attribute", REST_ADMINISTERED.format(200), ("attribute",)),
    Line(
        "PUT", "api:deny-policies-api:attribute", REST_ADMINISTERED.format(200), ("attribute",), body={"name": "Ticket"}
    ),
    Line("DELETE", "api:deny-policies-api:attribute", REST_ADMINISTERED.format(200), ("attribute",)),
    Line("GET", "api:deny-policies-api:service-accounts", REST_ADMINISTERED.format(200)),
    Line(
        "POST",
        "api:deny-policies-api:service-accounts",
        REST_ADMINISTERED.format(201),
        body={"name": "robot", "roles": ["creator"]},
    ),
    Line("GET", "api:deny-policies-api:service-account", REST_ADMINISTERED.format(200), ("service_client",)),
    Line("POST", "api:deny-policies-api:service-account-secret", REST_ADMINISTERED.format(200), ("service_client",)),
    Line("GET", "api:deny-policies-api:workflows", REST_ADMINISTERED.format(200)),
    Line("GET", "api:deny-policies-api:workflow", REST_ADMINISTERED.format(200), ("workflow",)),
    Line(
        "POST",
        "api:deny-policies-api:update-workflow-status",
        REST_ADMINISTERED.format(200),
        query="workflowReferenceId={workflow}",
        body={"status": "APPROVED"},
    ),
    Line("GET", "api:deny-policies-api:deny-policies", REST_ADMINISTERED.format(200)),
    Line(
        "POST",
        "api:deny-policies-api:deny-policies",
        REST_ADMINISTERED.format(201),
        body={"conditionType": "USER", "conditionValue": "mallory"},
    ),
    Line("GET", "api:deny-policies-api:deny-policy", REST_ADMINISTERED.format(200), ("denied",)),
    Line(
        "PATCH",
        "api:deny-policies-api:deny-policy",
        REST_ADMINISTERED.format(200),
        ("denied",),
        body={"conditionStatus": False},
    ),
    Line("DELETE", "api:deny-policies-api:deny-policy", REST_ADMINISTERED.format(200), ("denied",)),
]

C = "api:categories-api:"
REST_CATEGORIES = [
    Line("GET", C + "categories", REST_ADMINISTERED.format(200)),
    Line("POST", C + "categories", REST_ADMINISTERED.format(201), body={"name": "Other"}),
    Line("GET", C + "category", REST_ADMINISTERED.format(200), ("category",)),
    Line("PUT", C + "category", REST_ADMINISTERED.format(200), ("category",), body={"name": "Other"}),
    Line("DELETE", C + "category", REST_ADMINISTERED.format(200), ("category",)),
]

U = "api:users-api:"
REST_USERS = [
    Line("GET", U + "audit-log", REST_ADMINISTERED.format(200)),
    Line("GET", U + "settings", REST_ADMINISTERED.format(200)),
    Line("PATCH", U + "settings", REST_ADMINISTERED.format(200), body={"notice": "Down on Sunday"}),
    Line("GET", U + "users", REST_ADMINISTERED.format(200)),
    Line("POST", U + "users", REST_ADMINISTERED.format(201), body={"username": "erin", "roles": ["creator"]}),
    Line("GET", U + "user", REST_ADMINISTERED.format(200), ("carol",)),
    Line("PATCH", U + "user", REST_ADMINISTERED.format(200), ("carol",), body={"roles": ["creator"]}),
    Line("POST", U + "password-resets", REST_ADMINISTERED.format(201), ("carol",)),
    Line("DELETE", U + "sessions", REST_ADMINISTERED.format(200), ("carol",)),
    Line("DELETE", U + "second-factor", REST_ADMINISTERED.format(200), ("carol",)),
    Line("GET", U + "invitations", REST_ADMINISTERED.format(200)),
    Line(
        "POST", U + "invitations", REST_ADMINISTERED.format(201), body={"email": "erin@new.test", "roles": ["creator"]}
    ),
    Line("GET", U + "invitation", REST_ADMINISTERED.format(200), ("invited",)),
    Line("DELETE", U + "invitation", REST_ADMINISTERED.format(200), ("invited",)),
    Line("POST", U + "invitation-sendings", REST_ADMINISTERED.format(201), ("invited",)),
]

PLANS = "api:policies-api:"
REST_PLANS = [
    Line("GET", PLANS + "subscription-policies", REST_ADMINISTERED.format(200)),
    Line("POST", PLANS + "subscription-policies", REST_ADMINISTERED.format(201), body={"policyName": "Copper"}),
    Line("GET", PLANS + "subscription-policy", REST_ADMINISTERED.format(200), ("plan",)),
    Line(
        "PUT",
        PLANS + "subscription-policy",
        REST_ADMINISTERED.format(200),
        ("plan",),
        body={"policyName": "{plan}", "connections": 7},
    ),
    Line("DELETE", PLANS + "subscription-policy", REST_ADMINISTERED.format(200), ("unused_plan",)),
    Line("GET", PLANS + "application-policies", REST_ADMINISTERED.format(200)),
    Line("POST", PLANS + "application-policies", REST_ADMINISTERED.format(201), body={"policyName": "5PerMin"}),
    Line("GET", PLANS + "application-policy", REST_ADMINISTERED.format(200), ("application_plan",)),
    Line(
        "PUT",
        PLANS + "application-policy",
        REST_ADMINISTERED.format(200),
        ("application_plan",),
        body={"policyName": "{application_plan}", "description": "New."},
    ),
    Line("DELETE", PLANS + "application-policy", REST_ADMINISTERED.format(200), ("unused_application_plan",)),
]

P, S, D = "api:publisher-api:", "api:subscribers-api:", "api:devportal-api:"

REST_PUBLISHER = [
    Line("GET", P + "apis", REST_LISTED),
    Line("POST", P + "apis", "401 403 403 201 403 403 201", body=ECHO),
    Line("POST", P + "validate", REST_LISTED, query="query=name:EchoWebSocket"),
    Line("POST", P + "copy", "401 404 404 201 403 403 201", query="apiId={api}&newVersion=2"),
    Line("GET", P + "export", "401 403 403 200 200 200 200", query="apiId={api}"),
    Line("POST", P + "import", "401 403 403 415 403 403 415", body={}),  # no file: see tests/rest/test_publisher.py
    Line("DELETE", P + "pending-tasks", REST_DELIVERED, ("waiting",)),
    Line("POST", P + "change-lifecycle", REST_DELIVERED, query="apiId={draft}&action=Publish"),
    Line("GET", P + "api", REST_READ, ("api",)),
    Line("PUT", P + "api", "401 404 404 200 403 403 200", ("api",), body={**API, "description": "New."}),
    Line("PUT", P + "api", REST_DELIVERED, ("api",), query="plans", body={**API, "policies": ["Bronze"]}),
    Line("DELETE", P + "api", "401 404 404 403 403 403 200", ("api",)),
    Line("DELETE", P + "api", "401 404 404 200 403 403 200", ("draft",)),
    Line("GET", P + "endpoint-health", REST_READ, ("api",)),
    Line("GET", P + "payload-violations", REST_READ, ("api",)),
    Line("DELETE", P + "payload-violations", REST_WRITTEN, ("api",)),
    Line("GET", P + "topics", REST_READ, ("api",)),
    Line("PUT", P + "topics", "401 404 404 200 403 403 200", ("api",), body={"list": [{"name": "/lobby"}]}),
    Line("GET", P + "asyncapi", REST_READ, ("api",)),
    Line("PUT", P + "asyncapi", "401 404 404 200 403 403 200", ("api",), body={"apiDefinition": DEFINITION}),
    Line(
        "POST",
        P + "import-asyncapi",
        "401 403 403 201 403 403 201",
        body={
            "apiDefinition": DEFINITION,
            "additionalProperties": json.dumps(ECHO).replace("{", "{{").replace("}", "}}"),
        },
    ),
    Line("POST", P + "validate-asyncapi", "401 403 403 200 403 403 200", body={"apiDefinition": DEFINITION}),
    Line("PUT", P + "api", "401 404 404 403 403 403 200", ("guarded",), body=GUARDED),
    Line("GET", P + "thumbnail", REST_READ, ("chosen",)),
    Line("PUT", P + "thumbnail", "401 404 404 200 403 403 200", ("api",), body=PICTURE),
    Line("DELETE", P + "thumbnail", "401 404 404 200 403 403 200", ("chosen",)),
    Line("GET", P + "categories", REST_LISTED),
    Line("GET", P + "lifecycle-state", REST_READ, ("api",)),
    Line("GET", P + "lifecycle-history", REST_READ, ("api",)),
    Line("GET", P + "revisions", REST_READ, ("api",)),
    Line("POST", P + "revisions", "401 404 404 201 201 403 201", ("api",), body={"description": "New."}),
    Line("GET", P + "revision", REST_READ, ("api", "revision")),
    Line("DELETE", P + "revision", "401 404 404 200 200 403 200", ("api", "revision")),
    Line("GET", P + "deployments", REST_READ, ("api",)),
    Line("POST", P + "deploy-revision", REST_DELIVERED, ("api",), query="revisionId={revision}", body=[]),
    Line("POST", P + "undeploy-revision", REST_DELIVERED, ("api",), body=[]),
    Line("POST", P + "restore-revision", "401 404 404 201 403 403 201", ("api",), query="revisionId={revision}"),
    Line("GET", P + "documents", REST_READ, ("api",)),
    Line("POST", P + "documents", "401 404 404 201 201 403 201", ("api",), body={**DOCUMENT_BODY, "name": "New"}),
    Line("POST", P + "document-validate", REST_READ, ("api",), query="name=Guide"),
    Line("GET", P + "document", REST_READ, ("api", "document")),
    Line("PUT", P + "document", REST_WRITTEN, ("api", "document"), body={**DOCUMENT_BODY, "summary": "New."}),
    Line("DELETE", P + "document", REST_WRITTEN, ("api", "document")),
    Line("GET", P + "document-content", REST_READ, ("api", "document")),
    # A form with nothing in it, for those who may.
    Line("POST", P + "document-content", "401 404 404 400 400 403 400", ("api", "document")),
    Line("GET", P + "comments", REST_READ, ("api",)),
    Line("POST", P + "comments", "401 404 404 201 201 403 201", ("api",), body={"content": "Hello"}),
    Line("GET", P + "comment", REST_READ, ("api", "comment")),
    Line("PATCH", P + "comment", "401 404 404 403 403 403 403", ("api", "comment"), body={"content": "Hello"}),
    Line("DELETE", P + "comment", REST_DELIVERED, ("api", "comment")),
    Line("GET", P + "replies", REST_READ, ("api", "comment")),
    Line("GET", P + "api-scopes", REST_READ, ("api",)),
    Line("POST", P + "api-scopes", "401 404 404 201 403 403 201", ("api",), body={"name": "new"}),
    Line("GET", P + "api-scope", REST_READ, ("api", "scope")),
    Line("PUT", P + "api-scope", "401 404 404 200 403 403 200", ("api", "scope"), body={"name": "rooms:write"}),
    Line("DELETE", P + "api-scope", "401 404 404 200 403 403 200", ("api", "scope")),
    Line("GET", P + "scopes", REST_LISTED),
    Line("POST", P + "scopes", "401 403 403 403 403 403 201", body={"name": "new"}),
    Line("GET", P + "scope", REST_LISTED, ("shared_scope",)),
    Line("PUT", P + "scope", "401 403 403 403 403 403 200", ("shared_scope",), body={"name": "shared"}),
    Line("DELETE", P + "scope", "401 403 403 403 403 403 200", ("shared_scope",)),
    Line("GET", P + "scope-usage", REST_LISTED, ("shared_scope",)),
    Line("GET", P + "streaming-plans", REST_LISTED),
    Line("GET", P + "plans", REST_LISTED),
    Line("GET", P + "plan", REST_LISTED, ("plan",)),
    Line("GET", S + "subscriptions", REST_LISTED, query="apiId={api}"),
    Line("POST", S + "generate-key", "401 404 404 200 200 403 200", ("api",)),
    Line("POST", S + "block", REST_DELIVERED, query="subscriptionId={subscription}&blockState=BLOCKED"),
    Line("POST", S + "unblock", REST_DELIVERED, query="subscriptionId={blocked}"),
    Line("GET", S + "blocks", REST_LISTED, query="apiId={api}"),
    Line("DELETE", S + "owner-block", "401 403 403 403 200 403 200", ("block",)),
    Line("POST", S + "change-plan", REST_DELIVERED, query="subscriptionId={subscription}&businessPlan=Silver"),
]

REST_DEVPORTAL = [
    Line("GET", D + "apis", OPEN),
    Line("GET", D + "api", OPEN, ("api",)),
    Line("GET", D + "api", "404 404 404 404 404 404 404", ("draft",)),
    Line("GET", D + "api", FOR_CREATORS, ("chosen",)),
    Line("GET", D + "api", FOR_TEAM, ("private",)),
    Line("GET", D + "api-plans", FOR_TEAM, ("private",)),
    Line("GET", D + "thumbnail", FOR_CREATORS, ("chosen",)),
    Line("GET", D + "categories", OPEN),
    Line("POST", D + "subscriptions", "401 404 404 404 404 404 404", body={**SUBSCRIPTION, "apiId": "{private}"}),
    Line("GET", D + "api-plans", OPEN, ("api",)),
    Line("GET", D + "documents", OPEN, ("api",)),
    Line("GET", D + "document", OPEN, ("api", "document")),
    Line("GET", D + "document-content", "404 200 200 200 200 200 200", ("api", "file")),
    Line("GET", D + "comments", OPEN, ("api",)),
    Line("POST", D + "comments", "401 201 201 201 201 403 201", ("api",), body={"content": "Hello"}),
    Line("GET", D + "comment", OPEN, ("api", "comment")),
    Line("PATCH", D + "comment", "401 200 403 403 403 403 403", ("api", "comment"), body={"content": "Hello"}),
    Line("DELETE", D + "comment", "401 200 403 403 200 403 200", ("api", "comment")),
    Line("GET", D + "replies", OPEN, ("api", "comment")),
    Line("GET", D + "applications", REST_SIGNED_IN),
    Line("POST", D + "applications", "401 201 201 403 403 403 201", body={"name": "New"}),
    Line("GET", D + "application", REST_MINE, ("application",)),
    Line("PUT", D + "application", REST_MINE, ("application",), body={"name": "New"}),
    Line("DELETE", D + "application", REST_MINE_GONE, ("application",)),
    Line("POST", D + "generate-keys", REST_MINE, ("application",), body=KEYS),
    Line("GET", D + "keys", REST_MINE, ("application",)),
    Line("GET", D + "key", REST_MINE, ("application", "client")),
    Line("PUT", D + "key", REST_MINE, ("application", "client"), body={"supportedGrantTypes": ["client_credentials"]}),
    Line("POST", D + "regenerate-secret", REST_MINE, ("application", "client")),
    Line(
        "POST",
        D + "map-keys",
        "401 400 404 404 404 404 404",
        ("application",),
        body={"consumerKey": "x", "consumerSecret": "y", "keyType": "SANDBOX"},
    ),
    Line("GET", D + "secrets", REST_MINE, ("application", "client")),
    Line(
        "POST",
        D + "generate-secret",
        REST_MINE_MADE,
        ("application", "client"),
        body={"additionalProperties": {"description": "CI"}},
    ),
    Line(
        "POST",
        D + "revoke-secret",
        "401 204 404 404 404 404 404",
        ("application", "client"),
        body={"secretId": "{further}"},
    ),
    Line("POST", D + "generate-token", REST_MINE, ("application", "client"), body={}),
    Line("POST", D + "generate-ticket", REST_MINE_MADE, ("application", "client"), body={"apiId": "{api}"}),
    Line("GET", D + "attributes", "401 200 200 403 403 403 200"),
    Line("GET", D + "subscriptions", REST_SIGNED_IN),
    Line("POST", D + "subscriptions", "401 201 404 404 404 404 404", body=SUBSCRIPTION),
    Line("GET", D + "subscription", REST_MINE, ("subscription",)),
    Line(
        "PUT",
        D + "subscription",
        REST_MINE,
        ("subscription",),
        body={**SUBSCRIPTION, "apiId": "{api}", "throttlingPolicy": "Silver"},
    ),
    Line("DELETE", D + "subscription", REST_MINE_GONE, ("subscription",)),
    Line("GET", D + "application-plans", OPEN),
    Line("GET", D + "application-plan", OPEN, ("application_plan",)),
    Line("GET", D + "ratings", OPEN, ("api",)),
    Line("GET", D + "ratings", FOR_TEAM, ("private",)),
    Line("GET", D + "user-rating", REST_SIGNED_IN, ("api",)),
    Line("PUT", D + "user-rating", REST_SIGNED_IN, ("api",), body={"rating": 4}),
    Line("PUT", D + "user-rating", "401 404 404 200 200 200 200", ("private",), body={"rating": 4}),
    Line("DELETE", D + "user-rating", REST_SIGNED_IN, ("api",)),
    Line("GET", D + "follow", REST_SIGNED_IN, ("api",)),
    Line("PUT", D + "follow", REST_SIGNED_IN, ("api",)),
    Line("PUT", D + "follow", "401 404 404 200 200 200 200", ("private",)),
    Line("DELETE", D + "follow", REST_SIGNED_IN, ("api",)),
    Line("POST", D + "start", "401 200 409 403 403 403 201", ("api",)),
    Line("POST", D + "start", "401 404 404 404 404 404 404", ("draft",)),
    Line("GET", D + "notifications", REST_SIGNED_IN),
    Line("POST", D + "readings", REST_SIGNED_IN),
    Line("POST", D + "reading", "401 200 404 404 404 404 404", ("told",)),
    Line("GET", D + "notification-choices", REST_SIGNED_IN),
    Line(
        "PUT",
        D + "notification-choices",
        REST_SIGNED_IN,
        body={"choices": [{"kind": "ends", "inPortal": True, "byEmail": False}]},
    ),
    Line("GET", D + "tags", OPEN),
    Line("GET", D + "search", OPEN),
    Line("GET", D + "settings", OPEN),
    Line("GET", D + "plans", OPEN),
    Line("GET", D + "plan", OPEN, ("plan",)),
]

REST_REGISTRATION = [
    # With a name and password, and no session: see tests/rest/test_registered_clients.py.
    Line("POST", "registrations-api:register", "401 401 401 401 401 401 401", body={"clientName": "x"}),
]

GD, GP = "api:gateway-devportal-api:", "api:gateway-publisher-api:"
REST_USAGE = [
    Line("GET", GD + "subscription-usage", REST_MINE, ("subscription",)),
    Line("GET", GD + "application-usage", REST_MINE, ("application",)),
    Line("GET", GP + "subscriber-usage", REST_LISTED, ("subscription",)),
]

G = "api:gateway-api:"
REST_GATEWAY = [
    Line("GET", G + "connections", "401 200 200 200 200 200 200"),
    Line("GET", G + "connection", "401 200 404 200 200 200 200", ("connection",)),
    Line("DELETE", G + "connection", "401 202 404 403 202 403 202", ("connection",)),
    Line("POST", G + "closings", "401 202 202 403 202 403 202", body={"connectionIds": ["{connection}"]}),
    Line("POST", G + "drains", "401 404 404 403 202 403 202", body={"apiId": "{api}", "seconds": 0}),
]

# What is seen of what happens. Of what is asked for, strangers to an application find nothing to close.
SEEN = [
    Line("GET", "gateway:api-connections", READ, ("api",)),
    Line("POST", "gateway:api-closings", DELIVERED, ("api",), body={"chosen": "{connection}"}),
    Line("POST", "gateway:drains", DELIVERED, ("api",), body={"seconds": "0"}),
    Line("GET", "gateway:all-connections", FOR_ADMIN),
    Line("POST", "gateway:all-closings", "302 403 403 403 403 403 302", body={"which": "matching"}),
    Line("GET", "gateway:api-usage", READ, ("api",)),
    Line("GET", "gateway:application-usage", MINE, ("application",)),
    Line("GET", G + "statements", "401 200 200 200 200 200 200"),
    Line("GET", "gateway:api-analytics", READ, ("api",)),
    Line("GET", "gateway:all-apis", "302 403 403 200 200 200 200"),
    Line("GET", "gateway:application-analytics", MINE, ("application",)),
    Line("GET", "gateway:installation", FOR_ADMIN),
    Line("GET", G + "analytics", "401 200 200 200 200 200 200"),
    Line("GET", "gateway:api-diagnostics", READ, ("api",)),
    Line("GET", "gateway:all-diagnostics", FOR_ADMIN),
    Line("GET", "gateway:my-diagnostics", DEVELOPERS),
    Line("GET", G + "diagnostics", "401 200 200 200 200 200 200"),
    Line("GET", "gateway:my-connections", DEVELOPERS),
    Line("GET", "gateway:my-connections", "302 200 404 403 403 403 404", query="application={application}"),
    Line("POST", "gateway:my-closings", DONE_BY_DEVELOPERS, body={"one": "{connection}"}),
]

# Of recordings everybody in the Publisher sees that they are there; what they hold is for publishers.
RECORDED, KEPT = ("api", "recording"), {"minutes": "5", "megabytes": "1"}
RECORDINGS = [
    Line("GET", "gateway:api-recordings", READ, ("api",)),
    Line("POST", "gateway:api-recordings", DELIVERED, ("api",), body={**KEPT, "application": "{application}"}),
    Line("GET", "gateway:recording", "302 404 404 403 200 403 200", RECORDED),
    Line("GET", "gateway:recording-file", "302 404 404 403 200 403 200", RECORDED),
    Line("POST", "gateway:recording-endings", DELIVERED, RECORDED),
    Line("POST", "gateway:recording-deletions", DELIVERED, RECORDED),
    Line("GET", "gateway:application-recordings", MINE, ("application",)),
    Line("POST", "gateway:application-recording-endings", DONE_TO_MINE, ("application", "recording")),
    Line("POST", "gateway:recording-consents", DONE_TO_MINE, ("application",), body={"consent": "no"}),
    Line("GET", G + "recordings", "401 200 200 200 200 200 200"),
    Line(
        "POST",
        G + "recordings",
        "401 404 404 403 201 403 201",
        body={"apiId": "{api}", "applicationId": "{application}"},
    ),
    Line("GET", G + "recording", "401 404 404 403 200 403 200", ("recording",)),
    Line("DELETE", G + "recording", "401 404 404 403 204 403 204", ("recording",)),
    Line("POST", G + "recording-endings", "401 200 404 403 200 403 200", ("recording",)),
    Line("GET", G + "recorded-messages", "401 404 404 403 200 403 200", ("recording",)),
    Line("GET", G + "recording-consent", REST_MINE, ("application",)),
    Line("PUT", G + "recording-consent", REST_MINE, ("application",), body={"allowed": False}),
]

TABLE = [
    *PUBLISHER_PAGES,
    *DEVPORTAL_PAGES,
    *ADMIN_PAGES,
    *ACCOUNT_PAGES,
    *OAUTH,
    *REST_DOCUMENTS,
    *REST_PUBLISHER,
    *REST_DEVPORTAL,
    *REST_REGISTRATION,
    *RECORDINGS,
    *REST_ADMIN,
    *REST_CATEGORIES,
    *REST_USERS,
    *REST_PLANS,
    *REST_USAGE,
    *REST_GATEWAY,
    *SEEN,
]


# --- the tests -----------------------------------------------------------------------------------------------


@pytest.fixture
def world(alice: User, bob: User, carol: User, mallory: User, observer: User, admin: User) -> World:
    """Alice's published API, one to be published and one nobody has subscribed to; Carol's application with keys."""
    plans()
    people = {"carol": carol, "mallory": mallory, "alice": alice, "bob": bob, "oscar": observer, "admin": admin}
    rooms = [{"target": "/rooms"}, {"target": "/*"}]
    api, free = (
        _published(make_api(alice, topics=rooms), admin),
        _published(make_api(alice, name="Free", context="/free"), admin),
    )
    draft = make_api(alice, name="Draft", context="/draft")
    revision = publishing.create_revision(api=api, actor=alice, now=timezone.now())
    application = builders.application(carol, name="Chat client")
    keys = builders.keys(application, grant_types=ALL_GRANTS, callback_url=CALLBACK).client
    issued = builders.operations.generate_token(client=keys, actor=carol, now=timezone.now())
    blocked = builders.subscription(builders.application(carol), api, state="BLOCKED")
    waiting = make_api(alice, name="Waiting", context="/waiting")
    request = LifecycleRequest.objects.create(
        api=waiting, action=Action.PUBLISH.value, state=waiting.state, requester=alice, created_at=NOW
    )
    upload = archives.to_yaml(publishing.document_of(draft))
    kept_out = OwnerBlock.objects.create(owner=mallory, api=api, state="BLOCKED", created_at=NOW, updated_at=NOW)
    things = {
        "waiting": waiting.pk,
        "lifecycle_request": request.pk,
        "draft_import": publishing.keep_upload(content=upload, actor=alice, now=timezone.now()).pk,
        "api": api.pk,
        "free": free.pk,
        "draft": draft.pk,
        "revision": revision.pk,
        "seen": api.updated_at.isoformat(),
        "seen_draft": draft.updated_at.isoformat(),
        "application": application.pk,
        "client": keys.pk,
        "client_id": keys.client_id,
        "key_type": "PRODUCTION",
        "token": issued.row.pk,
        "subscription": builders.subscription(application, api).pk,
        "blocked": blocked.pk,
        "block": kept_out.pk,
        "denied": DenyPolicy.objects.create(kind="IP", value="192.0.2.7", created_at=NOW, updated_at=NOW).pk,
        "connection": _connected(application, api).pk,
        "recording": _recorded(application, api).pk,
        "plan": "Gold",
        "application_plan": "Unlimited",
        "unused_plan": "Bronze",
        "unused_application_plan": "10PerMin",
        "devportal": "devportal",
        "publisher": "publisher",
        "administration": "admin",
        "carol": carol.pk,
        "attribute": ApplicationAttribute.objects.create(name="Ticket").pk,
        **{queue: queue for queue in QUEUES},
        "csv": "csv",
        "further": ClientSecret.objects.create(client=keys, name="CI", digest="x", created_at=NOW).pk,
        "confirmation": signing.dumps({"user": carol.pk, "email": carol.email}, salt=CONFIRMATION),
        "session": _signed_in(carol).session,
        "passkey": _passkey_of(carol),
        "purpose": "sign-in",
        **_invited(admin),
        **_waiting(carol, free),
        **_shared(application, mallory),
        "told": _told(carol).pk,
        "service_client": create_service_account(
            name="pipeline", roles=[Role.CREATOR], actor=admin, now=timezone.now()
        ).client.pk,
        **_written_about(api, people),
    }
    return World(people, {**things, **_chosen_few(alice, admin)})


def _waiting(carol: User, free: Api) -> dict[str, Any]:
    """A newcomer, an application and a subscription, none of which are approved yet."""
    newcomer = User.objects.create(username="newest", awaits_approval=True, is_active=False)
    waiting = builders.application(carol)
    Application.objects.filter(pk=waiting.pk).update(approval="CREATED")
    on_hold = builders.subscription(builders.application(carol), free, state="ON_HOLD")
    reference = f"AM_APPLICATION_CREATION:{waiting.pk}"
    return {"newcomer": newcomer.pk, "unapproved": waiting.pk, "on_hold": on_hold.pk, "workflow": reference}


def _shared(application: Application, mallory: User) -> dict[str, Any]:
    """Applications of Carol's that are shared with Mallory, and Gwen, who may see that of the other lines."""
    carol = application.owner
    shared = {}
    for name, right in (("to_see", Right.SEE), ("for_keys", Right.KEYS), ("to_manage", Right.MANAGE)):
        app = builders.application(carol, name=name.partition("_")[2])
        builders.keys(app)
        Membership.objects.create(application=app, person=mallory, right=right, since=NOW)
        shared[name] = app.pk
    gwen = User.objects.create(username="gwen")
    member = Membership.objects.create(application=application, person=gwen, right=Right.SEE, since=NOW)
    return {"member": member.pk, **shared}


def _signed_in(carol: User) -> SignIn:
    note_sign_in(user=carol, session_key="k" * 32, address="192.0.2.1", agent="", now=timezone.now())
    return SignIn.objects.get()


def _passkey_of(carol: User) -> int:
    keys: dict[str, Any] = {"credential_id": "AAAA", "credential": b"", "handle": b"h"}
    return Passkey.objects.create(user=carol, name="Phone", created_at=NOW, challenged_at=NOW, **keys).pk


def _invited(admin: User) -> dict[str, Any]:
    invited, link = invite(email="dan@example.test", roles=[Role.CREATOR], actor=admin, now=timezone.now())
    return {"invited": invited.pk, "invitation": link.rpartition("/")[2]}


def _told(carol: User) -> Notification:
    notify(
        people=[carol], kind=NotificationKind.ENDS, sentence="Echo is retired.", link="/devportal/", now=timezone.now()
    )
    return Notification.objects.get()


def _chosen_few(alice: User, admin: User) -> dict[str, Any]:
    """APIs that not everybody finds or edits: one for creators, with a picture, one for its team, and one guarded."""
    chosen = _published(make_api(alice, name="Chosen", context="/chosen", visibility="RESTRICTED", **FOR_ROLE), admin)
    chosen = publishing.set_thumbnail(api=chosen, content=picture(), actor=alice, now=NOW)
    private = _published(make_api(alice, name="Private", context="/private", visibility="PRIVATE"), admin)
    editors = {"access_control": "RESTRICTED", "access_control_roles": ["publisher"]}
    guarded = make_api(admin, name="Guarded", context="/guarded", **editors)
    return {
        "chosen": chosen.pk,
        "private": private.pk,
        "guarded": guarded.pk,
        "seen_guarded": guarded.updated_at.isoformat(),
        "category": publishing.create_category(name="Payments", actor=admin, now=NOW).pk,
    }


def _written_about(api: Api, people: dict[str, User]) -> dict[str, Any]:
    """A document for all, a file for people who are signed in, Carol's comment, a scope and a shared one."""
    by = {"actor": people["alice"], "now": NOW}
    guide = documents.create_document(api=api, fields={"name": "Guide"}, **by)
    upload = Upload("guide.txt", b"text")
    file = documents.create_document(api=api, fields={"name": "File", "visibility": "PRIVATE"}, upload=upload, **by)
    comment = comments.create_comment(
        api=api, text="How long?", entry_point=EntryPoint.DEVPORTAL, actor=people["carol"], now=NOW
    )
    shared = scopes.create_scope(api=None, fields={"name": "shared"}, actor=people["admin"], now=NOW)
    return {
        "document": guide.pk,
        "file": file.pk,
        "seen_document": guide.updated_at.isoformat(),
        "comment": comment.pk,
        "scope": scopes.create_scope(api=api, fields={"name": "rooms:write"}, **by).pk,
        "shared_scope": shared.pk,
        "seen_scope": shared.updated_at.isoformat(),
    }


def _connected(application: Application, api: Api) -> ConnectionRecord:
    """Carol's application, connected to Alice's API through a worker that lives."""
    now = timezone.now()
    return ConnectionRecord.objects.create(
        id="matrix",
        worker_id=WorkerRecord.objects.create(host="here", pid=1, started_at=now, seen_at=now + timedelta(hours=1)).pk,
        api_id=str(api.pk),
        api_name=api.name,
        context=api.context,
        version=api.version,
        application_id=str(application.pk),
        application_name=application.name,
        owner_id=str(application.owner_id),
        subscriber=application.owner.username,
        plan="Gold",
        key_type="PRODUCTION",
        client_ip="192.0.2.1",
        expires_at=now + timedelta(hours=1),
        started_at=now,
    )


def _recorded(application: Application, api: Api) -> Recording:
    """Carol's application, recorded on Alice's API."""
    now = timezone.now()
    return Recording.objects.create(
        api_id=str(api.pk),
        api_name=api.name,
        application_id=str(application.pk),
        application_name=application.name,
        started_by="bob",
        started_at=now,
        until=now + timedelta(hours=1),
        most_octets=1 << 20,
    )


@pytest.fixture(scope="module")
def browser() -> Client:
    """One for all: to load the middleware takes longer than to ask."""
    return Client()


PARTS = 5  # each with one world for its lines: to build that takes longer than to try a line


@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_gets_what_the_table_says(part: int, world: World, browser: Client) -> None:
    lines, cookies = TABLE[part::PARTS], {person: _cookies_of(browser, world, person) for person in PEOPLE}
    found = {}
    for number, line in enumerate(lines):
        expected = zip(PEOPLE, line.expected.split(), strict=True)
        found[f"{number} {line}"] = [
            _status(browser, line, world, cookies[person], is_drawn=status == "200") for person, status in expected
        ]

    assert found == {f"{number} {line}": [*map(int, line.expected.split())] for number, line in enumerate(lines)}, WHO


def test_no_address_is_missing_from_the_table() -> None:
    named = {line.route for line in TABLE}
    missing = {route for route in _routes(get_resolver().url_patterns) if route not in named | UNNAMED}

    assert missing == set()


def test_no_operation_of_the_rest_api_is_missing_from_the_table() -> None:
    tried = {(line.route, line.method) for line in TABLE}
    offered = {(line.route, method) for line in TABLE for method in _methods(line.route)}

    assert offered - tried == set()


# --- how it is done ------------------------------------------------------------------------------------------

UNNAMED = {"unnamed"}  # the redirect from / to the catalogue


def _published(api: Api, admin: User) -> Api:
    return publishing.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=timezone.now())


def _cookies_of(client: Client, world: World, person: str) -> SimpleCookie:
    """What the browser of somebody who is signed in brings along."""
    client.cookies.clear()
    if person in world.people:
        client.force_login(world.people[person])
        session = client.session
        session[FRESH] = timezone.now().timestamp()
        session.save()
    return deepcopy(client.cookies)


def _status(client: Client, line: Line, world: World, cookies: SimpleCookie, *, is_drawn: bool) -> int:
    """The status that a person gets. A refusal must leave nothing in the audit log; what was done is undone.

    What is shown is drawn for everybody who may see it; a refusal's page is one of a few, and nobody looks at it here.
    """
    cache.clear()  # or the throttle on guessing holds
    cache.set(installation.KEY, InstallationSettings(), None)  # which nobody has changed
    client.cookies = deepcopy(cookies)
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        if not is_drawn:
            patch.setattr(Template, "render", lambda *_, **__: mark_safe(""))
        before = AuditEntry.objects.count()
        response = _ask(client, line, world)
        assert response.status_code < 400 or AuditEntry.objects.count() == before, f"{line} was refused too late"
        transaction.set_rollback(True)
    return response.status_code


def _ask(client: Client, line: Line, world: World) -> HttpResponse:
    address = reverse(line.route, args=[world.things[name] for name in line.args])
    query = world.fill(line.query)
    body = world.fill(line.body)
    address = f"{address}?{query}" if query else address
    if line.method == "GET" or not line.is_rest:
        return getattr(client, line.method.lower())(address, body or {})
    if isinstance(body, bytes):
        return client.generic(line.method, address, body, content_type=MULTIPART_CONTENT)
    text = "" if body is None else json.dumps(body, default=str)
    return client.generic(line.method, address, text, content_type="application/json")


def _routes(patterns: Iterable[Any], spaces: tuple[str, ...] = ()) -> Iterable[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        elif isinstance(pattern, URLPattern):
            yield ":".join([*spaces, pattern.name or "unnamed"])


def _methods(route: str) -> set[str]:
    """What a resource of the REST API answers to; nothing for a page, whose methods no class tells."""
    resource = dict(_resources(get_resolver().url_patterns)).get(route)
    offered = {name.upper() for name in resource.http_method_names if hasattr(resource, name)} if resource else set()
    return offered - {"OPTIONS", "HEAD"}


def _resources(patterns: Iterable[Any], spaces: tuple[str, ...] = ()) -> Iterable[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _resources(pattern.url_patterns, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        elif hasattr(pattern.callback, "cls"):
            yield ":".join([*spaces, pattern.name]), pattern.callback.cls
