"""The pages of the Developer Portal."""

from django.urls import URLPattern

app_name = "devportal"

urlpatterns: list[URLPattern] = []
