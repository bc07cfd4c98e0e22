"""The addresses of the Administration's REST API that belong to this room, below `/api/am/admin/v4/`."""

from django.urls import path

from devportal.api import deny_policies

app_name = "deny-policies-api"

urlpatterns = [
    path("throttling/deny-policies", deny_policies.DenyPolicies.as_view(), name="deny-policies"),
    path("throttling/deny-policy/<uuid:condition_id>", deny_policies.OneDenyPolicy.as_view(), name="deny-policy"),
]
