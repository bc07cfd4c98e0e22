"""Which room answers which address."""

from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "apimanager.refusals.bad_request"
handler403 = "apimanager.refusals.permission_denied"
handler404 = "apimanager.refusals.page_not_found"
handler500 = "apimanager.refusals.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="devportal:catalogue")),
    path("", include("gateway.urls")),
    path("publisher/", include("publisher.urls")),
    path("admin/", include("publisher.admin_urls")),
    path("admin/", include("devportal.admin_urls")),
    path("", include("devportal.urls")),
    path("", include("accounts.urls")),
    path("", include("devportal.oauth.urls")),
    path("api/", include("apimanager.api_urls")),
    path("client-registration/v0.17/", include("devportal.api.registration_urls")),
]
