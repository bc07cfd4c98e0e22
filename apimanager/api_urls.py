"""Where the REST API and its documents stand."""

from django.urls import include, path, re_path

from apimanager import documents
from apimanager.not_found import UnknownAddress

app_name = "api"

urlpatterns = [
    path("docs", documents.Reference.as_view(), name="docs"),
    path("docs/devportal", documents.Reference.as_view(document="devportal"), name="docs-devportal"),
    path("docs/gateway", documents.Reference.as_view(document="gateway"), name="docs-gateway"),
    path("docs/admin", documents.Reference.as_view(document="admin"), name="docs-admin"),
    path("am/admin/v4/openapi.yaml", documents.AdminDocument.as_view(), name="admin-document"),
    path("am/publisher/v4/openapi.yaml", documents.PublisherDocument.as_view(), name="publisher-document"),
    path("am/devportal/v3/openapi.yaml", documents.DevportalDocument.as_view(), name="devportal-document"),
    path("am/publisher/v4/", include("publisher.api.urls")),
    path("am/publisher/v4/", include("devportal.api.publisher_urls")),
    path("am/publisher/v4/", include("gateway.api.publisher_urls")),
    path("am/devportal/v3/", include("devportal.api.urls")),
    path("am/devportal/v3/", include("gateway.api.devportal_urls")),
    path("am/admin/v4/", include("devportal.api.policy_urls")),
    path("am/admin/v4/", include("devportal.api.admin_urls")),
    path("am/admin/v4/", include("accounts.api.urls")),
    path("am/admin/v4/", include("publisher.api.admin_urls")),
    path("am/gateway/v1/openapi.yaml", documents.GatewayDocument.as_view(), name="gateway-document"),
    path("am/gateway/v1/", include("gateway.api.urls")),
    re_path(r"^am/", UnknownAddress.as_view(), name="not-found"),
]
