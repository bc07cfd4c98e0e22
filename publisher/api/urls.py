"""The addresses of the Publisher's REST API, below `/api/am/publisher/v4/`."""

from django.urls import path

from publisher.api import apis, categories, exchange, lifecycle, plans, revisions, thumbnails

app_name = "publisher-api"

urlpatterns = [
    path("apis", apis.Apis.as_view(), name="apis"),
    path("apis/validate", apis.Validation.as_view(), name="validate"),
    path("apis/copy-api", apis.Copy.as_view(), name="copy"),
    path("apis/export", exchange.Export.as_view(), name="export"),
    path("apis/import", exchange.Import.as_view(), name="import"),
    path("apis/change-lifecycle", lifecycle.ChangeLifecycle.as_view(), name="change-lifecycle"),
    path("apis/<uuid:api_id>", apis.OneApi.as_view(), name="api"),
    path("apis/<uuid:api_id>/thumbnail", thumbnails.ApiThumbnail.as_view(), name="thumbnail"),
    path("apis/<uuid:api_id>/lifecycle-state", lifecycle.LifecycleState.as_view(), name="lifecycle-state"),
    path("apis/<uuid:api_id>/lifecycle-history", lifecycle.LifecycleHistory.as_view(), name="lifecycle-history"),
    path("apis/<uuid:api_id>/revisions", revisions.Revisions.as_view(), name="revisions"),
    path("apis/<uuid:api_id>/revisions/<uuid:revision_id>", revisions.OneRevision.as_view(), name="revision"),
    path("apis/<uuid:api_id>/deployments", revisions.Deployments.as_view(), name="deployments"),
    path("apis/<uuid:api_id>/deploy-revision", revisions.Deploy.as_view(), name="deploy-revision"),
    path("apis/<uuid:api_id>/undeploy-revision", revisions.Undeploy.as_view(), name="undeploy-revision"),
    path("apis/<uuid:api_id>/restore-revision", revisions.Restore.as_view(), name="restore-revision"),
    path("api-categories", categories.ReadCategories.as_view(), name="categories"),
    path("throttling-policies/streaming/subscription", plans.StreamingPlans.as_view(), name="streaming-plans"),
    path("throttling-policies/subscription", plans.ThrottlingPolicies.as_view(), name="plans"),
    path("throttling-policies/subscription/<str:name>", plans.OnePlan.as_view(), name="plan"),
]
