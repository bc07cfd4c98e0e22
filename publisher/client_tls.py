"""How backends are called over TLS, by the gateway and by whoever tries an endpoint."""

from __future__ import annotations

import secrets
import ssl
import tempfile

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)


def client_context(verify: bool, ca_certificate: str, client_certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A context that trusts `ca_certificate` (empty: what the system trusts) and shows the client certificate if any.

    Everything is in PEM form. Raises ValueError and ssl.SSLError where certificate and key cannot be used.
    """
    context = ssl.create_default_context(cadata=ca_certificate or None)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_certificate:
        # The library reads keys from files only: for that moment it lies there encrypted, with a password of its own.
        password = secrets.token_bytes(32).hex()
        private = load_pem_private_key(key.encode(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
        )
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(private + client_certificate.encode())
            file.flush()
            context.load_cert_chain(file.name, password=password)
    return context
