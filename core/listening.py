"""What keeps a server from listening, in sentences for the operator. Without Django: asked before anything starts."""

import errno
import ssl
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

TLS_12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""What is spoken beside TLS 1.3's own: authenticated encryption with forward secrecy (RFC 9325 §4.2)."""


class BadKeyPair(ValueError):
    """A certificate and its key cannot be used. `str(error)` names the file, the settings, and the way out."""


def port_problem(host: str, port: int, setting: str, error: OSError) -> str:
    """Why `port` cannot be listened on, and what to do with `setting`, which chose it."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: stop that program or choose another port with {setting}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose a port above 1023 with {setting}."
    why = error.strerror or str(error)
    return f"Port {port} on {host} cannot be listened on ({why}): correct APIM_BIND or {setting}."


def read_key(key: Path, password: str) -> bytes:
    """A private key's PEM, decrypted in memory where the file is encrypted.

    Raises BadKeyPair where `password` does not open it, OSError when it cannot be read.
    """
    text = key.read_bytes()
    if b"ENCRYPTED" not in text:  # RFC 7468 §11 ("ENCRYPTED PRIVATE KEY"), RFC 1421 §4.6.1.1 ("Proc-Type: 4,ENCRYPTED")
        return text
    if not password:
        raise BadKeyPair(f"{key} is an encrypted private key: say its password in APIM_TLS_KEY_PASSWORD.")
    try:
        opened = load_pem_private_key(text, password.encode())
    except (ValueError, TypeError) as error:
        raise BadKeyPair(
            f"{key} is an encrypted private key that APIM_TLS_KEY_PASSWORD does not open: correct one of the two."
        ) from error
    return opened.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_key_pair(context: ssl.SSLContext, certificate: Path, key: Path, password: str = "") -> None:
    """Have a server's `context` show this certificate. Raises BadKeyPair unless both are PEM and belong together.

    `password` opens an encrypted key.
    """
    for path, setting in ((certificate, "APIM_TLS_CERTIFICATE"), (key, "APIM_TLS_KEY")):
        try:
            if path is key:
                read_key(key, password)
            else:
                path.read_bytes()
        except OSError as error:
            raise BadKeyPair(
                f"{setting} names {path}, which cannot be read ({error.strerror}): correct it, or unset both "
                "APIM_TLS_CERTIFICATE and APIM_TLS_KEY to have a certificate made."
            ) from error
    try:
        context.load_cert_chain(certificate, key, password=password)  # said even where it is "": nobody is asked
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BadKeyPair(
            f"{certificate} and {key} are not a certificate and its private key in PEM: "
            "correct APIM_TLS_CERTIFICATE and APIM_TLS_KEY, or unset both to have a certificate made."
        ) from error
