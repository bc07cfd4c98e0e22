"""`manage.py user`."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry


def user(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("user", *arguments, stdout=out)
    return out.getvalue()


def password_in(printed: str) -> str:
    found = re.search(r"one-time password  (\S+)", printed)
    return found.group(1) if found else ""


@pytest.mark.django_db
def test_it_creates_a_user_and_prints_a_one_time_password() -> None:
    printed = user("erin", "--role", "creator", "--role", "publisher", "--email", "erin@example.test")
    erin = User.objects.get(username="erin")
    assert erin.roles == {Role.CREATOR, Role.PUBLISHER}
    assert (erin.email, erin.must_change_password) == ("erin@example.test", True)
    assert erin.check_password(password_in(printed))
    assert AuditEntry.objects.latest("pk").actor_name == "system"


def test_roles_are_given_and_taken_and_the_others_stay(carol: User) -> None:
    assert "creator and subscriber" in user("CAROL", "--role", "creator")
    assert "creator" in user("carol", "--no-role", "subscriber")
    assert User.objects.get(pk=carol.pk).roles == {Role.CREATOR}


def test_a_user_is_disabled_and_enabled(carol: User) -> None:
    assert "disabled" in user("carol", "--disable")
    assert not User.objects.get(pk=carol.pk).is_active
    user("carol", "--enable")
    assert User.objects.get(pk=carol.pk).is_active


def test_a_password_is_reset_and_sessions_are_ended(carol: User) -> None:
    password = password_in(user("carol", "--reset-password"))
    assert User.objects.get(pk=carol.pk).check_password(password)
    user("carol", "--end-sessions")
    assert AuditEntry.objects.latest("pk").verb == "user.sessions_ended"


def test_without_a_name_it_lists_everybody(carol: User, admin: User) -> None:
    assert [line.split() for line in user().splitlines()] == [["admin", "admin"], ["carol", "subscriber"]]


def test_the_last_administrator_stays(admin: User) -> None:
    for change in (["--disable"], ["--no-role", "admin"]):
        with pytest.raises(CommandError, match="last administrator"):
            user("admin", *change)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody"], "There is no user called nobody"),
        (["nobody", "--disable"], "There is no user called nobody"),
        (["--disable"], "Name the user"),
        (["two words", "--role", "creator"], "has no spaces"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        user(*arguments)
    assert not User.objects.exists()
