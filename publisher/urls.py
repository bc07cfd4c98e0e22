"""The pages of the Publisher."""

from django.urls import path
from django.views.generic import RedirectView

from publisher.views import apis, checks, creations, deployments, designs, lifecycles, samples, versions

app_name = "publisher"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="publisher:apis"), name="home"),
    path("apis", apis.apis, name="apis"),
    path("apis/create", creations.create, name="create"),
    path("apis/sample", samples.sample, name="sample"),
    path("field-checks", checks.field_check, name="field-checks"),
    path("endpoint-tests", checks.endpoint_test, name="endpoint-tests"),
    path("apis/<uuid:pk>", apis.api, name="api"),
    path("apis/<uuid:pk>/basic-info", designs.BasicInfo.as_view(), name="basic-info"),
    path("apis/<uuid:pk>/endpoint", designs.EndpointPage.as_view(), name="endpoint"),
    path("apis/<uuid:pk>/runtime", designs.RuntimePage.as_view(), name="runtime"),
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
