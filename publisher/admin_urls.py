"""The Publisher's pages of the Administration, below `/admin/`."""

from django.urls import path

from publisher.views import categories

app_name = "publisher-admin"

urlpatterns = [
    path("categories", categories.categories, name="categories"),
    path("categories/<uuid:pk>", categories.category, name="category"),
    path("categories/<uuid:pk>/deletions", categories.deletions, name="category-deletions"),
]
