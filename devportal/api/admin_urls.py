"""The addresses of the Administration's REST API that belong to this room, below `/api/am/admin/v4/`."""

from django.urls import path

from devportal.api import attribute_rules, deny_policies, owners, service_accounts, workflows

app_name = "deny-policies-api"

urlpatterns = [
    path("applications/<uuid:application_id>/change-owner", owners.ChangeOwner.as_view(), name="change-owner"),
    path("application-attributes", attribute_rules.AttributeRules.as_view(), name="attributes"),
    path("application-attributes/<int:pk>", attribute_rules.OneAttributeRule.as_view(), name="attribute"),
    path("service-accounts", service_accounts.ServiceAccounts.as_view(), name="service-accounts"),
    path("service-accounts/<int:pk>", service_accounts.OneServiceAccount.as_view(), name="service-account"),
    path(
        "service-accounts/<int:pk>/regenerate-secret",
        service_accounts.RenewServiceSecret.as_view(),
        name="service-account-secret",
    ),
    path("workflows", workflows.Workflows.as_view(), name="workflows"),
    path("workflows/update-workflow-status", workflows.UpdateWorkflowStatus.as_view(), name="update-workflow-status"),
    path("workflows/<str:reference>", workflows.OneWorkflow.as_view(), name="workflow"),
    path("throttling/deny-policies", deny_policies.DenyPolicies.as_view(), name="deny-policies"),
    path("throttling/deny-policy/<uuid:condition_id>", deny_policies.OneDenyPolicy.as_view(), name="deny-policy"),
]
