"""Where the REST API and its documents stand."""

from django.urls import include, path

from apimanager import documents

app_name = "api"

urlpatterns = [
    path("docs", documents.Browser.as_view(), name="docs"),
    path("am/publisher/v4/openapi.yaml", documents.PublisherDocument.as_view(), name="publisher-document"),
    path("am/devportal/v3/openapi.yaml", documents.DevportalDocument.as_view(), name="devportal-document"),
    path("am/publisher/v4/", include("publisher.api.urls")),
    path("am/publisher/v4/", include("devportal.api.publisher_urls")),
    path("am/devportal/v3/", include("devportal.api.urls")),
]
