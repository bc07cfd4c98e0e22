"""What a backend asks for before it answers: a certificate, a name, a parameter, a token; and a proxy before it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import InvalidStatus

from gateway.relay.messages import connect as relay_by_message
from gateway.upstream.backend_token import BackendTokens
from gateway.upstream.dialer import BackendAddress, Dialer
from gateway.upstream.handshake import UpgradeRequest
from publisher.endpoint import EndpointOptions
from publisher.outward_proxy import OutwardProxy
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running

pytestmark = pytest.mark.wire


@dataclass
class Backend:
    """An echo that remembers how it was asked."""

    port: int = 0
    asked: list[Request] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    refuse: Callable[[Request], int] = lambda request: 0


@asynccontextmanager
async def echo(tls: ssl.SSLContext | None = None) -> AsyncIterator[Backend]:
    backend = Backend()

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        backend.asked.append(request)
        status = backend.refuse(request)
        return connection.respond(status, "no") if status else None

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    if tls:
        tls.sni_callback = lambda sock, name, context: backend.names.append(name)
    async with serve(answer, "127.0.0.1", 0, ssl=tls, process_request=admit) as server:
        backend.port = server.sockets[0].getsockname()[1]
        yield backend


@asynccontextmanager
async def listening(answer: Callable[[bytes], bytes]) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads a head and a body, remembers them, and answers."""
    heard: list[bytes] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        heard.append(head + await reader.readexactly(length))
        writer.write(answer(heard[-1]))
        await reader.read()  # it stays open, as long as the gateway likes
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def answer_of(status: int = 200, **document: object) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def is_served(gateway: Gateway, path: str = "") -> bool:
    async with connect(gateway.url + path, additional_headers=gateway.headers) as client:
        await client.send("?")
        return await client.recv() == "?"


async def refused(gateway: Gateway) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await is_served(gateway)
    return refusal.value.response.status_code


def asking(certificate: Certificate) -> ssl.SSLContext:
    """For a backend that asks for a client certificate."""
    context = certificate.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate.certificate)
    return context


async def test_a_backend_that_asks_for_a_certificate_is_shown_it(certificate: Certificate) -> None:
    options = EndpointOptions(
        ca_certificate=certificate.pem, client_certificate=certificate.pem, secret_key=certificate.key.read_text()
    )
    async with (
        echo(asking(certificate)) as backend,
        running(f"wss://localhost:{backend.port}", options=options) as ours,
    ):
        assert await is_served(ours)


async def test_without_the_certificate_it_lets_nobody_in(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem)
    async with (
        echo(asking(certificate)) as backend,
        running(f"wss://localhost:{backend.port}", options=options) as ours,
    ):
        assert await refused(ours) == 502
        assert not backend.asked


async def test_a_certificate_that_cannot_be_used_is_a_502_and_no_fault(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem, client_certificate=certificate.pem, secret_key="no key")
    async with (
        echo(asking(certificate)) as backend,
        running(f"wss://localhost:{backend.port}", options=options) as ours,
    ):
        assert await refused(ours) == 502


async def test_host_and_server_name_of_ones_own_are_sent_and_verified(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem, host="tenant.example:8443", server_name="localhost")
    async with echo(certificate.server_context()) as backend:
        async with running(f"wss://127.0.0.1:{backend.port}/a", options=options) as ours:
            assert await is_served(ours)
        address = BackendAddress(f"wss://127.0.0.1:{backend.port}/a", "key")
        async with await relay_by_message(Dialer(), [address], UpgradeRequest((), "", ()), options):
            pass
        other = EndpointOptions(ca_certificate=certificate.pem, server_name="other.example")
        async with running(f"wss://127.0.0.1:{backend.port}/a", options=other) as ours:
            assert await refused(ours) == 502
        assert [request.headers.get_all("Host") for request in backend.asked] == [["tenant.example:8443"]] * 2
        assert backend.names == ["localhost", "localhost", "other.example"]


async def test_a_secret_parameter_is_added_and_a_clients_own_of_that_name_left_out() -> None:
    options = EndpointOptions(secret_query={"api_key": "s3 cret&"})
    async with echo() as backend, running(f"ws://127.0.0.1:{backend.port}/a?b=1", options=options) as ours:
        assert await is_served(ours, "/x?api%5Fkey=mine&c=2&api_key=mine&&d")
        assert backend.asked[0].path == "/a/x?b=1&api_key=s3+cret%26&c=2&d"


def token_options(port: int) -> EndpointOptions:
    url = f"http://127.0.0.1:{port}/oauth/token?x=1"
    return EndpointOptions(token_url=url, token_client="ga:te", token_secret="sé", token_scope="chat read")


async def test_a_token_is_fetched_once_for_many_and_again_when_the_backend_refuses_it() -> None:
    tokens = iter(["t1", "t2"])
    async with (
        listening(lambda heard: answer_of(access_token=next(tokens), expires_in=3600)) as (port, heard),
        echo() as backend,
        running(f"ws://127.0.0.1:{backend.port}", options=token_options(port)) as ours,
    ):
        async with asyncio.TaskGroup() as clients:
            for _ in range(5):
                clients.create_task(is_served(ours))
        assert {request.headers["Authorization"] for request in backend.asked} == {"Bearer t1"}
        assert len(heard) == 1
        head, _, body = heard[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /oauth/token?x=1 HTTP/1.1\r\n")
        assert f"Authorization: Basic {base64.b64encode(b'ga%3Ate:s%C3%A9').decode()}".encode() in head
        assert body == b"grant_type=client_credentials&scope=chat+read"
        backend.refuse = lambda request: 401 if request.headers["Authorization"] == "Bearer t1" else 0
        assert await refused(ours) == 502
        assert await is_served(ours)
        assert len(heard) == 2


async def test_the_token_takes_the_place_of_what_a_client_says_of_itself() -> None:
    sent = UpgradeRequest((), "", ((b"authorization", b"Basic x"), (b"X-A", b"1")))
    async with listening(lambda heard: answer_of(access_token="t")) as (port, _):
        asked = await Dialer().with_token(sent, token_options(port))
    assert asked.headers == ((b"X-A", b"1"), (b"Authorization", b"Bearer t"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(answer_of(401, error="invalid_client"), id="a refusal"),
        pytest.param(answer_of(token="t"), id="no token"),
        pytest.param(answer_of(access_token="a\r\nX-Evil: 1"), id="a token of two lines"),
        pytest.param(answer_of(access_token=7), id="a token that is no text"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]", id="a list"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000, id="too long"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", id="elsewhere"),
        pytest.param(b"SSH-2.0\r\n\r\n", id="no HTTP"),
    ],
)
async def test_where_no_token_is_given_the_backend_is_not_asked(answer: bytes) -> None:
    async with (
        listening(lambda heard: answer) as (port, _),
        echo() as backend,
        running(f"ws://127.0.0.1:{backend.port}", options=token_options(port)) as ours,
    ):
        assert await refused(ours) == 502
        assert not backend.asked


async def test_a_token_is_renewed_before_it_ends() -> None:
    now, tokens = [0.0], iter(["t1", "t2", "t3"])
    async with listening(lambda heard: answer_of(access_token=next(tokens), expires_in=100)) as (port, _):

        async def open_connection(url: object, options: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        kept, options = BackendTokens(open_connection, lambda: now[0]), token_options(port)
        assert await kept.token(options) == "t1"
        now[0] = 79.0
        assert await kept.token(options) == "t1"
        now[0] = 81.0
        assert await kept.token(options) == "t2"


async def test_a_token_is_fetched_from_no_address_that_the_policy_forbids() -> None:
    async with listening(lambda heard: answer_of(access_token="t")) as (port, heard), echo() as backend:
        dialer = Dialer(refuse=lambda host, ip, where: "no" if where == port else "")
        async with running(f"ws://127.0.0.1:{backend.port}", options=token_options(port), dialer=dialer) as ours:
            assert await refused(ours) == 502
        assert not heard


@asynccontextmanager
async def proxy(
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A proxy that tunnels whatever is asked for to the port that is named."""
    heard: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if b" 200 " not in answer:
            writer.close()
            return
        port = int(heard[-1].split()[1].rpartition(b":")[2])
        if port == 9:
            await reader.read()
            writer.close()
            return
        there, out = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, out), pump(there, writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


async def test_backends_are_reached_through_the_proxy_by_name_over_tls_too(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem, server_name="localhost")
    async with proxy() as (port, heard), echo(certificate.server_context()) as backend:
        dialer = Dialer(proxy=OutwardProxy("localhost", port, "Basic eHl6"))
        url = f"wss://backend.invalid:{backend.port}/a"
        async with running(url, options=options, dialer=dialer) as ours:
            assert await is_served(ours)
        async with await relay_by_message(dialer, [BackendAddress(url, "")], UpgradeRequest((), "", ()), options):
            pass
    head = f"CONNECT backend.invalid:{backend.port} HTTP/1.1\r\nHost: backend.invalid:{backend.port}\r\n"
    assert heard == [f"{head}Proxy-Authorization: Basic eHl6\r\n\r\n".encode()] * 2


async def test_exceptions_go_without_the_proxy_and_the_policy_holds_before_it() -> None:
    async with proxy() as (port, heard), echo() as backend:
        url = f"ws://127.0.0.1:{backend.port}"
        direct = Dialer(proxy=OutwardProxy("127.0.0.1", port, direct=frozenset({"127.0.0.1"})))
        async with running(url, dialer=direct) as ours:
            assert await is_served(ours)
        strict = Dialer(proxy=OutwardProxy("127.0.0.1", port), refuse=lambda host, ip, port: "no")
        async with running(url, dialer=strict) as ours:
            assert await refused(ours) == 502
    assert not heard


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nearly", b"nonsense\r\n\r\n", b""]
)
async def test_a_proxy_that_opens_no_tunnel_is_a_502(answer: bytes) -> None:
    async with (
        proxy(answer) as (port, _),
        running("ws://backend.invalid:9", dialer=Dialer(proxy=OutwardProxy("127.0.0.1", port))) as ours,
    ):
        assert await refused(ours) == 502
