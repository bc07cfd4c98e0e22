"""Sign-in, sign-up and the account page."""

from django.urls import URLPattern

app_name = "accounts"

urlpatterns: list[URLPattern] = []
