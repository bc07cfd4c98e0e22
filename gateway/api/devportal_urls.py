"""The gateway's addresses in the Developer Portal's REST API, below `/api/am/devportal/v3/`."""

from django.urls import path

from gateway.api import usage

app_name = "gateway-devportal-api"

urlpatterns = [
    path("subscriptions/<uuid:subscription_id>/usage", usage.UsageOfSubscription.as_view(), name="subscription-usage"),
    path("applications/<uuid:application_id>/usage", usage.ApplicationUsage.as_view(), name="application-usage"),
]
