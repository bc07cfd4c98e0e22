"""Contexts of Python's `ssl` and what the extension has for them: it speaks TLS as they would, by OpenSSL itself.

Python's context stays the one that is made, checked and handed about; its twin is made beside it out of the same files.
Where there is none, the loop's own TLS is used.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any
from weakref import WeakKeyDictionary

from gateway import native

log = logging.getLogger("gateway.native")

_twins: WeakKeyDictionary[ssl.SSLContext, Any] = WeakKeyDictionary()


def of(context: ssl.SSLContext | None) -> Any:
    """The twin of a context, None where there is none."""
    return _twins.get(context) if context else None


def add_server(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Make the twin of a server's context that has loaded this chain and this key."""
    _add(context, True, certificate, key, None)


def add_client(context: ssl.SSLContext, *, authorities: str = "", certificate: str = "", key: str = "") -> None:
    """Make the twin of a client's context, which trusts these authorities, or the system's, if it verifies at all."""
    _add(context, False, certificate.encode() or None, key.encode() or None, authorities.encode() or None)


def _add(
    context: ssl.SSLContext, is_server: bool, certificate: bytes | None, key: bytes | None, authorities: bytes | None
) -> None:
    if native.REASON:
        return
    names = (each["name"] for each in context.get_ciphers())
    ciphers = ":".join(name for name in names if not name.startswith("TLS_"))  # those are of TLS 1.3
    verifies, flags = context.verify_mode is ssl.CERT_REQUIRED, context.verify_flags
    given = (ciphers, context.options, certificate, key, verifies, flags, authorities)
    try:
        _twins[context] = native.Tls(is_server, *given)
    except ValueError as error:  # what Python could read
        log.warning("The extension cannot speak TLS as it should (%s), so Python does.", error)
