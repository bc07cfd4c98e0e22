"""The addresses of the Developer Portal's REST API, below `/api/am/devportal/v3/`."""

from django.urls import path

from devportal.api import (
    applications,
    attributes,
    catalogue,
    comments,
    discovery,
    documentation,
    key_mapping,
    keys,
    notifications,
    plans,
    ratings,
    secrets,
    starts,
    subscriptions,
    tickets,
)

app_name = "devportal-api"

DOCUMENTS, COMMENTS = "apis/<uuid:api_id>/documents", "apis/<uuid:api_id>/comments"
ONE_KEY = "applications/<uuid:application_id>/oauth-keys/<int:key_mapping_id>"

urlpatterns = [
    path("apis", catalogue.PublishedApis.as_view(), name="apis"),
    path("apis/<uuid:api_id>", catalogue.CatalogueApi.as_view(), name="api"),
    path("apis/<uuid:api_id>/thumbnail", catalogue.CatalogueThumbnail.as_view(), name="thumbnail"),
    path("apis/<uuid:api_id>/ratings", ratings.Ratings.as_view(), name="ratings"),
    path("apis/<uuid:api_id>/user-rating", ratings.UserRating.as_view(), name="user-rating"),
    path("apis/<uuid:api_id>/follow", starts.Follows.as_view(), name="follow"),
    path("apis/<uuid:api_id>/start", starts.Starts.as_view(), name="start"),
    path("notifications", notifications.Notifications.as_view(), name="notifications"),
    path("notifications/readings", notifications.Readings.as_view(), name="readings"),
    path("notifications/<int:notification_id>/readings", notifications.ReadingsOfOne.as_view(), name="reading"),
    path("notifications/choices", notifications.Choices.as_view(), name="notification-choices"),
    path("tags", discovery.Tags.as_view(), name="tags"),
    path("search", discovery.Search.as_view(), name="search"),
    path("settings", discovery.PortalSettings.as_view(), name="settings"),
    path("api-categories", catalogue.CatalogueCategories.as_view(), name="categories"),
    path("apis/<uuid:api_id>/subscription-policies", catalogue.ApiPlans.as_view(), name="api-plans"),
    path(DOCUMENTS, documentation.DocumentsToRead.as_view(), name="documents"),
    path(f"{DOCUMENTS}/<uuid:document_id>", documentation.DocumentToRead.as_view(), name="document"),
    path(f"{DOCUMENTS}/<uuid:document_id>/content", documentation.DocumentContent.as_view(), name="document-content"),
    path(COMMENTS, comments.CommentsOfDevelopers.as_view(), name="comments"),
    path(f"{COMMENTS}/<uuid:comment_id>", comments.CommentOfDevelopers.as_view(), name="comment"),
    path(f"{COMMENTS}/<uuid:comment_id>/replies", comments.RepliesOfDevelopers.as_view(), name="replies"),
    path("applications", applications.Applications.as_view(), name="applications"),
    path("applications/<uuid:application_id>", applications.OneApplication.as_view(), name="application"),
    path("applications/<uuid:application_id>/generate-keys", keys.GenerateKeys.as_view(), name="generate-keys"),
    path("applications/<uuid:application_id>/map-keys", key_mapping.MapKeys.as_view(), name="map-keys"),
    path("applications/<uuid:application_id>/oauth-keys", keys.OAuthKeys.as_view(), name="keys"),
    path(ONE_KEY, keys.OneKey.as_view(), name="key"),
    path(f"{ONE_KEY}/regenerate-secret", keys.RegenerateSecret.as_view(), name="regenerate-secret"),
    path(f"{ONE_KEY}/generate-secret", secrets.GenerateSecret.as_view(), name="generate-secret"),
    path(f"{ONE_KEY}/secrets", secrets.Secrets.as_view(), name="secrets"),
    path(f"{ONE_KEY}/revoke-secret", secrets.RevokeSecret.as_view(), name="revoke-secret"),
    path(f"{ONE_KEY}/generate-token", keys.GenerateToken.as_view(), name="generate-token"),
    path(f"{ONE_KEY}/generate-ticket", tickets.GenerateTicket.as_view(), name="generate-ticket"),
    path("settings/application-attributes", attributes.ApplicationAttributes.as_view(), name="attributes"),
    path("subscriptions", subscriptions.Subscriptions.as_view(), name="subscriptions"),
    path("subscriptions/<uuid:subscription_id>", subscriptions.OneSubscription.as_view(), name="subscription"),
    path("throttling-policies/application", plans.ApplicationPlans.as_view(), name="application-plans"),
    path("throttling-policies/application/<str:name>", plans.OneApplicationPlan.as_view(), name="application-plan"),
    path("throttling-policies/subscription", plans.BusinessPlans.as_view(), name="plans"),
    path("throttling-policies/subscription/<str:name>", plans.OneBusinessPlan.as_view(), name="plan"),
]
