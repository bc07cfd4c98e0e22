"""The door in front of a view."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.access import RequiresRole, requires
from accounts.models import User
from accounts.permissions import RoleRequired
from accounts.roles import PUBLISHER_PORTAL, Role


@requires(Role.CREATOR, Role.PUBLISHER)
def workshop(request: HttpRequest) -> HttpResponse:
    return HttpResponse("inside")


class Workshop(RequiresRole):
    required_roles = (Role.CREATOR, Role.PUBLISHER)

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("inside")


def ask(
    user: User | AnonymousUser, path: str = "/publisher/apis?q=1", method: str = "get", **headers: str
) -> HttpRequest:
    request: HttpRequest = getattr(RequestFactory(headers=headers), method)(path)
    request.user = user
    return request


@pytest.mark.parametrize("view", [workshop, Workshop.as_view()])
class TestBothKinds:
    def test_one_of_the_roles_is_enough(self, view, alice: User) -> None:  # type: ignore[no-untyped-def]
        assert view(ask(alice)).content == b"inside"

    def test_administrators_may_enter_everywhere(self, view, admin: User) -> None:  # type: ignore[no-untyped-def]
        assert view(ask(admin)).content == b"inside"

    def test_others_are_told_which_role_is_needed_and_whom_to_ask(self, view, carol: User, admin: User) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(RoleRequired) as refusal:
            view(ask(carol))
        assert refusal.value.status == 403
        assert "creator or publisher" in str(refusal.value)
        assert refusal.value.administrators() == ["admin"]

    def test_strangers_sign_in_first_and_come_back(self, view, db: None) -> None:  # type: ignore[no-untyped-def]
        answer = view(ask(AnonymousUser()))
        assert (answer.status_code, answer["Location"]) == (302, "/publisher/sign-in?next=%2Fpublisher%2Fapis%3Fq%3D1")


def test_the_devportal_sends_strangers_to_its_own_sign_in(db: None) -> None:
    answer = workshop(ask(AnonymousUser(), "/devportal/applications"))
    assert answer["Location"].startswith("/devportal/sign-in?")


def test_a_form_sent_without_a_session_is_not_repeated_after_signing_in(db: None) -> None:
    answer = workshop(ask(AnonymousUser(), "/publisher/apis/1/deletion", "post"))
    assert answer["Location"] == "/publisher/sign-in?next=%2Fpublisher%2F"


def test_who_has_signed_in_again_comes_back_to_the_page_whose_form_was_too_late(db: None) -> None:
    page = {"Referer": "http://testserver/publisher/apis/create?from=1"}
    answer = workshop(ask(AnonymousUser(), "/publisher/apis/create", "post", **page))
    assert answer["Location"] == "/publisher/sign-in?next=%2Fpublisher%2Fapis%2Fcreate%3Ffrom%3D1"


def test_a_form_of_another_server_leads_nowhere(db: None) -> None:
    page = {"Referer": "https://elsewhere.test/publisher/apis/create"}
    answer = workshop(ask(AnonymousUser(), "/publisher/apis/create", "post", **page))
    assert answer["Location"] == "/publisher/sign-in?next=%2Fpublisher%2F"


def test_a_fragment_without_a_session_sends_the_whole_page_to_the_sign_in(db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://testserver/publisher/apis?q=a"}
    answer = workshop(ask(AnonymousUser(), "/publisher/checks", "post", **headers))
    assert answer["HX-Redirect"] == "/publisher/sign-in?next=%2Fpublisher%2Fapis%3Fq%3Da"


def test_a_disabled_person_holds_no_role(alice: User) -> None:
    alice.is_active = False
    with pytest.raises(RoleRequired):
        workshop(ask(alice))


def test_without_roles_anybody_signed_in_may_enter(carol: User) -> None:
    assert requires()(lambda request: HttpResponse("inside"))(ask(carol)).content == b"inside"


@pytest.mark.parametrize("role", list(Role))
def test_the_publisher_is_for_everyone_but_mere_subscribers(role: Role) -> None:
    assert (role in PUBLISHER_PORTAL) is (role is not Role.SUBSCRIBER)
