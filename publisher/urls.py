"""The pages of the Publisher."""

from django.urls import URLPattern

app_name = "publisher"

urlpatterns: list[URLPattern] = []
