"""The addresses of plans in the Administration's REST API, below `/api/am/admin/v4/`."""

from django.urls import path

from devportal.api import application_policies, subscription_policies

app_name = "policies-api"

SUBSCRIPTION = "throttling/policies/subscription"
APPLICATION = "throttling/policies/application"

urlpatterns = [
    path(SUBSCRIPTION, subscription_policies.SubscriptionPolicies.as_view(), name="subscription-policies"),
    path(
        f"{SUBSCRIPTION}/<str:policy_id>",
        subscription_policies.OneSubscriptionPolicy.as_view(),
        name="subscription-policy",
    ),
    path(APPLICATION, application_policies.ApplicationPolicies.as_view(), name="application-policies"),
    path(
        f"{APPLICATION}/<str:policy_id>", application_policies.OneApplicationPolicy.as_view(), name="application-policy"
    ),
]
