"""The pages of this room that stand in the Administration, below `/admin/`."""

from django.urls import path

from publisher.views import scopes

app_name = "shared-scopes"

urlpatterns = [
    path("scopes", scopes.shared, name="list"),
    path("scopes/create", scopes.create, name="create"),
    path("scopes/<uuid:scope>", scopes.scope, name="scope"),
    path("scopes/<uuid:scope>/deletions", scopes.deletions, name="deletions"),
]
