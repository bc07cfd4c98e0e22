"""The pages of this room that stand in the Administration, below `/admin/`."""

from django.urls import path

from publisher.views import scopes

app_name = "shared-scopes"

urlpatterns = [
    path("scopes", scopes.shared, name="list"),
    path("scopes/create", scopes.create_shared, name="create"),
    path("scopes/<uuid:scope>", scopes.shared_scope, name="scope"),
    path("scopes/<uuid:scope>/deletions", scopes.shared_deletions, name="deletions"),
]
