"""The life of workers, as clients see it: killed, stopped, renewed. Real processes and numbered messages."""

from __future__ import annotations

import asyncio
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from django.utils import timezone
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from apimanager.tls import ensure_certificate
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.peers import websockets_backend
from tests.wire.test_server import Served, asked, served, still_there

pytestmark = pytest.mark.wire


class RecordingBackend:
    """A backend that echoes, and notes what it was sent on each connection."""

    def __init__(self) -> None:
        self.heard: dict[str, list[int]] = {}

    async def __call__(self, connection: ServerConnection) -> None:
        waiting: asyncio.Queue[str] = asyncio.Queue()
        answering = asyncio.create_task(self._answer(connection, waiting))
        with suppress(ConnectionClosed):
            async for message in connection:
                name, _, number = str(message).partition(" ")
                self.heard.setdefault(name, []).append(int(number))
                waiting.put_nowait(str(message))
        answering.cancel()

    async def _answer(self, connection: ServerConnection, waiting: asyncio.Queue[str]) -> None:
        """Beside the listening, which the library lets wait when an answer comes after the client's Close."""
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await waiting.get())


class Talker:
    """A client that sends numbers, many at a time, until it is told to go."""

    def __init__(self, name: str, connection: ClientConnection) -> None:
        self.name = name
        self.connection = connection
        self.sent = 0
        self.heard: list[int] = []

    async def talk(self) -> None:
        """Send and listen until the connection ends."""
        listening = asyncio.create_task(self._listen())
        with suppress(ConnectionClosed):
            while True:
                await self.connection.send(f"{self.name} {self.sent}")
                self.sent += 1
                if self.sent % 20 == 0:
                    await asyncio.sleep(0.002)
        await listening

    async def _listen(self) -> None:
        with suppress(ConnectionClosed):
            async for message in self.connection:
                self.heard.append(int(str(message).partition(" ")[2]))


@dataclass
class Newcomers:
    """How many have come, and the failures they met."""

    came: int = 0
    failures: list[Exception] = field(default_factory=list)

    async def more(self, count: int) -> None:
        """Wait until so many more have come."""
        wanted = self.came + count
        await until(lambda: self.came >= wanted)


@asynccontextmanager
async def coming(gateway: Served) -> AsyncIterator[Newcomers]:
    """Somebody new comes all the time."""
    newcomers = Newcomers()

    async def try_admit() -> None:
        while True:
            try:
                client = await gateway.client(open_timeout=10)
                await client.send("?")
                with suppress(ConnectionClosed):  # let in just before its worker was told to stop
                    await client.recv()
                await client.close()
                newcomers.came += 1
            except ConnectionClosed as error:
                if error.rcvd is None or error.rcvd.code != 1012:
                    newcomers.failures.append(error)
            except Exception as error:
                newcomers.failures.append(error)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(try_admit())
    yield newcomers
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert newcomers.came


async def until(condition: object, seconds: float = PATIENCE) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def clients_of(gateway: Served, pid: int) -> set[int]:
    """The ports of the clients that one worker holds."""
    return ports_of(next(each for each in gateway.workers if each.pid == pid), gateway)


def ports_of(worker: psutil.Process, gateway: Served) -> set[int]:
    return {each.raddr.port for each in worker.net_connections() if each.raddr and each.laddr.port == gateway.ws_port}


async def test_a_killed_worker_takes_only_its_own_connections_along_and_nobody_new_is_turned_away(
    certificate: Certificate,
) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=2) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(40)]
        before = {each.pid for each in gateway.workers}
        victim = min(before)
        doomed = clients_of(gateway, victim)
        assert 0 < len(doomed) < len(clients)
        async with coming(gateway) as newcomers:
            next(each for each in gateway.workers if each.pid == victim).send_signal(signal.SIGKILL)
            await until(lambda: len({each.pid for each in gateway.workers} - {victim}) == 2)
            await newcomers.more(20)  # so that some come to the new one, too
        alive = [await still_there(client) for client in clients]
        assert alive == [client.local_address[1] not in doomed for client in clients]
        # A client that the dead worker had taken but not answered sees the loss; those behind it wait for the next.
        assert len(newcomers.failures) <= 1
        assert (await gateway.stop())[0] == 0


async def test_a_stopping_gateway_loses_nothing_that_its_clients_sent_before_they_were_told(
    certificate: Certificate,
) -> None:
    recorder = RecordingBackend()
    async with (
        websockets_backend(recorder) as backend,
        served(backend, certificate, workers=2, drain=1.0) as gateway,
    ):
        await gateway.until_up()
        talkers = [Talker(f"client-{number}", await gateway.client()) for number in range(20)]
        talking = [asyncio.create_task(each.talk()) for each in talkers]
        await until(lambda: all(each.sent > 100 for each in talkers))
        code, _ = await gateway.stop()
        await asyncio.gather(*talking)
    assert code == 0
    for each in talkers:
        assert each.connection.close_code == 1012
        assert each.sent > 0
        assert recorder.heard[each.name] == list(range(each.sent))
        assert each.heard == list(range(len(each.heard)))


class SlowBackend:
    """Its handshakes and its answers take a while; `asked` is how many messages it has heard."""

    SECONDS = 0.3

    def __init__(self) -> None:
        self.asked = self.knocked = 0

    async def __call__(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                self.asked += 1
                await asyncio.sleep(self.SECONDS)
                await connection.send(message)

    async def hesitate(self, connection: ServerConnection, asked: Request) -> None:
        self.knocked += 1
        await asyncio.sleep(self.SECONDS)


async def test_neither_renewing_nor_stopping_costs_an_answer_that_is_under_way(certificate: Certificate) -> None:
    slow = SlowBackend()
    async with (
        websockets_backend(slow, process_request=slow.hesitate) as backend,
        served(backend, certificate, workers=2, drain=2.0) as gateway,
    ):
        await gateway.until_up()
        for number in (signal.SIGHUP, signal.SIGTERM):
            clients = await asyncio.gather(*(gateway.client(open_timeout=PATIENCE) for _ in range(30)))
            slow.knocked = slow.asked = 0
            knocking = [asyncio.create_task(knock(gateway)) for _ in range(30)]
            await until(lambda: slow.knocked == 30)
            await asyncio.gather(*(client.send(str(client.id)) for client in clients))
            await until(lambda: slow.asked >= 30)
            gateway.process.send_signal(number)
            assert await asyncio.gather(*map(hear, clients)) == [([str(client.id)], 1012) for client in clients]
            assert await asyncio.gather(*knocking) == ["let in"] * 30
            if number == signal.SIGHUP:
                for _ in range(2):
                    await gateway.until_said("was renewed")
        assert (await gateway.stop())[0] == 0


async def hear(client: ClientConnection) -> tuple[list[str], int | None]:
    """All that a client is told until it is asked to go, and how it is asked."""
    heard: list[str] = []
    with suppress(ConnectionClosed):
        while True:
            heard.append(str(await client.recv()))
    return heard, client.close_code


async def knock(gateway: Served) -> str:
    """What becomes of a client whose handshake is under way, and which asks something once it is in."""
    client = await gateway.client(open_timeout=PATIENCE)
    await client.send("let in")
    with suppress(ConnectionClosed):
        return str(await client.recv())
    return "nothing"


async def test_clients_are_asked_to_go_one_after_the_other_over_the_drain_time(certificate: Certificate) -> None:
    loop = asyncio.get_running_loop()
    async with websockets_backend() as backend, served(backend, certificate, drain=1.0) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(10)]
        moments = []

        async def note(client: ClientConnection) -> None:
            await client.wait_closed()
            moments.append(loop.time())

        noting = [asyncio.create_task(note(client)) for client in clients]
        assert (await gateway.stop())[0] == 0
        await asyncio.gather(*noting)
    assert max(moments) - min(moments) > 0.25  # at once it would be a few milliseconds, and this process may lag


async def test_a_client_that_does_not_answer_does_not_hold_up_the_end(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, drain=0.2) as gateway:
        await gateway.until_up()
        client = await gateway.client()
        client.transport.pause_reading()
        code, written = await gateway.stop()
        client.transport.abort()
    assert code == 0
    assert "killed" not in written


async def test_renewing_replaces_every_worker_while_the_ports_stay_open(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=2, drain=0.5) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(20)]
        before = {each.pid for each in gateway.workers}
        async with coming(gateway) as newcomers:
            gateway.process.send_signal(signal.SIGHUP)
            await until(lambda: len(now := {each.pid for each in gateway.workers}) == 2 and not now & before, 30)
            await newcomers.more(20)
        assert newcomers.failures == []
        for client in clients:
            await asyncio.wait_for(client.wait_closed(), 5)
        assert {client.close_code for client in clients} == {1012}
        assert await still_there(await gateway.client())
        code, written = await gateway.stop()
    assert code == 0
    assert written.count("was renewed") == 2


async def test_a_client_that_comes_back_is_asked_to_go_once_for_a_renewal(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, workers=3, drain=1.5) as gateway:
        await gateway.until_up()
        renewed = asyncio.Event()
        moves: list[int] = []

        async def stay() -> None:
            """Come back at once each time, as a client is asked to."""
            moves.append(0)
            number = len(moves) - 1
            while not renewed.is_set():
                client = await gateway.client(open_timeout=PATIENCE)
                leaving = asyncio.create_task(client.wait_closed())
                over = asyncio.create_task(renewed.wait())
                await asyncio.wait({leaving, over}, return_when=asyncio.FIRST_COMPLETED)
                moves[number] += client.close_code == 1012
                over.cancel()
                await client.close()

        staying = [asyncio.create_task(stay()) for _ in range(24)]
        await until(lambda: len(moves) == 24 and sum(len(ports_of(each, gateway)) for each in gateway.workers) >= 24)
        gateway.process.send_signal(signal.SIGHUP)
        for _ in range(3):
            await gateway.until_said("was renewed")
        renewed.set()
        await asyncio.gather(*staying)
        assert moves == [1] * 24
        assert (await gateway.stop())[0] == 0


async def test_while_a_dead_worker_cannot_be_replaced_the_others_have_all_who_come(
    certificate: Certificate, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    async with websockets_backend() as backend, served(backend, certificate, workers=2, away=str(away)) as gateway:
        early: list[ClientConnection] = []
        await gateway.until_up()
        async with asyncio.timeout(PATIENCE):  # a worker that has not begun to work would end the gateway
            while len(gateway.workers) < 2 or not all(clients_of(gateway, each.pid) for each in gateway.workers):
                early.append(await gateway.client(open_timeout=PATIENCE))
        for client in early:
            await client.close()
        await until(lambda: not any(clients_of(gateway, each.pid) for each in gateway.workers))
        away.touch()
        victim, survivor = gateway.workers
        victim.kill()
        await gateway.until_said("is missing")
        clients = [await gateway.client(open_timeout=PATIENCE) for _ in range(30)]
        assert len(clients_of(gateway, survivor.pid)) == len(clients)
        assert (await asked(gateway.ws_port, "/ready")).startswith(b"HTTP/1.1 200 ")
        away.unlink()

        async def is_shared() -> bool:
            clients.append(await gateway.client(open_timeout=PATIENCE))
            return len(clients_of(gateway, survivor.pid)) < len(clients)

        async with asyncio.timeout(PATIENCE):
            while not await is_shared():
                await asyncio.sleep(0.05)
        assert all([await still_there(client) for client in clients])
        assert (await gateway.stop())[0] == 0


async def test_renewed_workers_serve_the_certificate_of_that_moment(certificate: Certificate, tmp_path: Path) -> None:
    pair = copied(certificate, tmp_path)
    async with websockets_backend() as backend, served(backend, pair) as gateway:
        await gateway.until_up()
        old = await shown(gateway)
        pair.certificate.write_text("nonsense")
        before = {each.pid for each in gateway.workers}
        gateway.process.send_signal(signal.SIGHUP)
        assert gateway.process.stderr is not None
        assert b"APIM_TLS_CERTIFICATE" in await gateway.process.stderr.readline()
        assert b"the old one goes on" in await gateway.process.stderr.readline()
        assert {each.pid for each in gateway.workers} == before
        assert await still_there(await gateway.client())
        pair.certificate.unlink()
        pair.key.unlink()
        ensure_certificate(pair.certificate, pair.key, "localhost", timezone.now(), given=False)
        gateway.process.send_signal(signal.SIGHUP)
        await until(lambda: not before & {each.pid for each in gateway.workers}, 20)
        new = await shown(gateway)
        assert new == ssl.PEM_cert_to_DER_cert(pair.pem) != old
        assert (await gateway.stop())[0] == 0


def copied(pair: Certificate, folder: Path) -> Certificate:
    made = replace(pair, certificate=folder / "certificate.pem", key=folder / "key.pem")
    shutil.copy(pair.certificate, made.certificate)
    shutil.copy(pair.key, made.key)
    return made


async def shown(gateway: Served) -> bytes:
    """The certificate that a client is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.wss_port, ssl=context)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found
