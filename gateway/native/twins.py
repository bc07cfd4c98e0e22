"""Contexts of Python's `ssl` and what the extension has for them: it speaks TLS as they would, by OpenSSL itself.

Python's context stays the one that is made, checked and handed about; its twin is made beside it out of the same files.
Where there is none, the loop's own TLS is used.
"""

from __future__ import annotations

import ssl
from typing import Any
from weakref import WeakKeyDictionary

from gateway import native

_twins: WeakKeyDictionary[ssl.SSLContext, Any] = WeakKeyDictionary()


def of(context: ssl.SSLContext | None) -> Any:
    """The twin of a context, None where there is none."""
    return _twins.get(context) if context else None


def add_server(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Make the twin of a server's context that has loaded this chain and this key."""
    if not native.REASON:
        _twins[context] = native.Tls(True, _ciphers(context), context.options, certificate, key, False, 0, None)


def add_client(context: ssl.SSLContext, *, authorities: str = "", certificate: str = "", key: str = "") -> None:
    """Make the twin of a client's context, which trusts these authorities, or the system's, if it verifies at all."""
    if not native.REASON:
        _twins[context] = native.Tls(
            False,
            _ciphers(context),
            context.options,
            certificate.encode() or None,
            key.encode() if certificate else None,
            context.verify_mode is ssl.CERT_REQUIRED,
            context.verify_flags,
            authorities.encode() or None,
        )


def _ciphers(context: ssl.SSLContext) -> str:
    """Those of TLS 1.2; those of 1.3 are OpenSSL's to choose."""
    return ":".join(each["name"] for each in context.get_ciphers() if not each["name"].startswith("TLS_"))
