"""What a backend is told about the client that the gateway connects to it: its headers, its origin, who it is. Pure."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from gateway.authorization.decision import Allow
from gateway.handshake.head import REQUEST_ID
from gateway.handshake.request import Handshake

_PRINTABLE = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"  # goes out as it is in a person's words, beside letters and digits


def backend_headers(
    handshake: Handshake, admitted: Allow, connection_id: str, identity: str = ""
) -> list[tuple[bytes, bytes]]:
    """The client's own headers, where it comes from, and who it is; `identity` is the same, signed."""
    ip, proto = handshake.client_ip, "https" if handshake.is_secure else "http"
    node = f'"[{ip}]"' if ":" in ip else ip
    grant, subscription = admitted.grant, admitted.subscription
    end_user = grant.user_name if grant.user_id else None
    names = grant.application_id, grant.application_name, grant.owner_name
    return [
        *handshake.headers_to_forward,
        (b"X-Forwarded-For", ip.encode()),
        (b"X-Forwarded-Proto", proto.encode()),
        (b"X-Forwarded-Host", handshake.host.encode("latin-1")),
        (b"Forwarded", f'for={node};host="{handshake.host}";proto={proto}'.encode("latin-1")),
        (REQUEST_ID, connection_id.encode()),
        *_caller(*names, end_user, subscription.plan if subscription else None),
        *([(b"X-APIM-Identity", identity.encode())] if identity else []),
    ]


@lru_cache(maxsize=4096)
def _caller(
    application_id: str, application: str, owner: str, end_user: str | None, plan: str | None
) -> tuple[tuple[bytes, bytes], ...]:
    """Who calls, in words that are the same each time."""
    named = {b"Application": application, b"Subscriber": owner, b"End-User": end_user, b"Plan": plan}
    told = [
        (b"X-APIM-%b" % name, quote(text, safe=_PRINTABLE).encode()) for name, text in named.items() if text is not None
    ]
    return ((b"X-APIM-Application-Id", application_id.encode()), *told)
