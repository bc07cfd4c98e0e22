"""What a backend is told about the client that the gateway connects to it: its headers, its origin, who it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from gateway.authorization.decision import Allow
from gateway.handshake.request import Handshake

REQUEST_ID = b"X-APIM-Request-Id"


def backend_headers(
    handshake: Handshake, admitted: Allow, connection_id: str, identity: str = ""
) -> Iterator[tuple[bytes, bytes]]:
    """The client's own headers, where it comes from, and who it is; `identity` is the same, signed."""
    yield from handshake.headers_to_forward
    proto = "https" if handshake.is_secure else "http"
    node = f'"[{handshake.client_ip}]"' if ":" in handshake.client_ip else handshake.client_ip
    yield b"X-Forwarded-For", handshake.client_ip.encode()
    yield b"X-Forwarded-Proto", proto.encode()
    yield b"X-Forwarded-Host", handshake.host.encode("latin-1")
    yield b"Forwarded", f'for={node};host="{handshake.host}";proto={proto}'.encode("latin-1")
    grant = admitted.grant
    yield REQUEST_ID, connection_id.encode()
    yield b"X-APIM-Application-Id", grant.application_id.encode()
    yield b"X-APIM-Application", _printable(grant.application_name)
    yield b"X-APIM-Subscriber", _printable(grant.owner_name)
    if grant.user_id:
        yield b"X-APIM-End-User", _printable(grant.user_name)
    if admitted.subscription:
        yield b"X-APIM-Plan", _printable(admitted.subscription.plan)
    if identity:
        yield b"X-APIM-Identity", identity.encode()


def _printable(name: str) -> bytes:
    """A person's words as a header's value: percent-encoded where they are not printable ASCII."""
    return quote(name, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~").encode()
