"""Refusals as pages, and the pages of errors."""

import pytest
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path

from accounts.access import requires
from accounts.models import User
from accounts.roles import Role
from core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound

SENTENCE = "The API changed since you opened it. Reload & try <again>."
REFUSALS: dict[str, DomainError] = {
    "invalid": Invalid(SENTENCE, {"context": "A context cannot contain a space."}),
    "not-allowed": NotAllowed(SENTENCE),
    "not-found": NotFound(SENTENCE),
    "conflict": Conflict(SENTENCE),
}


def refuse(request: HttpRequest, kind: str) -> HttpResponse:
    raise REFUSALS[kind]


def vanish(request: HttpRequest) -> HttpResponse:
    raise Http404


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


urlpatterns = [
    path("publisher/refusals/<slug:kind>", refuse),
    path("publisher/vanished", vanish),
    path("publisher/broken", break_down),
    path("publisher/workshop", requires(Role.CREATOR)(vanish)),
    path("", include(settings.ROOT_URLCONF)),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_is_a_page_with_its_status_and_its_sentence(client: Client, kind: str) -> None:
    page = client.get(f"/publisher/refusals/{kind}", secure=True)
    assert page.status_code == REFUSALS[kind].status
    assert "Reload &amp; try &lt;again&gt;." in page.text


def test_a_refusal_leads_back_to_where_the_visitor_was(client: Client) -> None:
    came_from = {"Referer": "https://testserver/publisher/apis?q=echo"}
    assert (
        'href="/publisher/apis?q=echo"'
        in client.get("/publisher/refusals/conflict", secure=True, headers=came_from).text
    )


@pytest.mark.parametrize(
    "address", ["https://evil.example/publisher/apis", "https://testserver/publisher/refusals/conflict"]
)
def test_a_refusal_leads_neither_to_another_server_nor_to_itself(client: Client, address: str) -> None:
    page = client.get("/publisher/refusals/conflict", secure=True, headers={"Referer": address})
    assert "Back to where you were" not in page.text


def test_a_refused_fragment_is_a_toast_and_leaves_the_page_alone(client: Client) -> None:
    answer = client.get("/publisher/refusals/conflict", secure=True, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (409, ".toasts", "beforeend")
    assert 'role="alert"' in answer.text
    assert "<html" not in answer.text


def test_the_page_of_a_missing_role_names_the_role_and_the_administrators(
    client: Client, carol: User, admin: User
) -> None:
    client.force_login(carol)
    page = client.get("/publisher/workshop", secure=True)
    assert page.status_code == 403
    assert ">creator<" in page.text
    assert "Ask <bdi>admin</bdi>, who can give" in page.text
    assert "Users and roles" in page.text


@override_settings(DEBUG=False)
def test_a_page_that_is_not_there_says_so(client: Client) -> None:
    page = client.get("/publisher/vanished", secure=True)
    assert page.status_code == 404
    assert "There is nothing here" in page.text


@override_settings(DEBUG=False)
def test_a_fault_of_ours_says_so_and_keeps_its_details_to_itself(client: Client) -> None:
    client.raise_request_exception = False
    page = client.get("/publisher/broken", secure=True)
    assert page.status_code == 500
    assert "Something broke on the server" in page.text
    assert "a fault of ours" not in page.text


@override_settings(DEBUG=False, ALLOWED_HOSTS=["localhost"])
def test_a_request_for_another_host_is_not_understood(client: Client) -> None:
    page = client.get("/publisher/vanished", secure=True, headers={"Host": "evil.example"})
    assert page.status_code == 400
    assert "did not understand" in page.text


def test_error_pages_carry_the_content_security_policy(client: Client) -> None:
    policy = client.get("/publisher/refusals/conflict", secure=True)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_other_exceptions_are_left_to_django() -> None:
    from accounts.middleware import DomainErrorMiddleware

    middleware = DomainErrorMiddleware(lambda request: HttpResponse())
    assert middleware.process_exception(RequestFactory().get("/"), RuntimeError()) is None
