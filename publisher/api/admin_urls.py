"""The addresses of categories in the Administration's REST API, below `/api/am/admin/v4/`."""

from django.urls import path

from publisher.api import categories

app_name = "categories-api"

urlpatterns = [
    path("api-categories", categories.Categories.as_view(), name="categories"),
    path("api-categories/<uuid:category_id>", categories.OneCategory.as_view(), name="category"),
]
