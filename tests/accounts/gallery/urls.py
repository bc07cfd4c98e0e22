"""Addresses of the gallery: the portals' names, so that the shell can link, and one page per picture."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.utils import timezone
from django.utils.html import format_html_join

from tests.accounts.gallery.forms import ApiForm

API = {
    "pk": "0b9ad5f6-6d1f-4e6f-9a7c-0b1d1f1f0001",
    "name": "EchoWebSocket",
    "version": "1.0.0",
    "context": "/echowebsocket",
    "state": "PUBLISHED",
}
# As long as a real one: a header, nine claims and 256 bytes of signature.
TOKEN = f"eyJhbGciOiJSUzI1NiIsImtpZCI6IjQ1ZTgifQ.{'eyJpc3MiOiJodHRwczovL2xv' * 14}.{'c2lnbmF0dXJl' * 28}"
COMMAND = format_html_join(
    "",
    "<{0}>{1}</{0}>{2}",
    [
        ("b", "wscat", " -c "),
        ("i", "ws://localhost:9099/echowebsocket/1.0", " \\\n  -H "),
        ("i", f'"Authorization: Bearer {TOKEN[:30]}…"', ""),
    ],
)


def page(request: HttpRequest, name: str, pk: str = "") -> HttpResponse:
    """One page of the gallery."""
    sent = {"name": "EchoWebSocket", "context": "/echo websocket", "version": "1.0.0", "plans": ["gold", "silver"]}
    form = ApiForm(sent if "wrong" in request.GET else None)
    pages = Paginator(range(1204), 20).get_page(request.GET.get("page", 4))
    context = {"api": API, "form": form, "now": timezone.now(), "page": pages, "text": "\"a\" <b> & 'c'"}
    context |= {"token": TOKEN, "command": COMMAND, "soon": timezone.now() + timedelta(minutes=3, seconds=2)}
    return render(request, f"gallery/{name}.html", context)


def named(names: dict[str, str], app: str) -> tuple[list[object], str]:
    """Routes of one portal, each to a page of the gallery."""
    routes = [
        path(route, page, {"name": name.partition(":")[2] or "plain"}, name=name.partition(":")[0])
        for name, route in names.items()
    ]
    return routes, app


PUBLISHER = {
    "apis:empty": "apis",
    "create:form": "create",
    "api:overview": "apis/<str:pk>",
    "basic-info": "apis/<str:pk>/basic-info",
    "endpoint": "apis/<str:pk>/endpoint",
    "plans": "apis/<str:pk>/plans",
    "deployments": "apis/<str:pk>/deployments",
    "lifecycle:lifecycle": "apis/<str:pk>/lifecycle",
    "export": "apis/<str:pk>/export",
    "versions": "apis/<str:pk>/versions",
    "deletion": "apis/<str:pk>/deletion",
}
DEVPORTAL = {
    "catalogue:catalogue": "",
    "applications:components": "applications",
    "api": "apis/<str:pk>",
    "wizard:wizard": "apis/<str:pk>/wizard",
    "subscribers": "subscribers/<str:pk>",
}

urlpatterns = [
    path("publisher/", include(named(PUBLISHER, "publisher"))),
    path("devportal/", include(named(DEVPORTAL, "devportal"))),
    path("", include("accounts.urls")),
]
