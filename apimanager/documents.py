"""The OpenAPI documents of the REST API, and the page that shows them."""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE
from csp.decorators import csp_update
from django.conf import settings
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularYAMLAPIView
from rest_framework import permissions

from apimanager.rest import BearerAuthentication, PortalSession

PUBLISHER = "/api/am/publisher/v4"
DEVPORTAL = "/api/am/devportal/v3"
ADMIN = "/api/am/admin/v4"
GATEWAY = "/api/am/gateway/v1"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A service account's token, in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "serviceAccount"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Where such a token comes from."""
        flow = {"tokenUrl": f"{settings.PORTAL_URL}/oauth2/token", "scopes": {}}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A portal's session, in the OpenAPI document."""

    target_class = PortalSession
    name = "portalSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The cookie. Writes need the header X-CSRFToken too."""
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class OpenApiDocument(SpectacularYAMLAPIView):
    """One OpenAPI document. Anybody may read it."""

    permission_classes = [permissions.AllowAny]
    authentication_classes = []


class PublisherDocument(OpenApiDocument):
    """The Publisher's part."""

    urlconf = ["publisher.api.urls", "devportal.api.publisher_urls", "gateway.api.publisher_urls"]  # type: ignore[assignment]
    custom_settings = {"TITLE": "Publisher", "VERSION": "v4", "SERVERS": [{"url": PUBLISHER}]}


class DevportalDocument(OpenApiDocument):
    """The Developer Portal's part."""

    urlconf = ["devportal.api.urls", "gateway.api.devportal_urls"]  # type: ignore[assignment]
    custom_settings = {
        "TITLE": "Developer Portal",
        "VERSION": "v3",
        "SERVERS": [{"url": DEVPORTAL}],
    }


class AdminDocument(OpenApiDocument):
    """The Administration's part."""

    urlconf = ["devportal.api.policy_urls", "devportal.api.admin_urls", "accounts.api.urls", "publisher.api.admin_urls"]  # type: ignore[assignment]
    custom_settings = {"TITLE": "Administration", "VERSION": "v4", "SERVERS": [{"url": ADMIN}]}


class GatewayDocument(OpenApiDocument):
    """The gateway's part: who is connected."""

    urlconf = ["gateway.api.urls"]  # type: ignore[assignment]
    custom_settings = {"TITLE": "Gateway", "VERSION": "v1", "SERVERS": [{"url": GATEWAY}]}


@method_decorator(csp_update({"style-src": ["'self'", NONCE]}), name="dispatch")
class Reference(TemplateView):
    """One document as a page to read, with styles that Redoc makes and marks with the nonce of this one answer."""

    template_name = "api/docs.html"
    document = "publisher"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """This document, and where both are."""
        documents = [
            {"document": "publisher", "title": "Publisher v4", "page": reverse("api:docs")},
            {"document": "devportal", "title": "Developer Portal v3", "page": reverse("api:docs-devportal")},
            {"document": "gateway", "title": "Gateway v1", "page": reverse("api:docs-gateway")},
            {"document": "admin", "title": "Administration v4", "page": reverse("api:docs-admin")},
        ]
        title = next(each["title"] for each in documents if each["document"] == self.document)
        home = f"/{self.document}/" if self.document not in ("admin", "gateway") else "/"
        source = reverse(f"api:{self.document}-document")
        return super().get_context_data(
            documents=documents, document=self.document, title=title, source=source, home=home, **kwargs
        )
