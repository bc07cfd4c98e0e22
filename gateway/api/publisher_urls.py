"""The gateway's addresses in the Publisher's REST API, below `/api/am/publisher/v4/`."""

from django.urls import path

from gateway.api import usage

app_name = "gateway-publisher-api"

urlpatterns = [
    path("subscriptions/<uuid:subscription_id>/usage", usage.SubscriberUsage.as_view(), name="subscriber-usage"),
]
