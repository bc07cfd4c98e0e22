"""The certificate of the portal and of the gateway's wss port: given by the operator, or made here for this machine."""

import ssl
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apimanager import key_files
from apimanager.preflight import CannotStart
from core.listening import BadKeyPair, load_key_pair

MAKER = "WebSocket API manager, made for this machine"
LIFETIME = timedelta(days=397)  # the longest that browsers accept
ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")


def ensure_certificate(certificate: Path, key: Path, host: str, now: datetime, given: bool, password: str = "") -> bool:
    """Make a self-signed certificate for `host` and localhost unless one is `given`; tell whether it was made.

    `password` opens a given key that is encrypted. One that was made here is replaced once it has expired or does not
    name `host`; one that was given never is.
    Raises CannotStart when the pair cannot be read or written, or does not belong together.
    """
    made = not given and _must_be_made(certificate, key, host, now)
    if made:
        _write(certificate, key, host, now)
    try:
        load_key_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key, password)
    except BadKeyPair as error:
        raise CannotStart(str(error)) from error
    return made


def chain_of(certificate: Path) -> list[str]:
    """The certificates in a PEM file, the server's own first, then those that lead to its authority."""
    found = x509.load_pem_x509_certificates(certificate.read_bytes())
    return [each.public_bytes(serialization.Encoding.PEM).decode() for each in found]


def _must_be_made(certificate: Path, key: Path, host: str, now: datetime) -> bool:
    if not certificate.exists() and not key.exists():
        return True
    try:
        present = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return False  # it was given, so the check of the pair says what is wrong with it
    makers = [each.value for each in present.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if makers != [MAKER] or present.issuer != present.subject:
        return False  # it is somebody else's
    names = present.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return present.not_valid_after_utc <= now or host not in {str(name.value) for name in names}


def _write(certificate: Path, key: Path, host: str, now: datetime) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = []
    for each in dict.fromkeys((*ALWAYS_NAMED, host)):
        try:
            names.append(x509.IPAddress(ip_address(each)))
        except ValueError:
            names.append(x509.DNSName(each))
    made = _self_signed(secret, names, now)
    key_text = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        key_files.replace(key, key_text.decode())
        key_files.replace(certificate, made.public_bytes(serialization.Encoding.PEM).decode())
    except OSError as error:
        raise CannotStart(
            f"A certificate cannot be written to {error.filename} ({error.strerror}): make the folder writable, "
            "or name your own with APIM_TLS_CERTIFICATE and APIM_TLS_KEY."
        ) from error


def _self_signed(key: ec.EllipticCurvePrivateKey, names: Iterable[x509.GeneralName], now: datetime) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, MAKER),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of other machines may be behind
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
