"""The OpenAPI documents and the page that shows them."""

from __future__ import annotations

import importlib
import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema

from apimanager.documents import (
    ADMIN,
    DEVPORTAL,
    GATEWAY,
    PUBLISHER,
    AdminDocument,
    DevportalDocument,
    GatewayDocument,
    PublisherDocument,
)

pytestmark = pytest.mark.django_db
VIEWS = {PUBLISHER: PublisherDocument, DEVPORTAL: DevportalDocument, ADMIN: AdminDocument, GATEWAY: GatewayDocument}


def _patterns(view: Any) -> list[URLPattern]:
    return [pattern for name in view.urlconf for pattern in importlib.import_module(name).urlpatterns]


@pytest.mark.parametrize("base", list(VIEWS))
def test_the_document_is_made_without_a_warning(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    view = VIEWS[base]
    GENERATOR_STATS.reset()
    with patched_settings(view.custom_settings):
        schema = SchemaGenerator(urlconf=SimpleNamespace(urlpatterns=_patterns(view))).get_schema(public=True)

    assert (bool(GENERATOR_STATS), capsys.readouterr().err) == (False, "")
    validate_schema(schema)


@pytest.mark.parametrize("base", list(VIEWS))
def test_the_document_names_every_path_its_place_and_its_refusals(client: Client, base: str) -> None:
    response = client.get(f"{base}/openapi.yaml")
    document = yaml.load(response.content, Loader=yaml.CSafeLoader)

    assert (response.status_code, document["servers"]) == (200, [{"url": base}])
    assert len(document["paths"]) == len(_patterns(VIEWS[base]))
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert operation["tags"]
        assert "401" in operation["responses"]
        assert any(status.startswith("2") for status in operation["responses"])


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/devportal", "/api/docs/gateway", "/api/docs/admin"])
def test_the_page_loads_nothing_from_elsewhere_and_styles_with_its_own_nonce(client: Client, path: str) -> None:
    page = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))

    (nonce,) = re.findall(r'<main id="main" nonce="([^"]+)"', page.content.decode())
    assert policy["style-src"] == f"'self' 'nonce-{nonce}'"
    assert policy["default-src"] == "'self'"
    assert f"nonce-{nonce}" not in client.get(path)["Content-Security-Policy"]
    assert re.findall(r'(?:src|href)="(?!/)', page.content.decode()) == []


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/devportal", "/api/docs/gateway", "/api/docs/admin"])
def test_the_page_shows_a_document_that_exists(client: Client, path: str) -> None:
    (source,) = re.findall(r'data-document="([^"]+)"', client.get(path).content.decode())

    assert client.get(source).status_code == 200
