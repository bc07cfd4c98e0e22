"""The addresses of the gateway's own REST API, below `/api/am/gateway/v1/`."""

from django.urls import path

from gateway.api import analytics, connections, diagnostics, recordings, statements

app_name = "gateway-api"

urlpatterns = [
    path("statements", statements.Statements.as_view(), name="statements"),
    path("analytics", analytics.Analytics.as_view(), name="analytics"),
    path("diagnostics", diagnostics.Diagnostics.as_view(), name="diagnostics"),
    path("recordings", recordings.Recordings.as_view(), name="recordings"),
    path("recordings/<uuid:recording_id>", recordings.OneRecording.as_view(), name="recording"),
    path("recordings/<uuid:recording_id>/endings", recordings.RecordingEndings.as_view(), name="recording-endings"),
    path("recordings/<uuid:recording_id>/messages", recordings.RecordedMessages.as_view(), name="recorded-messages"),
    path(
        "applications/<uuid:application_id>/recording-consent",
        recordings.RecordingConsent.as_view(),
        name="recording-consent",
    ),
    path("connections", connections.Connections.as_view(), name="connections"),
    path("connections/closings", connections.Closings.as_view(), name="closings"),
    path("connections/drains", connections.Drains.as_view(), name="drains"),
    path("connections/<str:connection_id>", connections.OneConnection.as_view(), name="connection"),
]
