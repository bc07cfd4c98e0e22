"""The gateway's pages, in all three portals."""

from django.urls import path

from gateway.views import analytics, connections, diagnostics, recordings, usage

app_name = "gateway"

API = "publisher/apis/<uuid:pk>"
RECORDING = f"{API}/recordings/<uuid:recording>"
APPLICATION = "devportal/applications/<uuid:pk>"

urlpatterns = [
    path(f"{API}/usage", usage.api_usage, name="api-usage"),
    path(f"{APPLICATION}/usage", usage.application_usage, name="application-usage"),
    path(f"{API}/analytics", analytics.api_analytics, name="api-analytics"),
    path("publisher/analytics", analytics.all_apis, name="all-apis"),
    path(f"{APPLICATION}/analytics", analytics.application_analytics, name="application-analytics"),
    path("admin/analytics", analytics.installation, name="installation"),
    path(f"{API}/connections", connections.api_connections, name="api-connections"),
    path(f"{API}/connections/closings", connections.api_closings, name="api-closings"),
    path(f"{API}/connections/drains", connections.drains, name="drains"),
    path(f"{API}/diagnostics", diagnostics.api_diagnostics, name="api-diagnostics"),
    path(f"{API}/recordings", recordings.api_recordings, name="api-recordings"),
    path(RECORDING, recordings.recording, name="recording"),
    path(f"{RECORDING}/file", recordings.recording_file, name="recording-file"),
    path(f"{RECORDING}/endings", recordings.recording_endings, name="recording-endings"),
    path(f"{RECORDING}/deletions", recordings.recording_deletions, name="recording-deletions"),
    path(f"{APPLICATION}/recordings", recordings.application_recordings, name="application-recordings"),
    path(
        f"{APPLICATION}/recordings/<uuid:recording>/endings",
        recordings.application_recording_endings,
        name="application-recording-endings",
    ),
    path(f"{APPLICATION}/recording-consents", recordings.recording_consents, name="recording-consents"),
    path("admin/diagnostics", diagnostics.all_diagnostics, name="all-diagnostics"),
    path("devportal/diagnostics", diagnostics.my_diagnostics, name="my-diagnostics"),
    path("admin/connections", connections.all_connections, name="all-connections"),
    path("admin/connections/closings", connections.all_closings, name="all-closings"),
    path("devportal/connections", connections.my_connections, name="my-connections"),
    path("devportal/connections/closings", connections.my_closings, name="my-closings"),
]
