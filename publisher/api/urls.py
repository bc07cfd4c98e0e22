"""The addresses of the Publisher's REST API, below `/api/am/publisher/v4/`."""

from django.urls import path

from publisher.api import (
    apis,
    categories,
    comments,
    definitions,
    documentation,
    exchange,
    health,
    lifecycle,
    plans,
    revisions,
    scopes,
    thumbnails,
    violations,
)

app_name = "publisher-api"

DOCUMENTS, COMMENTS = "apis/<uuid:api_id>/documents", "apis/<uuid:api_id>/comments"
SCOPES = "apis/<uuid:api_id>/scopes"

urlpatterns = [
    path("apis", apis.Apis.as_view(), name="apis"),
    path("apis/validate", apis.Validation.as_view(), name="validate"),
    path("apis/copy-api", apis.Copy.as_view(), name="copy"),
    path("apis/export", exchange.Export.as_view(), name="export"),
    path("apis/import", exchange.ImportArchive.as_view(), name="import"),
    path("apis/import-asyncapi", definitions.Import.as_view(), name="import-asyncapi"),
    path("apis/validate-asyncapi", definitions.Validate.as_view(), name="validate-asyncapi"),
    path("apis/<uuid:api_id>/asyncapi", definitions.AsyncApi.as_view(), name="asyncapi"),
    path("apis/<uuid:api_id>/topics", definitions.Topics.as_view(), name="topics"),
    path("apis/change-lifecycle", lifecycle.ChangeLifecycle.as_view(), name="change-lifecycle"),
    path("apis/<uuid:api_id>", apis.OneApi.as_view(), name="api"),
    path("apis/<uuid:api_id>/thumbnail", thumbnails.ApiThumbnail.as_view(), name="thumbnail"),
    path("apis/<uuid:api_id>/lifecycle-state", lifecycle.LifecycleState.as_view(), name="lifecycle-state"),
    path("apis/<uuid:api_id>/lifecycle-state/pending-tasks", lifecycle.PendingTasks.as_view(), name="pending-tasks"),
    path("apis/<uuid:api_id>/lifecycle-history", lifecycle.LifecycleHistory.as_view(), name="lifecycle-history"),
    path("apis/<uuid:api_id>/revisions", revisions.Revisions.as_view(), name="revisions"),
    path("apis/<uuid:api_id>/revisions/<uuid:revision_id>", revisions.OneRevision.as_view(), name="revision"),
    path("apis/<uuid:api_id>/deployments", revisions.Deployments.as_view(), name="deployments"),
    path("apis/<uuid:api_id>/deploy-revision", revisions.Deploy.as_view(), name="deploy-revision"),
    path("apis/<uuid:api_id>/undeploy-revision", revisions.Undeploy.as_view(), name="undeploy-revision"),
    path("apis/<uuid:api_id>/restore-revision", revisions.Restore.as_view(), name="restore-revision"),
    path("apis/<uuid:api_id>/endpoint-health", health.EndpointHealth.as_view(), name="endpoint-health"),
    path("apis/<uuid:api_id>/payload-violations", violations.Violations.as_view(), name="payload-violations"),
    path("api-categories", categories.ReadCategories.as_view(), name="categories"),
    path(DOCUMENTS, documentation.Documents.as_view(), name="documents"),
    path(f"{DOCUMENTS}/validate", documentation.NameCheck.as_view(), name="document-validate"),
    path(f"{DOCUMENTS}/<uuid:document_id>", documentation.OneDocument.as_view(), name="document"),
    path(f"{DOCUMENTS}/<uuid:document_id>/content", documentation.Content.as_view(), name="document-content"),
    path(COMMENTS, comments.Comments.as_view(), name="comments"),
    path(f"{COMMENTS}/<uuid:comment_id>", comments.OneComment.as_view(), name="comment"),
    path(f"{COMMENTS}/<uuid:comment_id>/replies", comments.Replies.as_view(), name="replies"),
    path(SCOPES, scopes.ApiScopes.as_view(), name="api-scopes"),
    path(f"{SCOPES}/<uuid:scope_id>", scopes.ApiScope.as_view(), name="api-scope"),
    path("scopes", scopes.SharedScopes.as_view(), name="scopes"),
    path("scopes/<uuid:scope_id>", scopes.SharedScope.as_view(), name="scope"),
    path("scopes/<uuid:scope_id>/usage", scopes.SharedScopeUsage.as_view(), name="scope-usage"),
    path("throttling-policies/streaming/subscription", plans.StreamingPlans.as_view(), name="streaming-plans"),
    path("throttling-policies/subscription", plans.ThrottlingPolicies.as_view(), name="plans"),
    path("throttling-policies/subscription/<str:name>", plans.OnePlan.as_view(), name="plan"),
]
