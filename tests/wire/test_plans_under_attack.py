"""Plans on the wire under attack and under ill luck: whoever is held, is held fairly, cheaply, and to the byte."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.quotas.limits import PlanLimits, Window
from gateway.quotas.rules import LeaseAnswer, LeaseRequest
from gateway.relay.frames import BINARY, CONTINUATION, PING, PONG, TEXT, FrameScanner
from publisher.endpoint import EndpointOptions
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaUnit
from tests.environment import PATIENCE
from tests.gateway.metering_world import MemoryStore
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import TOKEN
from tests.wire.peers import close_frame, frame, raw_backend, raw_client, until, websockets_backend
from tests.wire.test_plans import Recorder, granted, metered

pytestmark = pytest.mark.wire

QUIET = EndpointOptions(ping_interval=0)


async def test_a_client_that_is_only_delayed_is_not_closed_as_idle(tmp_path: Path) -> None:
    plan, options = (
        PlanLimits(rate=1, burst=1, counted=CountedDirection.CLIENT),
        EndpointOptions(idle_timeout=0.3, ping_interval=0),
    )
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path, options=options) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        message = frame(BINARY, b"x", masked=True)
        await client.send(message * 3)
        for _ in range(2):
            assert await behind.read(len(message)) == message
        assert world.gateway.connections


async def test_what_is_held_is_not_read_again_for_each_message_that_may_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, feed = [0], FrameScanner.feed

    def counted(scanner: FrameScanner, data: bytes) -> int:
        looked_at[0] += len(data)
        return feed(scanner, data)

    monkeypatch.setattr(FrameScanner, "feed", counted)
    plan = PlanLimits(rate=1000, burst=1, counted=CountedDirection.CLIENT)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        pair = frame(BINARY, b"", masked=True) + frame(TEXT, b"x", masked=True)
        sent = pair * 20_000
        await client.send(sent)
        assert await behind.read(len(pair) * 250) == pair * 250
        assert looked_at[0] < 4 * len(sent)


STREAM = (
    frame(TEXT, b"one", masked=True)
    + frame(BINARY, b"", masked=True)
    + frame(TEXT, b"two", masked=True, final=False)
    + frame(PING, b"ping", masked=True)
    + frame(CONTINUATION, b"", masked=True, final=False)
    + frame(CONTINUATION, b"2" * 130, masked=True)
    + frame(PONG, b"pong", masked=True)
    + frame(TEXT, b"three", masked=True)
    + frame(BINARY, b"4", masked=True, final=False)
    + frame(PING, b"", masked=True)
    + frame(CONTINUATION, b"4", masked=True)
    + frame(TEXT, b"five", masked=True)
)
WITHOUT_LAST_THREE = STREAM[: STREAM.index(frame(TEXT, b"three", masked=True))] + frame(PING, b"", masked=True)


@pytest.mark.parametrize(
    ("plan", "passes", "code"),
    [
        (PlanLimits(rate=1000, burst=1, counted=CountedDirection.CLIENT), STREAM, 1000),
        (
            PlanLimits(quota=3, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP),
            WITHOUT_LAST_THREE,
            1000,
        ),
        (
            PlanLimits(quota=3, counted=CountedDirection.CLIENT),
            WITHOUT_LAST_THREE[: -len(frame(PING, b"", masked=True))],
            4003,
        ),
        (
            PlanLimits(
                quota=6 + 130, unit=QuotaUnit.BYTES, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP
            ),
            WITHOUT_LAST_THREE,
            1000,
        ),
    ],
    ids=["delay", "drop", "close", "drop bytes"],
)
async def test_frames_split_at_every_byte_pass_as_if_they_were_not(
    tmp_path: Path, plan: PlanLimits, passes: bytes, code: int
) -> None:
    close = close_frame(1000, "bye", masked=True)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world:
        for split in range(1, len(STREAM)):
            world.gateway.routing.grants[TOKEN] = granted(plan, who=str(split))
            async with raw_client(world.gateway.port) as client:
                await client.read_head()
                behind = await backend.accepted()
                await client.send(STREAM[:split])
                for _ in range(3):  # the gateway shares this loop: what has been sent is read on its own
                    await asyncio.sleep(0)
                await client.send(STREAM[split:] + close)
                assert await behind.read(len(passes)) == passes
                expected = (1000, "bye") if code == 1000 else (1001, "The gateway closed this connection.")
                assert await behind.close_received() == expected
                await behind.send(close_frame(expected[0], masked=False))
                assert (await client.close_received())[0] == code
        await world.gateway.until_quiet()


async def test_a_client_that_tears_the_connection_while_it_is_held_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = PlanLimits(rate=20, burst=1, connections=1, counted=CountedDirection.CLIENT)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world:
        async with raw_client(world.gateway.port) as client:
            await client.read_head()
            behind = await backend.accepted()
            message = frame(BINARY, b"x", masked=True)
            await client.send(message * 30)
            await behind.read(len(message))
            client.reset()
            await behind.send(frame(TEXT, b"?", masked=False))
            await behind.rest()
            behind.hang_up()
        await world.gateway.until_quiet()
        async with raw_client(world.gateway.port) as client:
            assert (await client.read_head()).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("way", ["close", "hang up", "reset"])
async def test_a_backend_that_goes_while_its_client_is_held_ends_the_connection(tmp_path: Path, way: str) -> None:
    plan = PlanLimits(rate=1, burst=1, counted=CountedDirection.CLIENT)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world:
        async with raw_client(world.gateway.port) as client:
            await client.read_head()
            behind = await backend.accepted()
            message = frame(BINARY, b"x", masked=True)
            await client.send(message * 1000 + close_frame(1000, masked=True))
            await behind.read(len(message))
            if way == "close":
                await behind.send(close_frame(3000, "enough", masked=False))
            else:
                behind.hang_up() if way == "hang up" else behind.reset()
            assert await client.close_received() == (
                (3000, "enough") if way == "close" else (1014, "The connection to the backend was lost. Connect again.")
            )
            behind.hang_up()
            await client.rest()
        await world.gateway.until_quiet()


async def test_a_gateway_that_stops_does_not_wait_for_those_it_delays(tmp_path: Path) -> None:
    plan = PlanLimits(rate=1, burst=1)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw_client(world.gateway.port)) for _ in range(5)]
        for client in clients:
            await client.read_head()
            await client.send(frame(BINARY, b"x", masked=True) * 1000)
            behind = await backend.accepted()
            await behind.send(frame(BINARY, b"x", masked=False) * 1000)
        async with asyncio.timeout(10):
            await world.gateway.worker.stop()
        await world.gateway.until_quiet()


async def test_both_sides_may_be_cut_while_both_are_held(tmp_path: Path) -> None:
    async with (
        raw_backend() as backend,
        metered(backend.url, PlanLimits(rate=1, burst=1), tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        await client.send(frame(BINARY, b"x", masked=True) * 100)
        await behind.send(frame(BINARY, b"x", masked=False) * 100)
        await until(lambda: world.waiting == 2)
        for relay in list(world.gateway.worker.config.relays):
            relay.abort()
        await world.gateway.until_quiet()


async def test_a_message_size_that_shrinks_in_the_middle_of_a_message_ends_it(tmp_path: Path) -> None:
    async with (
        raw_backend() as backend,
        metered(backend.url, PlanLimits(message_bytes=100), tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        begin = frame(TEXT, b"x" * 60, masked=True, final=False)
        await client.send(begin)
        assert await behind.read(len(begin)) == begin
        world.change(PlanLimits(message_bytes=70))
        await client.send(frame(CONTINUATION, b"x" * 11, masked=True) + close_frame(1000, masked=True))
        assert await behind.close_received() == (1001, "The client went away.")
        await behind.send(close_frame(1001, masked=False))
        assert await client.close_received() == (1009, "A message was over the limit of 70 bytes.")


@pytest.mark.parametrize(
    "plan",
    [PlanLimits(quota=2, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP), PlanLimits(rate=1, burst=1)],
)
async def test_pings_pass_while_a_plan_is_used_up_and_cost_nothing_of_it(tmp_path: Path, plan: PlanLimits) -> None:
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        message, ping = frame(BINARY, b"", masked=True), frame(PING, b"?", masked=True)
        used_up = message * (plan.quota or 1)
        await client.send(used_up + (message if plan.quota else b"") + ping * 5000)
        assert await behind.read(len(used_up)) == used_up
        assert await behind.read(len(ping) * 5000) == ping * 5000


async def test_a_flood_of_messages_that_are_left_out_lets_others_have_their_turn(tmp_path: Path) -> None:
    """The flood is all in the gateway's hands before the other client says anything, and is the work of a second."""
    plan = PlanLimits(quota=1, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path, options=QUIET) as world,
        raw_client(world.gateway.port) as hostile,
        AsyncExitStack() as stack,
    ):
        await hostile.read_head()
        behind = await backend.accepted()
        world.gateway.routing.grants[TOKEN] = granted(PlanLimits(), who="another")
        other = await stack.enter_async_context(raw_client(world.gateway.port))
        await other.read_head()
        behind_other = await backend.accepted()
        ping = frame(PING, b"last", masked=True)
        flood = (frame(BINARY, b"", masked=True) + frame(TEXT, b"x", masked=True)) * 150_000
        hostile.writer.write(flood + ping)
        message, heard = frame(TEXT, b"hello", masked=True), 0
        reading = asyncio.create_task(behind.read(6 + len(ping)))
        while not reading.done():
            await other.send(message)
            assert await behind_other.read(len(message)) == message
            heard += 1
        assert await reading == frame(BINARY, b"", masked=True) + ping
        assert heard > 3


async def test_a_flood_that_passes_lets_others_have_their_turn(tmp_path: Path) -> None:
    async with (
        raw_backend() as backend,
        metered(backend.url, PlanLimits(), tmp_path, options=QUIET) as world,
        raw_client(world.gateway.port) as hostile,
        raw_client(world.gateway.port) as other,
    ):
        await hostile.read_head()
        await other.read_head()
        behind, behind_other = await backend.accepted(), await backend.accepted()
        flood = (frame(BINARY, b"", masked=True) + frame(TEXT, b"x", masked=True)) * 150_000
        hostile.writer.write(flood)
        message, heard = frame(TEXT, b"hello", masked=True), 0
        reading = asyncio.create_task(behind.read(len(flood)))
        while not reading.done():
            await other.send(message)
            assert await behind_other.read(len(message)) == message
            heard += 1
        assert await reading == flood
        assert heard > 3


async def test_empty_messages_pass_under_a_quota_of_bytes_that_is_used_up(tmp_path: Path) -> None:
    plan = PlanLimits(quota=3, unit=QuotaUnit.BYTES, counted=CountedDirection.CLIENT)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        stream = frame(BINARY, b"xxx", masked=True) + frame(BINARY, b"", masked=True) * 1000
        await client.send(stream)
        assert await behind.read(len(stream)) == stream
        await client.send(frame(BINARY, b"x", masked=True))
        assert (await client.close_received())[0] == 4003


async def test_a_tls_client_may_close_and_leave_behind_what_it_has_sent(
    tmp_path: Path, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    plan = PlanLimits(rate=100, burst=1, counted=CountedDirection.CLIENT)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path, server_tls=certificate.server_context()) as world,
        raw_client(world.gateway.port, tls=certificate.client_context()) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        message, close = frame(BINARY, b"x", masked=True), close_frame(1000, "done", masked=True)
        await client.send(message * 50 + close)
        assert await behind.read(len(message)) == message
        client.hang_up()
        assert await behind.read(len(message) * 49 + len(close)) == message * 49 + close
    assert not caplog.records


class SlowStore(MemoryStore):
    """Answers once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        if requests:
            assert self.may_answer.wait(PATIENCE)
        return super().exchange(holder, requests, now)


@pytest.mark.parametrize("way", ["tears the connection", "loses its right", "stays"])
async def test_whoever_leaves_while_its_plan_is_looked_up_leaves_nothing_behind(tmp_path: Path, way: str) -> None:
    store, plan = SlowStore(), PlanLimits(quota=100, connections=1, connects=1000)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path, store=store) as world:
        tasks = len(asyncio.all_tasks())
        for _ in range(3):
            store.may_answer.clear()
            async with raw_client(world.gateway.port) as client:
                async with asyncio.timeout(PATIENCE):
                    while not world.gateway.connections:
                        await asyncio.sleep(0.001)
                if way == "loses its right":
                    world.gateway.connections[0].close(4001, "Revoked.")
                if way == "stays":
                    store.may_answer.set()
                if way == "tears the connection":
                    client.reset()
                    await until(lambda: not world.gateway.connections)
                else:
                    status = (await client.read_head()).split()[1]
                    assert status == (b"101" if way == "stays" else b"503")
            store.may_answer.set()
            while not backend.connections.empty():
                backend.connections.get_nowait().hang_up()
            await world.gateway.until_quiet()
        async with raw_client(world.gateway.port) as client:
            assert (await client.read_head()).startswith(b"HTTP/1.1 101")
            (await backend.accepted()).hang_up()
        await world.gateway.until_quiet()
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > tasks + 1 or any(usage.spent for usage in store.used(open_windows(store))):
                await asyncio.sleep(0.02)


def open_windows(store: MemoryStore) -> list[tuple[str, Window]]:
    """Those that count open connections."""
    return [place for place in store.windows if not place[1].end]


async def test_ten_connections_of_one_subscription_have_their_turns_at_a_rate(tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(rate=400, burst=1, counted=CountedDirection.CLIENT)
    async with (
        websockets_backend(backend_heard) as url,
        metered(url, plan, tmp_path) as world,
        AsyncExitStack() as stack,
    ):
        for number in range(10):
            client = await stack.enter_async_context(raw_client(world.gateway.port))
            await client.read_head()
            await client.send(frame(BINARY, b"%d" % number, masked=True) * 2000)
        await until(lambda: min(backend_heard.heard.count(b"%d" % number) for number in range(10)) >= 5)
        assert max(Counter(backend_heard.heard).values()) < 2000, "all come by turns, before anyone is through"
