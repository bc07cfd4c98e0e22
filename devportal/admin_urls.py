"""The pages of the Administration that need to know of plans, applications and clients, below `/admin/`."""

from django.urls import path

from devportal.views import approvals, attributes, deny_policies, plans, service_accounts

app_name = "devportal-admin"

urlpatterns = [
    path("approvals", approvals.approvals, name="approvals"),
    path("approvals/<slug:queue>/<slug:pk>/decisions", approvals.decisions, name="decisions"),
    path("application-attributes", attributes.attributes, name="attributes"),
    path("application-attributes/<int:pk>", attributes.attribute, name="attribute"),
    path("application-attributes/<int:pk>/deletions", attributes.deletions, name="attribute-deletions"),
    path("plans", plans.plans, name="plans"),
    path("plans/create", plans.create, name="plan-create"),
    path("plans/previews", plans.previews, name="plan-previews"),
    path("plans/business/<str:name>", plans.plan, name="plan"),
    path("plans/business/<str:name>/deletions", plans.deletions, name="plan-deletions"),
    path("application-plans", plans.application_plans, name="application-plans"),
    path("application-plans/create", plans.application_create, name="application-plan-create"),
    path("application-plans/plan/<str:name>", plans.application_plan, name="application-plan"),
    path("application-plans/plan/<str:name>/deletions", plans.application_deletions, name="application-plan-deletions"),
    path("deny-policies", deny_policies.deny_policies, name="deny-policies"),
    path("deny-policies/<uuid:pk>/states", deny_policies.states, name="deny-policy-states"),
    path("deny-policies/<uuid:pk>/deletions", deny_policies.deletions, name="deny-policy-deletions"),
    path("service-accounts", service_accounts.service_accounts, name="service-accounts"),
    path("service-accounts/<int:pk>", service_accounts.service_account, name="service-account"),
    path("service-accounts/<int:pk>/secrets", service_accounts.secrets, name="service-account-secrets"),
]
