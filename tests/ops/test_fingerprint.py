"""Machines of one installation are set alike, or do not start: who differs is told in which setting, never to what."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management import call_command
from pytest_django.fixtures import Settings

from apimanager import fingerprint, key_files
from apimanager.preflight import CannotStart
from core import vault
from core.models import AuditEntry, SharedSettings

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OTHERS = {
    "APIM_SIGNING_KEY": ("SIGNING_KEY", key_files.make_signing_key()),
    "APIM_SECRET_KEY": ("SECRET_KEY", "quite-another-secret"),
    "APIM_PORTAL_URL": ("OAUTH_ISSUER", "https://elsewhere.example"),
    "APIM_ACCESS_TOKEN_AUDIENCE": ("ACCESS_TOKEN_AUDIENCE", "elsewhere"),
    "REDIS_URL": ("REDIS_URL", "redis://:open-sesame@elsewhere.example/1"),
}


@pytest.fixture(autouse=True)
def several_machines(settings: Settings) -> None:
    """As on PostgreSQL; the first machine has started."""
    settings.ON_SQLITE = False
    fingerprint.check()


@pytest.mark.parametrize("name", OTHERS)
def test_a_machine_that_differs_does_not_start_and_is_told_the_setting_alone(name: str, settings: Settings) -> None:
    attribute, value = OTHERS[name]
    setattr(settings, attribute, value)

    with pytest.raises(CannotStart, match=rf"^{name} is not what the other machines .* --new-settings`") as refusal:
        fingerprint.check()

    assert value not in str(refusal.value)
    assert not any(other in str(refusal.value) for other in OTHERS if other != name)


def test_several_that_differ_are_told_together(settings: Settings) -> None:
    settings.SECRET_KEY, settings.OAUTH_ISSUER = "another", "https://elsewhere.example"

    with pytest.raises(CannotStart, match=r"^APIM_PORTAL_URL and APIM_SECRET_KEY are not"):
        fingerprint.check()


def test_another_vault_key_is_told_and_a_rotation_is_no_difference(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings.VAULT_KEY_FILE = tmp_path_factory.mktemp("machine") / "vault_key"
    settings.VAULT_KEY_FILE.write_text(vault.rotated())
    with pytest.raises(CannotStart, match=r"^APIM_VAULT_KEY_FILE is not"):
        fingerprint.check()
    fingerprint.renew(NOW)

    call_command("rotate_vault_key")

    fingerprint.check()


def test_a_rotation_takes_over_no_other_difference(settings: Settings) -> None:
    settings.SECRET_KEY = "another"

    fingerprint.renew(NOW, only="APIM_VAULT_KEY_FILE")

    with pytest.raises(CannotStart, match=r"^APIM_SECRET_KEY is not"):
        fingerprint.check()


def test_the_same_key_in_another_form_and_the_same_store_with_another_password_are_no_difference(
    settings: Settings,
) -> None:
    settings.REDIS_URL = "redis://store.example"
    fingerprint.renew(NOW)
    key = load_pem_private_key(settings.SIGNING_KEY.encode(), password=None)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    settings.SIGNING_KEY = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    for same in ("redis://:secret@store.example:6379/0", "redis://STORE.example/?db=0"):
        settings.REDIS_URL = same
        fingerprint.check()


def test_a_change_on_purpose_is_one_command_and_stands_in_the_audit_log(settings: Settings) -> None:
    settings.SECRET_KEY = "another"

    call_command("setup", "--new-settings")

    fingerprint.check()
    entry = AuditEntry.objects.get(verb="settings.changed")
    assert (entry.actor_name, entry.detail) == ("system", {"names": ["APIM_SECRET_KEY"]})
    assert fingerprint.renew(NOW) == []
    assert AuditEntry.objects.filter(verb="settings.changed").count() == 1


def test_setup_without_it_refuses_as_the_parts_do(settings: Settings) -> None:
    settings.SECRET_KEY = "another"

    with pytest.raises(CannotStart, match=r"^APIM_SECRET_KEY is not"):
        call_command("setup")


def test_on_sqlite_which_is_one_machine_s_what_has_changed_is_taken_over(settings: Settings) -> None:
    settings.ON_SQLITE, settings.SECRET_KEY = True, "another"
    fingerprint.check()

    settings.ON_SQLITE = False
    fingerprint.check()


def test_a_setting_that_a_new_release_compares_is_taken_over_once_and_compared_from_then_on(
    settings: Settings,
) -> None:
    row = SharedSettings.objects.get()
    del row.digests["REDIS_URL"]
    row.save()
    fingerprint.check()

    settings.REDIS_URL = "redis://elsewhere.example"
    with pytest.raises(CannotStart, match=r"^REDIS_URL is not"):
        fingerprint.check()


def test_a_signing_key_that_is_none_is_named(settings: Settings) -> None:
    settings.SIGNING_KEY = "nonsense"

    with pytest.raises(CannotStart, match=r"^APIM_SIGNING_KEY is not a private key in PEM form"):
        fingerprint.check()


def test_nothing_of_what_is_set_stands_in_the_row(settings: Settings) -> None:
    row = SharedSettings.objects.get()

    assert settings.SECRET_KEY not in str(vars(row))
    assert len({*row.digests.values()}) == len(row.digests)
