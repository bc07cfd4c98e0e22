"""The pages of the Publisher."""

from django.urls import path
from django.views.generic import RedirectView

from publisher.views import (
    apis,
    bulk,
    checks,
    comments,
    creations,
    definitions,
    deployments,
    designs,
    documents,
    exchange,
    lifecycles,
    presentation,
    samples,
    scopes,
    topics,
    versions,
)

app_name = "publisher"

DOCUMENT = "apis/<uuid:pk>/documents/<uuid:document>"
COMMENT = "apis/<uuid:pk>/comments/<uuid:comment>"
SCOPE = "apis/<uuid:pk>/scopes/<uuid:scope>"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="publisher:apis"), name="home"),
    path("apis", apis.apis, name="apis"),
    path("apis/create", creations.create, name="create"),
    path("apis/sample", samples.sample, name="sample"),
    path("apis/create/definition", definitions.create, name="create-from-definition"),
    path("transitions", bulk.transitions, name="bulk-transitions"),
    path("previews", presentation.preview, name="previews"),
    path("apis/imports", exchange.imports, name="import"),
    path("apis/imports/<uuid:draft>", exchange.import_draft, name="import-draft"),
    path("field-checks", checks.field_check, name="field-checks"),
    path("endpoint-tests", checks.endpoint_test, name="endpoint-tests"),
    path("apis/<uuid:pk>", apis.api, name="api"),
    path("apis/<uuid:pk>/basic-info", presentation.BasicInfo.as_view(), name="basic-info"),
    path("apis/<uuid:pk>/business-info", presentation.BusinessInfo.as_view(), name="business-info"),
    path("apis/<uuid:pk>/properties", presentation.PropertiesPage.as_view(), name="properties"),
    path("apis/<uuid:pk>/thumbnail", presentation.thumbnail, name="thumbnail"),
    path("apis/<uuid:pk>/endpoint", designs.EndpointPage.as_view(), name="endpoint"),
    path("apis/<uuid:pk>/runtime", designs.RuntimePage.as_view(), name="runtime"),
    path("apis/<uuid:pk>/topics", topics.topics, name="topics"),
    path("apis/<uuid:pk>/topics/topic", topics.TopicPage.as_view(), name="topic"),
    path("apis/<uuid:pk>/topics/message", topics.MessagePage.as_view(), name="message"),
    path("apis/<uuid:pk>/topics/moves", topics.moves, name="topic-moves"),
    path("apis/<uuid:pk>/topics/deletions", topics.deletions, name="topic-deletions"),
    path("apis/<uuid:pk>/definition", definitions.definition, name="definition"),
    path("apis/<uuid:pk>/definition/file", definitions.file, name="definition-file"),
    path("apis/<uuid:pk>/definition/edit", definitions.edit, name="definition-edit"),
    path("apis/<uuid:pk>/plans", designs.PlansPage.as_view(), name="plans"),
    path("apis/<uuid:pk>/documents", documents.documents, name="documents"),
    path("apis/<uuid:pk>/documents/create", documents.create, name="document-create"),
    path(DOCUMENT, documents.document, name="document"),
    path(f"{DOCUMENT}/moves", documents.moves, name="document-moves"),
    path(f"{DOCUMENT}/deletions", documents.deletions, name="document-deletions"),
    path(f"{DOCUMENT}/file", documents.file, name="document-file"),
    path("apis/<uuid:pk>/comments", comments.PublisherComments.as_view(), name="comments"),
    path(COMMENT, comments.PublisherComment.as_view(), name="comment"),
    path(f"{COMMENT}/deletions", comments.PublisherCommentDeletions.as_view(), name="comment-deletions"),
    path("apis/<uuid:pk>/scopes", scopes.scopes, name="scopes"),
    path("apis/<uuid:pk>/scopes/create", scopes.create, name="scope-create"),
    path(SCOPE, scopes.scope, name="scope"),
    path(f"{SCOPE}/deletions", scopes.deletions, name="scope-deletions"),
    path("apis/<uuid:pk>/deployments", deployments.deployments, name="deployments"),
    path("apis/<uuid:pk>/revisions", deployments.revisions, name="revisions"),
    path("apis/<uuid:pk>/revisions/<uuid:revision>/deletion", deployments.revision_deletion, name="revision-deletion"),
    path("apis/<uuid:pk>/comparison", deployments.comparison, name="comparison"),
    path("apis/<uuid:pk>/undeployment", deployments.undeployment, name="undeployment"),
    path("apis/<uuid:pk>/restorations", deployments.restoration, name="restorations"),
    path("apis/<uuid:pk>/lifecycle", lifecycles.lifecycle, name="lifecycle"),
    path("apis/<uuid:pk>/transitions", lifecycles.transitions, name="transitions"),
    path("apis/<uuid:pk>/export", exchange.export, name="export"),
    path("apis/<uuid:pk>/versions", versions.versions, name="versions"),
    path("apis/<uuid:pk>/default-version", versions.default_version, name="default-version"),
    path("apis/<uuid:pk>/deletion", versions.deletion, name="deletion"),
]
