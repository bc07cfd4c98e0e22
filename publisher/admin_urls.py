"""The Publisher's pages of the Administration, below `/admin/`."""

from django.urls import path

from publisher.views import approvals, categories, scopes

app_name = "publisher-admin"

urlpatterns = [
    path("categories", categories.categories, name="categories"),
    path("categories/<uuid:pk>", categories.category, name="category"),
    path("categories/<uuid:pk>/deletions", categories.deletions, name="category-deletions"),
    path("lifecycle-requests", approvals.requests, name="lifecycle-requests"),
    path("lifecycle-requests/<uuid:pk>/decisions", approvals.decisions, name="lifecycle-decisions"),
    path("scopes", scopes.shared, name="scopes"),
    path("scopes/create", scopes.create, name="scope-create"),
    path("scopes/<uuid:scope>", scopes.scope, name="scope"),
    path("scopes/<uuid:scope>/deletions", scopes.deletions, name="scope-deletions"),
]
