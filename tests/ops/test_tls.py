"""The certificate: made for this machine when none is given, replaced only if it was made here."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from apimanager.preflight import CannotStart
from apimanager.tls import LIFETIME, chain_of, ensure_certificate
from core.listening import read_key

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def make(folder: Path, host: str = "localhost", now: datetime = NOW, given: bool = False, password: str = "") -> bool:
    return ensure_certificate(folder / "certificate.pem", folder / "key.pem", host, now, given=given, password=password)


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def names(folder: Path) -> list[str]:
    extension = certificate(folder).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_the_first_start_makes_one_that_names_every_loopback_address(tmp_path: Path) -> None:
    assert make(tmp_path / "tls", "api.example.test")
    assert names(tmp_path / "tls") == ["localhost", "127.0.0.1", "::1", "api.example.test"]


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    make(tmp_path)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_the_second_start_keeps_it(tmp_path: Path) -> None:
    make(tmp_path)
    before = certificate(tmp_path)
    assert not make(tmp_path, now=NOW + timedelta(days=100))
    assert certificate(tmp_path) == before


def test_it_is_replaced_once_it_has_expired(tmp_path: Path) -> None:
    make(tmp_path)
    later = NOW + LIFETIME
    assert make(tmp_path, now=later)
    assert certificate(tmp_path).not_valid_after_utc == later + LIFETIME


def test_it_is_replaced_when_the_public_name_changes(tmp_path: Path) -> None:
    make(tmp_path)
    assert make(tmp_path, "api.example.test")
    assert "api.example.test" in names(tmp_path)


def test_a_given_one_is_never_replaced_even_when_it_has_expired(tmp_path: Path) -> None:
    make(tmp_path)
    before = certificate(tmp_path)
    assert not make(tmp_path, "api.example.test", NOW + LIFETIME, given=True)
    assert certificate(tmp_path) == before


def test_a_given_one_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"APIM_TLS_CERTIFICATE names .*certificate\.pem, which cannot be read"):
        make(tmp_path, given=True)


def test_a_given_key_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(CannotStart, match=r"APIM_TLS_KEY names .*key\.pem, which cannot be read"):
        make(tmp_path)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "other")
    (tmp_path / "one" / "key.pem").write_bytes((tmp_path / "other" / "key.pem").read_bytes())
    with pytest.raises(CannotStart, match="are not a certificate and its private key"):
        make(tmp_path / "one")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_opened_with_its_password_alone(tmp_path: Path, form: PrivateFormat) -> None:
    make(tmp_path)
    opened = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    locked = opened.private_bytes(Encoding.PEM, form, BestAvailableEncryption("lösung".encode()))
    (tmp_path / "key.pem").write_bytes(locked)
    with pytest.raises(CannotStart, match="is an encrypted private key: say its password in APIM_TLS_KEY_PASSWORD"):
        make(tmp_path, given=True)
    with pytest.raises(CannotStart, match="that APIM_TLS_KEY_PASSWORD does not open"):
        make(tmp_path, given=True, password="guess")
    assert not make(tmp_path, given=True, password="lösung")
    assert (tmp_path / "key.pem").read_bytes() == locked
    shown = load_pem_private_key(read_key(tmp_path / "key.pem", "lösung"), None)
    assert shown.public_key() == opened.public_key()


def test_a_file_that_is_no_certificate_is_refused_and_kept(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "certificate.pem").write_text("hello")
    with pytest.raises(CannotStart, match="APIM_TLS_CERTIFICATE and APIM_TLS_KEY"):
        make(tmp_path)
    assert (tmp_path / "certificate.pem").read_text() == "hello"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be written"):
        make(tmp_path / "file")


def test_the_chain_of_authorities_follows_the_servers_own(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "two")
    both = [(tmp_path / name / "certificate.pem").read_text() for name in ("one", "two")]
    (tmp_path / "chain.pem").write_text("".join(both))
    assert chain_of(tmp_path / "chain.pem") == both
