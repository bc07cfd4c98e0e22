"""Where clients are registered, below `/client-registration/v0.17/`, which is WSO2's address for it."""

from django.urls import path

from devportal.api import registrations

app_name = "registrations-api"

urlpatterns = [path("register", registrations.Registrations.as_view(), name="register")]
