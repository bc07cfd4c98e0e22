"""Fetching a definition from an address that a person gave, under the address rules of backends."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from urllib.parse import urljoin, urlsplit

from accounts.attempts import Attempt, TooManyAttempts
from accounts.models import User
from core.values import BadValue
from publisher import ssrf
from publisher.asyncapi.source import SOURCE_BYTES
from publisher.uris import ascii_url, is_host

PATIENCE, MOST_REDIRECTS, CHUNK = 5.0, 3, 65_536
MOST_FETCHES = 20  # of one person, a minute
PORTS = {"http": 80, "https": 443}


def fetch(url: str, *, user: User) -> str:
    """The text at an http:// or https:// address. Raises BadValue with what to do.

    Each address, also one that is led to, is looked up once, held against the rules, and dialled as it was looked up.
    Takes up to PATIENCE seconds: do not call it while a transaction is open.
    """
    refusal = f"You have fetched {MOST_FETCHES} addresses within a minute. Wait %(wait)s, then try again."
    try:
        Attempt.begin(str(user.pk), kind="definition-fetch", most=MOST_FETCHES, seconds=60, refusal=refusal)
    except TooManyAttempts as error:
        raise BadValue(str(error)) from None
    until = time.monotonic() + PATIENCE
    for _ in range(MOST_REDIRECTS + 1):
        status, location, body = _get(url, until)
        if status in {301, 302, 303, 307, 308} and location:
            url = urljoin(url, location)
            continue
        if status != 200:
            raise BadValue(f"{urlsplit(url).hostname} answered {status}. Give the address of the definition itself.")
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadValue("What stands there is no text in UTF-8.") from None
    raise BadValue("The address leads from one to another too often. Give the last of them.")


def _get(url: str, until: float) -> tuple[int, str, bytes]:
    """Status, Location and body of one answer."""
    connection = _connect(url, until)
    parts = urlsplit(ascii_url(url))
    end = threading.Timer(max(0.1, until - time.monotonic()), _end, [connection])  # a trickle of bytes ends here too
    end.daemon = True
    end.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Accept": "application/yaml, application/json, text/*;q=0.9"})
        answer = connection.getresponse()
        body = b""
        while chunk := answer.read1(CHUNK):
            body += chunk
            if len(body) > SOURCE_BYTES:
                raise BadValue(f"What stands there is more than {SOURCE_BYTES // 1024} KiB.")
        return answer.status, answer.headers.get("Location", ""), body
    except (OSError, http.client.HTTPException) as error:
        raise BadValue(f"{parts.hostname} could not be read: {_reason(error)}. Try again, or paste the text.") from None
    finally:
        end.cancel()
        connection.close()


def _connect(url: str, until: float) -> http.client.HTTPConnection:
    """A connection to the first address of the host that the rules allow."""
    try:
        parts = urlsplit(ascii_url(url))
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        port, parts = 0, urlsplit("")
    host = parts.hostname or ""
    if not url.isprintable() or " " in url or not port or parts.scheme not in PORTS or not is_host(host):
        raise BadValue("Give an address that begins with https:// or http://, such as https://host/asyncapi.yaml.")
    if parts.username is not None:
        raise BadValue("The address cannot carry a user name or password.")
    found = ssrf.resolve_in_time(host, port)
    if not found:
        raise BadValue(f"{host} cannot be found. Check its name, or paste the text.")
    rules = ssrf.policy()
    allowed = [address for address in found if not rules.refuse(host, address, port)]
    if not allowed:
        raise BadValue(rules.refuse(host, found[0], port))
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        dialled = socket.create_connection((allowed[0], port), timeout=max(0.1, until - time.monotonic()))
        if parts.scheme == "https":
            dialled = ssl.create_default_context().wrap_socket(dialled, server_hostname=host)
    except OSError as error:
        raise BadValue(f"{host} could not be reached: {_reason(error)}. Try again, or paste the text.") from None
    connection.sock = dialled
    return connection


def _end(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"there was no answer within {PATIENCE:.0f} seconds"
    return str(getattr(error, "strerror", "") or error) or type(error).__name__
