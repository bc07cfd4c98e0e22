"""Wait until every part answers, then say where everything is and what to do next."""

import http.client
import ssl
import sys
import time
from typing import NamedTuple

from django.conf import settings

from gateway import native

PATIENCE = 60.0  # seconds
PAUSE = 0.05  # seconds between knocks


class Part(NamedTuple):
    """One part of the product, and an address of it that answers once it works."""

    name: str
    port: int
    path: str
    tls: bool


def announce(default_password_stands: bool) -> int:
    """Print the banner when all parts answer, or which of them does not; 0 either way, since the rest may be of use."""
    parts = [
        Part("portal", settings.PORTAL_PORT, "/devportal/", tls=True),
        Part("gateway (ws)", settings.GATEWAY_WS_PORT, "/health", tls=False),
        Part("gateway (wss)", settings.GATEWAY_WSS_PORT, "/health", tls=True),
        Part("samples", settings.SAMPLES_PORT, "/health", tls=False),
    ]
    silent, end = parts, time.monotonic() + PATIENCE
    while silent and time.monotonic() < end:
        silent = [part for part in silent if not _answers(part)]
        if silent:
            time.sleep(PAUSE)
    if silent:
        names = ", ".join(part.name for part in silent)
        sys.stdout.write(f"Not answering after {PATIENCE:.0f} s: {names}. The lines above may say why.\n")
    else:
        sys.stdout.write(banner_text(default_password_stands))
    sys.stdout.flush()
    return 0


def banner_text(default_password_stands: bool) -> str:
    """What is where, in the order in which people need it, and the next step."""
    portal, samples = settings.PORTAL_URL, f"ws://localhost:{settings.SAMPLES_PORT}"
    addresses = [
        ("Publisher", f"{portal}/publisher"),
        ("Developer Portal", f"{portal}/devportal"),
        ("Administration", f"{portal}/admin/"),
        ("OAuth 2", f"{portal}/oauth2/token"),
        ("", f"{portal}/.well-known/oauth-authorization-server"),
        ("REST", f"{portal}/api/docs"),
        ("Gateway", f"{settings.GATEWAY_WS_URL}/{{context}}/{{version}}"),
        ("", f"{settings.GATEWAY_WSS_URL}/{{context}}/{{version}}"),
        ("Sample backends", f"{samples}/echo"),
        ("", f"{samples}/chat (its rooms: /rooms/{{room}}?name={{you}})"),
        *([("Metrics", f"http://127.0.0.1:{settings.METRICS_PORT}/metrics")] if settings.METRICS_PORT else []),
        ("Relay", native.sentence()),
        ("Data", str(settings.DATA_DIR)),
    ]
    lines = "\n".join(f"  {name:<18} {where}" for name, where in addresses)
    who = "admin / admin (and change that password)" if default_password_stands else "your account"
    return (
        f"\n  The API manager is running.\n\n{lines}\n\n"
        f"  Next: open {portal}/publisher and sign in with {who}.\n"
        f"  Choose CREATE API; {samples}/echo is an endpoint to begin with.\n"
        "  Ctrl-C stops everything.\n\n"
    )


def _answers(part: Part) -> bool:
    host = settings.BIND_HOSTS[0]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host) if part.name != "samples" else "127.0.0.1"  # noqa: S104
    # It is our own port on our own machine, and the certificate may be self-signed.
    line = (
        http.client.HTTPSConnection(host, part.port, timeout=5, context=ssl._create_unverified_context())  # noqa: S323
        if part.tls
        else http.client.HTTPConnection(host, part.port, timeout=5)
    )
    try:
        line.request("GET", part.path, headers={"Host": f"{settings.PUBLIC_HOST}:{part.port}"})
        return line.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
