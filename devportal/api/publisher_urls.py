"""The addresses of the Publisher's REST API that need to know of subscriptions, below `/api/am/publisher/v4/`."""

from django.urls import path

from devportal.api import internal_keys, subscribers

app_name = "subscribers-api"

urlpatterns = [
    path("subscriptions", subscribers.Subscribers.as_view(), name="subscriptions"),
    path("subscriptions/block-subscription", subscribers.Block.as_view(), name="block"),
    path("subscriptions/unblock-subscription", subscribers.Unblock.as_view(), name="unblock"),
    path("apis/<uuid:api_id>/generate-key", internal_keys.GenerateInternalKey.as_view(), name="generate-key"),
    path("blocks", subscribers.OwnerBlocks.as_view(), name="blocks"),
    path("blocks/<uuid:block_id>", subscribers.OneOwnerBlock.as_view(), name="owner-block"),
    path("subscriptions/change-business-plan", subscribers.ChangePlan.as_view(), name="change-plan"),
]
