"""Users and roles in the Administration."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import operations
from accounts.models import User
from accounts.roles import MAY, Role
from core.models import AuditEntry
from tests.conftest import PASSWORD
from tests.devportal import builders
from tests.publisher.builders import NOW, make_api

USERS = "/admin/users"


@pytest.fixture
def administrator(client: Client, admin: User) -> Client:
    """The administrator's browser."""
    client.force_login(admin)
    return client


def post(client: Client, address: str, **form: Any) -> Any:
    return client.post(address, form, secure=True)


def get(client: Client, address: str) -> Any:
    return client.get(address, secure=True)


def once_shown(page: str) -> str:
    found = re.search(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}", page)
    return found.group() if found else ""


def test_somebody_is_made_a_creator_and_then_sees_create_api(administrator: Client, carol: User) -> None:
    page = get(administrator, f"{USERS}/{carol.pk}").text
    assert all(may in page.replace("&#x27;", "'") for may in MAY.values())
    answer = post(administrator, f"{USERS}/{carol.pk}", roles=["subscriber", "creator"], seen=["subscriber"])
    assert (answer.status_code, answer["Location"]) == (302, f"{USERS}/{carol.pk}")
    hers = Client()
    hers.force_login(carol)
    assert "CREATE API" in get(hers, "/publisher/apis").text
    assert "Roles changed from subscriber to" in get(administrator, f"{USERS}/{carol.pk}").text


def test_a_user_is_created_with_a_one_time_password_that_is_shown_once_and_changed_at_once(
    administrator: Client,
) -> None:
    answer = post(administrator, f"{USERS}/create", username="erin", email="erin@example.test", roles=["creator"])
    shown = get(administrator, answer["Location"])
    password = once_shown(shown.text)
    assert "no-store" in shown["Cache-Control"]
    assert not once_shown(get(administrator, answer["Location"]).text)
    theirs = Client()
    answer = post(theirs, "/publisher/sign-in", username="erin", password=password, next="/publisher/apis/create")
    assert answer["Location"] == "/publisher/account/password?next=%2Fpublisher%2Fapis%2Fcreate"
    answer = post(theirs, answer["Location"], current_password=password, new_password=PASSWORD)
    assert answer["Location"] == "/publisher/apis/create"
    assert User.objects.get(username="erin").roles == {Role.CREATOR}


def test_a_name_that_is_taken_says_so_and_keeps_what_was_typed_and_ticked(administrator: Client, carol: User) -> None:
    page = post(administrator, f"{USERS}/create", username="CAROL", email="c@example.test", roles=["observer"])
    assert page.status_code == 400
    assert "The name CAROL is taken" in page.text
    assert 'value="c@example.test"' in page.text
    assert re.search(r'value="observer"\s+checked', page.text)


def test_the_list_is_searched_narrowed_and_paged(administrator: Client, alice: User, bob: User) -> None:
    User.objects.bulk_create(User(username=f"robot{number:02}") for number in range(30))
    User.objects.filter(pk=bob.pk).update(first_name="Robert", last_name="Okoro", is_active=False)

    def named(query: str) -> set[str]:
        return set(re.findall(r'/admin/users/\d+"><bdi>(\w+)<', get(administrator, USERS + query).text))

    assert named("?q=okoro") == {"bob"}
    assert named("?q=ALICE@example") == {"alice"}
    assert named("?role=creator") == {"alice"}
    assert named("?state=disabled") == {"bob"}
    assert len(named("")) == 25
    assert len(named("?page=2")) == 8
    assert "Nobody found" in get(administrator, f"{USERS}?q=nobody-like-it").text


def test_taking_the_subscriber_role_counts_what_it_ends_and_asks_first(administrator: Client, carol: User) -> None:
    application = builders.application(carol)
    keys = builders.keys(application).client
    builders.operations.generate_token(client=keys, actor=carol, now=NOW.replace(year=2126))
    page = post(administrator, f"{USERS}/{carol.pk}", roles=["observer"], seen=["subscriber"])
    assert page.status_code == 409
    assert "Ends 1 token of their 1 application at once." in page.text
    assert User.objects.get(pk=carol.pk).roles == {Role.SUBSCRIBER}
    answer = post(administrator, f"{USERS}/{carol.pk}", roles=["observer"], seen=["subscriber"], consented="on")
    assert answer.status_code == 302
    assert User.objects.get(pk=carol.pk).roles == {Role.OBSERVER}


def test_roles_that_changed_meanwhile_are_named_and_not_overwritten(administrator: Client, carol: User) -> None:
    carol.role_grants.update(role=Role.OBSERVER)
    page = post(administrator, f"{USERS}/{carol.pk}", roles=["creator"], seen=["subscriber"])
    assert page.status_code == 409
    assert "now they are observer" in page.text


def test_the_last_administrator_stays(administrator: Client, admin: User) -> None:
    page = post(administrator, f"{USERS}/{admin.pk}", roles=["creator"], seen=["admin"])
    assert (page.status_code, "last administrator" in page.text) == (409, True)
    post(administrator, f"{USERS}/{admin.pk}/states", state="disabled")
    assert User.objects.get(pk=admin.pk).is_active


def test_disabling_shuts_out_and_enabling_lets_in_again(administrator: Client, carol: User) -> None:
    hers = Client()
    hers.force_login(carol)
    post(administrator, f"{USERS}/{carol.pk}/states", state="disabled")
    assert get(hers, "/devportal/applications").status_code == 302
    post(administrator, f"{USERS}/{carol.pk}/states", state="enabled")
    again = post(Client(), "/devportal/sign-in", username="carol", password=PASSWORD)
    assert again.status_code == 302
    verbs = AuditEntry.objects.filter(object_id=str(carol.pk)).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["user.disabled", "user.enabled"]


def test_ending_sessions_signs_out_everywhere_and_keeps_the_password(administrator: Client, carol: User) -> None:
    hers = Client()
    hers.force_login(carol)
    post(administrator, f"{USERS}/{carol.pk}/sign-outs")
    assert get(hers, "/devportal/applications").status_code == 302
    assert post(hers, "/devportal/sign-in", username="carol", password=PASSWORD).status_code == 302
    assert get(hers, "/devportal/applications").status_code == 200


def test_a_reset_password_lets_in_somebody_who_was_locked_out(administrator: Client, carol: User) -> None:
    cache.clear()
    hers = Client()
    for _ in range(6):
        last = post(hers, "/devportal/sign-in", username="Carol", password="wrong")
    assert last.status_code == 429
    assert "admin" in last.text
    assert "Users and roles" in last.text
    answer = post(administrator, f"{USERS}/{carol.pk}/password-resets")
    password = once_shown(get(administrator, answer["Location"]).text)
    answer = post(hers, "/devportal/sign-in", username="carol", password=password)
    assert answer["Location"].startswith("/devportal/account/password")


def test_the_way_to_users_and_roles_is_shown_to_administrators_only(administrator: Client, alice: User) -> None:
    for page in ("/publisher/apis", "/devportal/apis"):
        assert USERS in get(administrator, page).text
    hers = Client()
    hers.force_login(alice)
    assert USERS not in get(hers, "/publisher/apis").text
    assert "admin gives you more roles" in " ".join(
        re.sub(r"<[^>]+>", "", get(hers, "/publisher/account").text).split()
    )


def test_an_observer_reads_why_a_button_is_not_there(client: Client, observer: User, alice: User) -> None:
    api = make_api(alice)
    client.force_login(observer)
    for page, sentence in {
        "": "Making a new version needs the creator role.",
        "/lifecycle": "Moving an API through its lifecycle needs the publisher role.",
        "/deployments": "Deploying and undeploying needs the publisher role.",
    }.items():
        assert sentence in get(client, f"/publisher/apis/{api.pk}{page}").text


def test_who_made_an_account_sees_that_others_exist_but_not_the_administration(client: Client, carol: User) -> None:
    client.force_login(carol)
    page = get(client, USERS)
    assert page.status_code == 403
    assert "manage.py user carol --role admin" in page.text
    operations.set_roles(user=carol, roles=[Role.ADMIN], actor=None, now=NOW)
    assert get(client, USERS).status_code == 200
