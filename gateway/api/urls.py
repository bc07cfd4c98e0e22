"""The addresses of the gateway's own REST API, below `/api/am/gateway/v1/`."""

from django.urls import path

from gateway.api import analytics, connections, diagnostics, statements

app_name = "gateway-api"

urlpatterns = [
    path("statements", statements.Statements.as_view(), name="statements"),
    path("analytics", analytics.Analytics.as_view(), name="analytics"),
    path("diagnostics", diagnostics.Diagnostics.as_view(), name="diagnostics"),
    path("connections", connections.Connections.as_view(), name="connections"),
    path("connections/closings", connections.Closings.as_view(), name="closings"),
    path("connections/drains", connections.Drains.as_view(), name="drains"),
    path("connections/<str:connection_id>", connections.OneConnection.as_view(), name="connection"),
]
