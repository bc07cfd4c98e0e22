"""The pages of the Developer Portal, and the page of an API's subscribers, which stands in the Publisher."""

from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from devportal.views import (
    apis,
    applications,
    code,
    comments,
    console,
    definitions,
    documents,
    keys,
    members,
    opinions,
    subscribers,
    subscriptions,
    tokens,
    trials,
    wizard,
)
from devportal.views.common import KeyTypeConverter

register_converter(KeyTypeConverter, "key_type")

app_name = "devportal"

CONSOLE = "apis/<uuid:pk>/try-out"
WIZARD = "apis/<uuid:pk>/wizard"
WIZARD_KEYS = f"{WIZARD}/<uuid:application>/<key_type:key_type>"
DOCUMENT = "apis/<uuid:pk>/documents/<uuid:document>"
COMMENT = "apis/<uuid:pk>/comments/<uuid:comment>"
KEYS = "applications/<uuid:pk>/keys/<key_type:key_type>"
MEMBERS = "applications/<uuid:pk>/members"
SUBSCRIBERS = "publisher/apis/<uuid:pk>/subscriptions"

portal_patterns = [
    path("", RedirectView.as_view(pattern_name="devportal:catalogue"), name="home"),
    path("apis", apis.catalogue, name="catalogue"),
    path("apis/<uuid:pk>", apis.api, name="api"),
    path("apis/<uuid:pk>/thumbnail", apis.thumbnail, name="thumbnail"),
    path("apis/<uuid:pk>/changes", apis.changes, name="changes"),
    path("apis/<uuid:pk>/credentials", apis.credentials, name="credentials"),
    path("apis/<uuid:pk>/documents", documents.documents, name="documents"),
    path(DOCUMENT, documents.document, name="document"),
    path(f"{DOCUMENT}/file", documents.file, name="document-file"),
    path("apis/<uuid:pk>/comments", comments.DeveloperComments.as_view(), name="comments"),
    path(COMMENT, comments.DeveloperComment.as_view(), name="comment"),
    path(f"{COMMENT}/deletions", comments.DeveloperCommentDeletions.as_view(), name="comment-deletions"),
    path("apis/<uuid:pk>/definition", definitions.definition, name="definition"),
    path("apis/<uuid:pk>/definition/file", definitions.file, name="definition-file"),
    path("apis/<uuid:pk>/ratings", opinions.ratings, name="ratings"),
    path("apis/<uuid:pk>/follows", opinions.follows, name="follows"),
    path("apis/<uuid:pk>/code", code.code, name="code"),
    path(CONSOLE, console.console, name="console"),
    path(f"{CONSOLE}/starts", console.starts, name="console-starts"),
    path(f"{CONSOLE}/tickets", console.tickets, name="console-tickets"),
    path(f"{CONSOLE}/attempts", console.attempt, name="console-attempt"),
    path(f"{CONSOLE}/checks", console.checks, name="console-checks"),
    path(WIZARD, wizard.application_step, name="wizard"),
    path(f"{WIZARD}/<uuid:application>/subscribe", wizard.subscribe_step, name="wizard-subscribe"),
    path(f"{WIZARD}/<uuid:application>/keys", wizard.keys_step, name="wizard-keys"),
    path(f"{WIZARD_KEYS}/token", wizard.token_step, name="wizard-token"),
    path(f"{WIZARD_KEYS}/connect", wizard.connect_step, name="wizard-connect"),
    path("applications", applications.applications, name="applications"),
    path("applications/create", applications.create, name="application-create"),
    path("applications/<uuid:pk>", applications.application, name="application"),
    path("applications/<uuid:pk>/edit", applications.edit, name="application-edit"),
    path("applications/<uuid:pk>/deletions", applications.deletions, name="application-deletions"),
    path("applications/<uuid:pk>/transfers", applications.transfers, name="application-transfers"),
    path(MEMBERS, members.members, name="members"),
    path(f"{MEMBERS}/<int:member>/rights", members.rights, name="member-rights"),
    path(f"{MEMBERS}/<int:member>/deletions", members.deletions, name="member-deletions"),
    path(KEYS, keys.keys, name="keys"),
    path(f"{KEYS}/mappings", keys.mappings, name="key-mappings"),
    path(f"{KEYS}/revocations", tokens.revocations_of_all, name="revocations-of-all"),
    path(f"{KEYS}/secrets", keys.secrets, name="secrets"),
    path(f"{KEYS}/secrets/further", keys.further_secrets, name="further-secrets"),
    path(f"{KEYS}/secrets/<int:secret>/ends", keys.secret_ends, name="secret-ends"),
    path(f"{KEYS}/tokens", tokens.tokens, name="tokens"),
    path(f"{KEYS}/tokens/<int:token>/revocations", tokens.revocations, name="revocations"),
    path("applications/<uuid:pk>/subscriptions", subscriptions.choose_api, name="subscription-choose"),
    path("applications/<uuid:pk>/subscriptions/<uuid:api>", subscriptions.create, name="subscription-create"),
    path("subscriptions/<uuid:pk>/plan", subscriptions.plan, name="subscription-plan"),
    path("subscriptions/<uuid:pk>/deletions", subscriptions.deletions, name="subscription-deletions"),
]

TRIAL = "publisher/apis/<uuid:pk>/try-out"

urlpatterns = [
    path("devportal/", include(portal_patterns)),
    path(TRIAL, trials.trial, name="trial"),
    path(f"{TRIAL}/tickets", trials.trial_tickets, name="trial-tickets"),
    path(f"{TRIAL}/diagnosis", trials.trial_diagnosis, name="trial-diagnosis"),
    path(f"{TRIAL}/checks", trials.trial_checks, name="trial-checks"),
    path(SUBSCRIBERS, subscribers.subscribers, name="subscribers"),
    path(f"{SUBSCRIBERS}/<uuid:subscription>/states", subscribers.states, name="subscriber-states"),
    path(f"{SUBSCRIBERS}/<uuid:subscription>/plans", subscribers.plans, name="subscriber-plans"),
    path("publisher/apis/<uuid:pk>/blocks/<uuid:block>/deletions", subscribers.block_deletions, name="block-deletions"),
]
