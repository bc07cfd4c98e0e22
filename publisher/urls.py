"""The pages of the Publisher."""

from django.urls import path
from django.views.generic import RedirectView

from publisher.views import (
    apis,
    bulk,
    checks,
    creations,
    definitions,
    deployments,
    designs,
    lifecycles,
    presentation,
    topics,
    versions,
)

app_name = "publisher"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="publisher:apis"), name="home"),
    path("apis", apis.apis, name="apis"),
    path("apis/create", creations.create, name="create"),
    path("apis/create/definition", definitions.create, name="create-from-definition"),
    path("transitions", bulk.transitions, name="bulk-transitions"),
    path("previews", presentation.preview, name="previews"),
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
    path("apis/<uuid:pk>/deployments", deployments.deployments, name="deployments"),
    path("apis/<uuid:pk>/revisions", deployments.revisions, name="revisions"),
    path("apis/<uuid:pk>/undeployment", deployments.undeployment, name="undeployment"),
    path("apis/<uuid:pk>/restorations", deployments.restoration, name="restorations"),
    path("apis/<uuid:pk>/lifecycle", lifecycles.lifecycle, name="lifecycle"),
    path("apis/<uuid:pk>/transitions", lifecycles.transitions, name="transitions"),
    path("apis/<uuid:pk>/versions", versions.versions, name="versions"),
    path("apis/<uuid:pk>/deletion", versions.deletion, name="deletion"),
]
