"""Knocking at the gateway with a client that shows the whole answer, which wscat does not."""

from __future__ import annotations

import json
import ssl
import time
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30.0  # seconds; the product promises two
ENOUGH = 12  # answers: whichever worker gives them, it is hardly always the same one


class LetIn(AssertionError):
    """The gateway let in whom it should have refused."""


def open_connection(address: str, token: str) -> ClientConnection:
    """A connection with the token in the header."""
    return connect(address, additional_headers=bearer(token), ssl=_trusting(address))


def let_in(address: str, token: str) -> ClientConnection:
    """A connection as soon as the gateway has heard of what was just granted."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return open_connection(address, token)
        except InvalidStatus:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def let_in_by_all(address: str, token: str) -> None:
    """Wait until every worker has heard of what was just granted: for clients that knock once, wherever they come."""
    for _ in range(ENOUGH):
        with let_in(address, token):
            pass


def refused_soon(address: str, status: int, **headers: str) -> tuple[dict[str, Any], Headers]:
    """Be refused with `status` as soon as all workers have heard of what was just taken away: body and headers."""
    end, agreeing = time.monotonic() + PATIENCE, 0
    while True:
        try:
            answered, body, answer = refused(address, **headers)
        except LetIn:
            answered = 101
        agreeing = agreeing + 1 if answered == status else 0
        if agreeing == ENOUGH:
            return body, answer
        assert time.monotonic() < end, f"not refused with {status}"
        time.sleep(0.01 if agreeing else 0.05)


def refused(address: str, **headers: str) -> tuple[int, dict[str, Any], Headers]:
    """Be refused: status, JSON body and headers. Fails when the gateway lets us in."""
    try:
        with connect(address, additional_headers=headers, ssl=_trusting(address)):
            raise LetIn
    except InvalidStatus as answer:
        response = answer.response
        return response.status_code, json.loads(response.body or b"{}"), response.headers


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {token}"}


def closed(connection: ClientConnection) -> tuple[int, str]:
    """Wait until the gateway closes the connection; its code and reason."""
    with pytest.raises(ConnectionClosed) as closing:
        connection.recv(PATIENCE)
    frame = closing.value.rcvd
    assert frame, "the connection broke without a close frame"
    return frame.code, frame.reason


def _trusting(address: str) -> ssl.SSLContext | None:
    if not address.startswith("wss:"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
