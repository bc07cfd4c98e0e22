"""The engine as the selector of a loop, and its transports, each with a peer on a socket of the test's own."""

from __future__ import annotations

import _ssl
import asyncio
import ctypes
import errno
import os
import resource
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from gateway import native
from gateway.native import twins
from gateway.native.loop import NativeLoop
from gateway.quotas.meter import FREE
from gateway.relay.frames import FrameScanner
from gateway.server.listeners import CannotServe, tls_context
from gateway.upstream.tls import TlsContexts
from publisher.endpoint import EndpointOptions
from tests.wire.conftest import Certificate
from tests.wire.peers import until

RESET = struct.pack("ii", 1, 0)
SSL_CTRL_SET_MAX_PROTO_VERSION, TLS_1_2, TLS_1_3, SSL_KEY_UPDATE_REQUESTED = 124, 0x0303, 0x0304, 1  # <openssl/ssl.h>
KEY_UPDATE_SIZE = 27  # of a whole record (RFC 8446 §4.6.3, §5.2)


class Remembering(asyncio.Protocol):
    """Writes down what its transport tells it. `stays` is what it answers to the peer's end."""

    def __init__(self, *, stays: bool = False) -> None:
        self.transport: Any = None
        self.received = b""
        self.events: list[str] = []
        self.error: Exception | None = None
        self.stays = stays

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.stays

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")
        self.error = exc


def loop() -> NativeLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, NativeLoop)
    return running


async def connected(
    protocol: Remembering | None = None, *, room: int = 0, **options: Any
) -> tuple[Remembering, socket.socket]:
    """A protocol over the engine's end of a connection, and the peer's end of it. `room`: what the kernel may hold."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if room:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        peer = socket.create_connection(server.getsockname())
        sock, _ = server.accept()
    _, made = await loop().connect_accepted_socket(lambda: protocol or Remembering(), sock, **options)
    peer.setblocking(False)
    return made, peer


async def read(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := await loop().sock_recv(peer, size - len(data))):
        data += part
    return data


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Every test leaves as many open as it found."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_what_comes_is_given_and_what_is_written_arrives_whole_and_in_order() -> None:
    protocol, peer = await connected()
    with peer:
        await loop().sock_sendall(peer, b"hello")
        await until(lambda: protocol.received == b"hello")
        assert protocol.transport.get_extra_info("peername") == peer.getsockname()
        assert protocol.transport.get_extra_info("sockname") == peer.getpeername()
        sent = os.urandom(4_000_000)
        protocol.transport.write(sent)
        protocol.transport.write(b"end")
        protocol.transport.close()
        assert protocol.transport.is_closing()
        assert await read(peer, 5_000_000) == sent + b"end"
        await until(lambda: protocol.events[-1] == "lost")
    assert protocol.error is None
    assert loop().engine.connections == 0


class Answering(Remembering):
    """Writes these pieces as soon as anything comes, and then calls this of its transport."""

    def __init__(self, pieces: list[bytes], then: str) -> None:
        super().__init__()
        self.pieces, self.then = pieces, then

    def data_received(self, data: bytes) -> None:
        for piece in self.pieces:
            self.transport.write(piece)
        getattr(self.transport, self.then)()


@pytest.mark.parametrize("then", ["close", "abort", "write_eof", "pause_reading"])
async def test_what_is_written_while_the_engine_serves_arrives_whole_whatever_is_done_behind_it(then: str) -> None:
    pieces = [os.urandom(size) for size in (1, 900, 4095, 1, 30_000, 2, 5000, 3)]
    pairs = [await connected(Answering(pieces, then)) for _ in range(40)]  # more than are sent together
    for _, peer in pairs:
        peer.send(b"?")
    whole = b"".join(pieces)
    for protocol, peer in pairs:
        assert await read(peer, len(whole)) == whole
        assert protocol.transport.get_write_buffer_size() == 0
        protocol.transport.abort()
        peer.close()
    await until(lambda: all(protocol.events == ["made", "lost"] for protocol, _ in pairs))
    assert loop().engine.connections == 0


async def test_who_is_dialled_while_the_engine_serves_is_dialled_once_unless_it_is_given_up_before() -> None:
    engine, said, dialled = loop().engine, dict[int, Any](), list[Remembering]()

    class Dialling(Remembering):
        def data_received(self, data: bytes) -> None:
            for number in range(40):
                port = nobodys if number == 7 else server.getsockname()[1]
                dialled.append(made := Remembering())
                transport = engine.connect(
                    "127.0.0.1", port, made, None, None, lambda error, number=number: said.update({number: error})
                )
                if number == 39:
                    transport.abort()

    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobodys = closed.getsockname()[1]
        asking, peer = await connected(Dialling())
        with peer:
            peer.send(b"?")
            await until(lambda: len(said) == 40)
        assert {number for number, error in said.items() if error} == {7, 39}
        assert isinstance(said[7], ConnectionRefusedError)
        for number in set(said) - {7, 39}:
            server.accept()[0].close()
            assert dialled[number].events[0] == "made"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    for each in (*dialled, asking):
        if each.transport:
            each.transport.abort()
    await until(lambda: not engine.connections)


async def test_a_reader_that_is_slow_has_the_writer_pause_and_go_on() -> None:
    protocol, peer = await connected()
    with peer:
        protocol.transport.set_write_buffer_limits(high=1000, low=100)
        protocol.transport.write(b"x" * 8_000_000)
        assert protocol.events == ["made", "pause"]
        assert protocol.transport.get_write_buffer_size() > 1000
        assert len(await read(peer, 8_000_000)) == 8_000_000
        await until(lambda: protocol.events == ["made", "pause", "resume"])
        assert protocol.transport.get_write_buffer_size() == 0
        protocol.transport.abort()
        await until(lambda: "lost" in protocol.events)


async def test_who_does_not_read_hears_nothing_until_it_reads_again() -> None:
    (protocol, peer), (other, from_other) = [await connected() for _ in range(2)]
    with peer, from_other:
        protocol.transport.pause_reading()
        for number in range(1, 4):
            await loop().sock_sendall(peer, b"later")
            await loop().sock_sendall(from_other, b"!")  # when this has come, that would have
            await until(lambda expected=number: len(other.received) == expected)  # type: ignore[misc]
        assert protocol.received == b""
        protocol.transport.resume_reading()
        await until(lambda: protocol.received == 3 * b"later")
        for each in (protocol, other):
            each.transport.abort()


def sleeps(loop: NativeLoop) -> bool:
    """Whether it has nothing to do once what there is has been taken: nothing is told again and again."""
    loop.engine.select(0.01)
    turns = loop.engine.turns
    loop.engine.select(0.01)
    return loop.engine.turns == turns


async def test_a_peer_may_end_one_way_and_still_be_written_to() -> None:
    protocol, peer = await connected(Remembering(stays=True))
    with peer:
        peer.shutdown(socket.SHUT_WR)
        await until(lambda: protocol.events == ["made", "eof"])
        assert sleeps(loop())
        protocol.transport.write(b"bye")
        protocol.transport.write_eof()
        protocol.transport.write(b"too late")
        assert await read(peer, 100) == b"bye"
        protocol.transport.close()
        await until(lambda: protocol.events[-1] == "lost")


@pytest.mark.parametrize("is_broken_off", [False, True])
async def test_a_peer_that_has_gone_costs_no_turn_while_it_is_not_read(is_broken_off: bool) -> None:
    protocol, peer = await connected(Remembering(stays=True))
    await loop().sock_sendall(peer, b"last words")
    protocol.transport.pause_reading()
    if is_broken_off:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    assert sleeps(loop())
    protocol.transport.resume_reading()
    await until(lambda: protocol.received == b"last words")
    protocol.transport.close()
    await until(lambda: protocol.events[-1] == "lost")


async def test_what_came_together_with_the_end_is_given_and_then_the_end() -> None:
    protocol, peer = await connected(Remembering(stays=True))
    with peer:
        peer.send(b"last words")
        peer.shutdown(socket.SHUT_WR)  # one event says both
        await until(lambda: protocol.events == ["made", "eof"])
        assert protocol.received == b"last words"
    protocol.transport.abort()
    await until(lambda: protocol.events[-1] == "lost")


async def test_what_passes_by_itself_is_sent_before_what_python_writes_in_the_same_turn() -> None:
    (client, from_client), (backend, to_backend), (other, from_other) = [await connected() for _ in range(3)]
    other.data_received = lambda data: backend.transport.write(b"Python")  # type: ignore[method-assign]
    leg: Any = native.LegBase()
    leg.scanner, leg.meter, leg.flows, leg.heard = FrameScanner(masked=False), FREE, True, False
    client.transport.splice(leg, backend.transport)
    with from_client, to_backend, from_other:
        for number in range(20):
            from_client.send(b"\x82\x01x")
            from_other.send(b"!")  # both are ready when the engine looks next
            assert await read(to_backend, 9) == b"\x82\x01xPython", number
    assert client.received == b""
    for each in (client, backend, other):
        each.transport.abort()
    await until(lambda: other.events[-1] == "lost")


class Passing:
    """Connections of which each passes on to the next one what its peer sends."""

    def __init__(self, transports: list[Any], peers: list[socket.socket]) -> None:
        self.engine = loop().engine
        self.transports = transports
        self.peers = peers
        for transport, following in zip(self.transports, [*self.transports[1:], self.transports[0]], strict=True):
            leg: Any = native.LegBase()
            leg.scanner, leg.meter, leg.flows, leg.heard = FrameScanner(masked=False), FREE, True, False
            transport.splice(leg, following)

    def turn(self, messages: int, seconds: float = 0) -> None:
        """Have so many peers send a message, and the engine pass all of them on."""
        passed = self.engine.passed
        for peer in self.peers[:messages]:
            peer.send(b"\x82\x01x")
        self.engine.select(seconds)
        assert self.engine.passed - passed == messages


@pytest.fixture
async def passing() -> AsyncIterator[Passing]:
    transports, peers = [], []
    for _ in range(40):
        ours, theirs = socket.socketpair()  # of the machine's own, where what is sent has arrived at once
        transport, _ = await loop().connect_accepted_socket(Remembering, ours)
        transports.append(transport)
        peers.append(theirs)
    passing = Passing(transports, peers)
    yield passing
    for peer in passing.peers:
        peer.close()
    for transport in passing.transports:
        transport.abort()
    await until(lambda: not loop().engine.connections)


async def test_after_some_turns_with_few_messages_it_lets_more_gather_once_and_passes_all_on(passing: Passing) -> None:
    engine = passing.engine
    for _ in range(engine.patience):
        assert not engine.pauses
        passing.turn(4)
    passing.turn(40, seconds=0.01)  # ten times as long as a pause, but there is one
    assert engine.pauses == 1
    passing.turn(4, seconds=0.01)
    assert engine.pauses == 1  # a new one takes as many turns again


async def test_a_pause_that_gathers_few_is_twice_as_long_in_coming_until_there_are_many(passing: Passing) -> None:
    engine = passing.engine
    first = engine.patience
    for times in range(1, 8):
        for _ in range(engine.patience):
            passing.turn(4)
        passing.turn(4, seconds=0.01)
        assert (engine.pauses, engine.patience) == (times, first * min(2**times, 16))
    passing.turn(40)
    assert engine.patience == first


@pytest.mark.parametrize("between", ["many messages", "none", "Python's work"])
async def test_it_pauses_for_turns_with_few_messages_in_a_row_only(passing: Passing, between: str) -> None:
    engine = passing.engine
    for _ in range(2):
        for _ in range(engine.patience - 1):
            passing.turn(4)
        if between == "Python's work":
            passing.peers[0].send(b"\x89\x00")  # a Ping is for the protocol
            engine.select(0)
        else:
            passing.turn(40 if between == "many messages" else 0)
        passing.turn(4, seconds=0.01)
    assert not engine.pauses


async def test_it_does_not_pause_while_something_else_is_to_be_done(passing: Passing) -> None:
    engine = passing.engine
    for _ in range(3 * engine.patience):
        passing.turn(4)  # no time to wait: Python has something to do
    assert not engine.pauses
    passing.transports[0].pause_reading()
    passing.peers[0].send(b"\x82\x01x")
    engine.select(0)
    passing.transports[0].resume_reading()  # so there is a socket that is read in the next turn whatever comes
    engine.select(0.01)
    assert not engine.pauses


async def test_one_that_looks_again_before_it_sleeps_does_sleep() -> None:
    engine = loop().engine
    engine.may_poll = engine.is_hot = True
    engine.alone = 1000
    spent = time.thread_time()
    engine.select(0.1)  # nothing comes in all that time: what it costs is the point
    assert time.thread_time() - spent < 0.05
    assert not engine.is_hot  # as long as nothing comes quickly, it does not look again at all


async def test_a_turn_ends_though_there_is_something_to_pass_on_for_ever() -> None:
    engine, leading_on = loop().engine, list[Any]()
    for one, other in (socket.socketpair(), socket.socketpair()):
        leading_on.append([(await loop().connect_accepted_socket(Remembering, end))[0] for end in (one, other)])
    (first, second), (third, fourth) = leading_on
    for transport, following in ((second, third), (fourth, first)):  # and so round and round
        leg: Any = native.LegBase()
        leg.scanner, leg.meter, leg.flows, leg.heard = FrameScanner(masked=False), FREE, True, False
        transport.splice(leg, following)
    first.write(b"\x82\x01x")
    turns, passed = engine.turns, engine.passed
    assert engine.select(5.0) == []
    assert engine.passed - passed == engine.turns - turns <= 1024  # far fewer than there would be in five seconds
    for each in (first, second, third, fourth):
        each.abort()
    await until(lambda: not engine.connections)


@pytest.mark.parametrize("passes", [False, True], ids=["given to Python", "passed by itself"])
async def test_a_socket_that_is_readable_for_ever_costs_the_others_only_its_share(passes: bool) -> None:
    """Who floods is a process, so that it goes on whoever has the interpreter's lock, and more waits than is read."""
    (flooded, flood), (quiet, peer), (backend, drain) = [await connected(room=1 << 22) for _ in range(3)]
    leg: Any = native.LegBase()
    leg.scanner, leg.meter, leg.flows, leg.heard = FrameScanner(masked=False), FREE, passes, False
    flooded.transport.splice(leg, backend.transport)
    with flood, peer, drain:
        flood.setblocking(True)
        drain.setblocking(True)
        flooding = ["timeout", "20", "yes", b"\x82\x02x"]  # frames of two bytes
        commands = (flooding, flood, None), (["cat"], subprocess.DEVNULL, drain)
        processes = [subprocess.Popen(command, stdout=to, stdin=of) for command, to, of in commands]
        try:
            await until(lambda: leg.scanner.messages > 100_000 if passes else len(flooded.received) > 1_000_000)
            flooded.data_received = lambda data: time.sleep(0.003)  # type: ignore[method-assign]  # more has come by then
            for number in range(1, 20):  # and timers, other descriptors and the other connection have their turn
                await loop().sock_sendall(peer, b"?")
                await until(lambda expected=number: len(quiet.received) == expected)  # type: ignore[misc]
            assert processes[0].poll() is None  # while it lasted
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    for each in (flooded, quiet, backend):
        each.transport.abort()
    await until(lambda: all("lost" in each.events for each in (flooded, quiet, backend)))


async def test_a_protocol_that_fails_is_told_to_the_loop_s_handler_and_its_connection_ends() -> None:
    told: list[dict[str, Any]] = []
    loop().set_exception_handler(lambda _, context: told.append(context))
    protocol, peer = await connected()

    def fail(data: bytes) -> None:
        raise LookupError("no such thing")

    with peer:
        protocol.data_received = fail  # type: ignore[method-assign]
        await loop().sock_sendall(peer, b"?")
        assert await read(peer, 1) == b""
        await until(lambda: protocol.events[-1] == "lost")
    (context,) = told
    assert isinstance(context["exception"], LookupError)
    assert context["protocol"] is protocol


def test_what_ends_the_loop_ends_it() -> None:
    async def main() -> None:
        protocol, peer = await connected()

        def leave(data: bytes) -> None:
            raise SystemExit(7)

        protocol.data_received = leave  # type: ignore[method-assign]
        with peer:
            peer.send(b"?")
            await asyncio.sleep(PATIENCE)

    with pytest.raises(SystemExit) as raised, asyncio.Runner(loop_factory=NativeLoop) as runner:
        runner.run(main())
    assert raised.value.code == 7


PATIENCE = 30.0


async def test_a_loop_that_is_closed_cuts_what_it_still_has() -> None:
    other = NativeLoop()
    ours, theirs = socket.socketpair()

    other.engine.adopt(ours.detach(), Remembering(), None, None, lambda error: None)
    assert other.engine.connections == 1
    other.close()
    with theirs:
        assert theirs.recv(1) == b""
    with pytest.raises(RuntimeError):
        other.engine.select(0)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_it_dials_an_address_of_either_kind(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        _, protocol = await loop().dial(Remembering, address, server.getsockname()[1])
        peer, name = server.accept()
        with peer:
            assert protocol.transport.get_extra_info("sockname") == name
            assert protocol.transport.get_extra_info("peername") == server.getsockname()
            protocol.transport.close()
            assert peer.recv(1) == b""
    await until(lambda: protocol.events == ["made", "lost"])


async def test_who_cannot_be_dialled_is_told_as_the_library_would() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        await loop().dial(Remembering, "127.0.0.1", port)
    with pytest.raises(OSError, match="no IP address"):
        await loop().dial(Remembering, "nowhere.test", 80)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            await loop().dial(Remembering, "127.0.0.1", port)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_dial_that_is_given_up_leaves_nothing_behind() -> None:
    async def until_the_kernel_takes_nobody_more(port: int) -> None:
        while True:
            _, protocol = await loop().dial(Remembering, "127.0.0.1", port)
            protocol.transport.abort()

    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, pytest.raises(TimeoutError):
        await asyncio.wait_for(until_the_kernel_takes_nobody_more(server.getsockname()[1]), 0.05)
    await until(lambda: loop().engine.connections == 0)


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(certificate: Certificate) -> ssl.SSLContext:
    context = tls_context(certificate.certificate, certificate.key)
    assert twins.of(context) is not None  # so it is the extension that speaks
    return context


async def secured(
    context: ssl.SSLContext, client: ssl.SSLContext, protocol: Remembering | None = None, **options: Any
) -> tuple[Remembering, ssl.SSLSocket]:
    """A protocol over TLS, and a client in the manner of threads."""
    ours, theirs = socket.socketpair()
    made = protocol or Remembering()
    connecting = loop().connect_accepted_socket(lambda: made, ours, ssl=context, ssl_handshake_timeout=5)
    shaking = asyncio.to_thread(client.wrap_socket, theirs, server_hostname="localhost", **options)
    _, spoken = await asyncio.gather(connecting, shaking)
    return made, spoken


async def test_tls_is_spoken_as_python_speaks_it(served: ssl.SSLContext, certificate: Certificate) -> None:
    client = certificate.client_context()
    client.set_alpn_protocols(["h2", "http/1.1"])
    protocol, spoken = await secured(served, client)
    with spoken:
        assert (spoken.version(), spoken.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
        sent = os.urandom(1_000_000)
        sending = asyncio.to_thread(spoken.sendall, sent)
        await asyncio.gather(sending, until(lambda: len(protocol.received) == len(sent)))
        assert protocol.received == sent
        protocol.transport.write(sent)
        protocol.transport.close()

        def receive() -> bytes:
            return b"".join(iter(lambda: spoken.recv(65536), b""))

        assert await asyncio.to_thread(receive) == sent
        assert "lost" not in protocol.events  # it waits for the client's answer to its end
        spoken.close()
    await until(lambda: protocol.events[-1] == "lost")
    assert protocol.error is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_resumed(served: ssl.SSLContext, certificate: Certificate, version: ssl.TLSVersion) -> None:
    client = certificate.client_context()
    client.maximum_version = version
    session = None
    for is_reused in (False, True):
        protocol, spoken = await secured(served, client, session=session)
        with spoken:
            protocol.transport.write(b"!")
            assert await asyncio.to_thread(spoken.recv, 1) == b"!"
            assert spoken.session_reused is is_reused
            session = spoken.session
            protocol.transport.abort()


def only_tls_1_1(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def only_another_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")


@pytest.mark.parametrize(
    ("change", "alert"), [(only_tls_1_1, "alert protocol version"), (only_another_cipher, "alert handshake failure")]
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_what_was_not_spoken_before_is_not_spoken(
    served: ssl.SSLContext, certificate: Certificate, change: Callable[[ssl.SSLContext], None], alert: str
) -> None:
    client = certificate.client_context()
    change(client)
    ours, theirs = socket.socketpair()
    with theirs:
        shaking = asyncio.create_task(asyncio.to_thread(client.wrap_socket, theirs, server_hostname="localhost"))
        with pytest.raises(ssl.SSLError):
            await loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)
        with pytest.raises(ssl.SSLError, match=alert):
            await shaking


async def test_of_tls_1_2_the_ciphers_of_pythons_context_are_spoken_and_no_others(
    served: ssl.SSLContext, certificate: Certificate
) -> None:
    every, spoken = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), set[str]()
    every.set_ciphers("ALL:@SECLEVEL=0")
    offered = [each["name"] for each in every.get_ciphers() if each["auth"] == "auth-ecdsa"]  # as the certificate is
    for name in offered:
        client = certificate.client_context()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.set_ciphers(f"{name}:@SECLEVEL=0")
        ours, theirs = socket.socketpair()
        connecting = loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)
        shaking = asyncio.to_thread(client.wrap_socket, theirs, server_hostname="localhost")
        made, shaken = await asyncio.gather(connecting, shaking, return_exceptions=True)
        if isinstance(shaken, ssl.SSLSocket):
            spoken.add(name)
            shaken.close()
        if not isinstance(made, BaseException):
            made[0].abort()
    assert spoken == {each["name"] for each in served.get_ciphers()}.intersection(offered)
    assert len(spoken) == 3  # AES-GCM with either length of key, and ChaCha20


async def test_who_says_nothing_or_something_else_than_tls_is_let_go(served: ssl.SSLContext) -> None:
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(TimeoutError):
        await loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=0.02)
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.send(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ssl.SSLError):
            await loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(ConnectionResetError):
        await loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)


def test_an_encrypted_key_is_opened_in_memory_and_another_s_is_refused_in_words(
    certificate: Certificate, tmp_path: Path
) -> None:
    key = load_pem_private_key(certificate.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(CannotServe, match="APIM_TLS_KEY_PASSWORD"):
        tls_context(certificate.certificate, locked)
    assert twins.of(tls_context(certificate.certificate, locked, "secret")) is not None
    for chain, wrong in ((certificate.certificate, locked.read_bytes()), (locked, certificate.key.read_bytes())):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        twins.add_server(context, chain.read_bytes(), wrong)
        assert twins.of(context) is None  # and so Python's own TLS is spoken


async def test_a_client_expects_the_name_that_it_asked_for(served: ssl.SSLContext, certificate: Certificate) -> None:
    context = certificate.client_context()
    twins.add_client(context, authorities=certificate.pem)
    assert twins.of(context) is not None
    names: list[str | None] = []
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(certificate.certificate, certificate.key)
    plain.sni_callback = lambda _, name, __: names.append(name)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=plain)
    port = server.sockets[0].getsockname()[1]
    for name in ("localhost", "127.0.0.1"):
        _, protocol = await loop().dial(Remembering, "127.0.0.1", port, ssl=context, server_hostname=name)
        await until(lambda ended=protocol: ended.events[-1] == "lost")  # type: ignore[misc]
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await loop().dial(Remembering, "127.0.0.1", port, ssl=context, server_hostname="elsewhere.test")
    assert caught.value.verify_message == "Hostname mismatch, certificate is not valid for 'elsewhere.test'."
    stranger = ssl.create_default_context()
    twins.add_client(stranger)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await loop().dial(Remembering, "127.0.0.1", port, ssl=stranger, server_hostname="localhost")
    assert caught.value.verify_message.startswith("self-signed certificate")
    server.close()
    await server.wait_closed()
    assert names == ["localhost", None, "elsewhere.test", "localhost"]


@pytest.mark.parametrize("shows", [True, False])
async def test_a_backend_that_asks_for_a_certificate_is_shown_it_and_the_protocol_is_agreed_on(
    certificate: Certificate, shows: bool
) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem)
    if shows:
        options = replace(options, client_certificate=certificate.pem, secret_key=certificate.key.read_text())
    context = await TlsContexts().for_backend(options)
    assert twins.of(context) is not None  # so it is the extension that speaks
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asking.load_cert_chain(certificate.certificate, certificate.key)
    asking.load_verify_locations(certificate.certificate)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.set_alpn_protocols(["h2", "http/1.1"])
    told: list[tuple[bytes | None, str | None]] = []

    def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken = writer.get_extra_info("ssl_object")
        told.append((spoken.getpeercert(binary_form=True), spoken.selected_alpn_protocol()))
        writer.close()

    async with await asyncio.start_server(tell, "127.0.0.1", 0, ssl=asking) as server:
        port = server.sockets[0].getsockname()[1]
        _, protocol = await loop().dial(Remembering, "127.0.0.1", port, ssl=context, server_hostname="localhost")
        await until(lambda: protocol.events[-1] == "lost")
    assert told == ([(ssl.PEM_cert_to_DER_cert(certificate.pem), "http/1.1")] if shows else [])


class OpenSsl:
    """A client by OpenSSL's own functions, for what Python's `ssl` does not let a client do."""

    def __init__(self, descriptor: int, version: int = TLS_1_2) -> None:
        linked = (native.find_extension(), _ssl)  # a wheel has its own inside and hides it, as some Pythons do
        libraries = (ctypes.CDLL(str(module.__file__)) for module in linked if module)
        self.library = next(library for library in libraries if hasattr(library, "SSL_renegotiate"))
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.SSL_CTX_new(ctypes.c_void_p(self.library.TLS_client_method())))
        self.ssl = ctypes.c_void_p(self.library.SSL_new(self.context))
        self.library.SSL_ctrl(self.ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, version, None)
        assert self.library.SSL_set_fd(self.ssl, descriptor) == 1

    def call(self, name: str, *given: object) -> int:
        return int(getattr(self.library, name)(self.ssl, *given))

    def free(self) -> None:
        self.library.SSL_free(self.ssl)
        self.library.SSL_CTX_free(self.context)


async def test_a_client_that_asks_to_shake_hands_again_is_refused(served: ssl.SSLContext) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(True)
    with theirs:
        client = OpenSsl(theirs.fileno())
        connecting = loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)
        (_, protocol), shaken = await asyncio.gather(connecting, asyncio.to_thread(client.call, "SSL_connect"))
        assert shaken == 1
        assert client.call("SSL_renegotiate") == 1
        assert await asyncio.to_thread(client.call, "SSL_do_handshake") != 1  # the server says no_renegotiation
        client.free()
    await until(lambda: protocol.events[-1] == "lost")


async def test_a_client_that_asks_for_new_keys_again_and_again_and_reads_none_is_cut(served: ssl.SSLContext) -> None:
    """And who reads them has as many as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with theirs:
        client = OpenSsl(theirs.fileno(), TLS_1_3)
        connecting = loop().connect_accepted_socket(Remembering, ours, ssl=served, ssl_handshake_timeout=5)
        (transport, protocol), _ = await asyncio.gather(connecting, asyncio.to_thread(client.call, "SSL_connect"))

        def ask(times: int, *, and_read: bool) -> None:
            read = 0
            for asked in range(1, times + 1):
                client.call("SSL_key_update", SSL_KEY_UPDATE_REQUESTED)
                if client.call("SSL_do_handshake") != 1:
                    return
                while and_read and asked % 50 == 0 and read < asked * KEY_UPDATE_SIZE:
                    read += len(theirs.recv(1 << 20))

        await asyncio.to_thread(ask, 5000, and_read=True)
        assert (protocol.events, transport.get_write_buffer_size()) == (["made"], 0)
        await asyncio.to_thread(ask, 50_000, and_read=False)
        client.free()
        await until(lambda: protocol.events[-1] == "lost")
    assert isinstance(protocol.error, OSError)
    assert protocol.error.errno == errno.ENOBUFS
