"""The gateway's pages, in all three portals."""

from django.urls import path

from gateway.views import analytics, connections, diagnostics, usage

app_name = "gateway"

API = "publisher/apis/<uuid:pk>"

urlpatterns = [
    path(f"{API}/usage", usage.api_usage, name="api-usage"),
    path("devportal/applications/<uuid:pk>/usage", usage.application_usage, name="application-usage"),
    path(f"{API}/analytics", analytics.api_analytics, name="api-analytics"),
    path("publisher/analytics", analytics.all_apis, name="all-apis"),
    path("devportal/applications/<uuid:pk>/analytics", analytics.application_analytics, name="application-analytics"),
    path("admin/analytics", analytics.installation, name="installation"),
    path(f"{API}/connections", connections.api_connections, name="api-connections"),
    path(f"{API}/connections/closings", connections.api_closings, name="api-closings"),
    path(f"{API}/connections/drains", connections.drains, name="drains"),
    path(f"{API}/diagnostics", diagnostics.api_diagnostics, name="api-diagnostics"),
    path("admin/diagnostics", diagnostics.all_diagnostics, name="all-diagnostics"),
    path("devportal/diagnostics", diagnostics.my_diagnostics, name="my-diagnostics"),
    path("admin/connections", connections.all_connections, name="all-connections"),
    path("admin/connections/closings", connections.all_closings, name="all-closings"),
    path("devportal/connections", connections.my_connections, name="my-connections"),
    path("devportal/connections/closings", connections.my_closings, name="my-closings"),
]
