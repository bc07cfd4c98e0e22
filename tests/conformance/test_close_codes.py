"""Every way a side can end a connection, and what the other side gets: the same Close or an honest one, no other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from gateway.relay.frames import FrameScanner, decode_close, is_sendable
from publisher.endpoint import EndpointOptions
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import Raw, close_frame, frame, raw_backend, raw_client

pytestmark = pytest.mark.wire

CODES = [None, 1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
UNSENDABLE = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
REASONS = ["", "bye", "Schluß – 終わり", "x" * 123]


class Joined(NamedTuple):
    """One connection through the gateway: who does something, and who is told."""

    gateway: Gateway
    actor: Raw
    other: Raw
    actor_masks: bool


@asynccontextmanager
async def connection(actor: str, certificate: Certificate | None) -> AsyncIterator[Joined]:
    """A connection whose `actor` is "client" or "backend", over TLS where there is a certificate."""
    server_tls = certificate.server_context() if certificate else None
    client_tls = certificate.client_context() if certificate else None
    async with (
        raw_backend() as backend,
        running(backend.url, options=EndpointOptions(ping_interval=0), server_tls=server_tls) as gateway,
        raw_client(gateway.port, tls=client_tls) as client,
    ):
        await client.read_head()
        upstream = await backend.accepted()
        yield Joined(gateway, *((client, upstream) if actor == "client" else (upstream, client)), actor == "client")


def closes_in(stream: bytes, masked: bool) -> tuple[bytes, list[tuple[int | None, str]]]:
    """What stands before the Close in a stream of frames, and the codes and reasons in it."""
    scanner = FrameScanner(masked=masked)
    end = scanner.feed(stream)
    found = [control for control in scanner.controls if control.opcode == 8]
    assert end == len(stream) or not found, "something follows the Close"
    return stream[: found[0].start] if found else stream[:end], [decode_close(each.payload) for each in found]


def over_tls_too(codes: Sequence[int | None], *some: int | None) -> pytest.MarkDecorator:
    """Every code in the open and some over TLS, which carries bytes and reads no code."""
    open_ones, secure = [(code, False) for code in codes], [(code, True) for code in some]
    ids = [f"{code}-{'wss' if tls else 'ws'}" for code, tls in (*open_ones, *secure)]
    return pytest.mark.parametrize(("code", "tls"), [*open_ones, *secure], ids=ids)


actors = pytest.mark.parametrize("actor", ["client", "backend"])
ways = pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])


@actors
@over_tls_too(CODES, None, 1000, 4999)
async def test_a_close_and_its_answer_pass_byte_for_byte(
    code: int | None, actor: str, tls: bool, certificate: Certificate
) -> None:
    for reason in REASONS if code in (1000, 4999) else REASONS[:2]:
        async with connection(actor, certificate if tls else None) as (gateway, one, other, masks):
            said = close_frame(code, reason if code else "", masked=masks)
            answer = close_frame(code, masked=not masks)
            await one.send(said)
            assert await other.read(len(said)) == said
            await other.send(answer)
            assert await one.read(len(answer)) == answer
            for raw in (one, other):
                raw.hang_up()
            await gateway.until_quiet()


@actors
@over_tls_too(UNSENDABLE, 0, 1006, 65535)
async def test_a_code_that_may_not_be_sent_is_answered_with_1002_and_goes_no_further(
    code: int, actor: str, tls: bool, certificate: Certificate
) -> None:
    async with connection(actor, certificate if tls else None) as (gateway, one, other, masks):
        await one.send(close_frame(code, "x", masked=masks))
        told = 1001 if actor == "client" else 1014
        assert (await other.close_received())[0] == told
        await other.send(close_frame(told, masked=not masks))
        assert (await one.close_received())[0] == 1002
        one.hang_up()
        other.hang_up()
        await gateway.until_quiet()


@actors
async def test_who_breaks_the_rules_still_gets_what_was_on_its_way_and_then_1002(actor: str) -> None:
    async with connection(actor, None) as (gateway, one, other, masks):
        good, answer = frame(1, b"good", masked=masks), frame(1, b"answer", masked=not masks)
        await one.send(good)
        assert await other.read(len(good)) == good
        await one.send(frame(3, b"", masked=masks))
        code, _ = await other.close_received()
        await other.send(answer + close_frame(code, masked=not masks))
        assert await one.read(len(answer)) == answer
        assert (await one.close_received())[0] == 1002
        one.hang_up()
        assert await one.rest() == b""
        other.hang_up()
        await gateway.until_quiet()


@actors
@pytest.mark.parametrize("way", ["FIN", "RST", "silence", "half a frame"])
async def test_who_breaks_the_rules_gets_1002_in_time_if_the_other_side_never_answers(way: str, actor: str) -> None:
    async with connection(actor, None) as (gateway, one, other, masks):
        await one.send(frame(3, b"", masked=masks))
        await other.close_received()
        if way == "half a frame":
            part = frame(2, bytes(1000), masked=not masks)[:500]
            await other.send(part)
            assert await one.read(len(part)) == part
            assert await one.rest() == b""  # a Close would have stood within that frame
        else:
            other.hang_up() if way == "FIN" else other.reset() if way == "RST" else None
            assert (await one.close_received())[0] == 1002
        one.hang_up()
        await gateway.until_quiet()


SCENES = {
    "at once": (b"", b""),
    "after a message": (frame(1, b"last", masked=False), b""),
    "between two fragments": (frame(1, b"half", masked=False, final=False), b""),
    "within a header": (frame(2, b"x", masked=False), frame(2, bytes(70_000), masked=False)[:5]),
    "within a control frame": (b"", frame(9, b"ping", masked=False)[:4]),
}
MASKED_SCENES = {
    "at once": (b"", b""),
    "after a message": (frame(1, b"last", masked=True), b""),
    "between two fragments": (frame(1, b"half", masked=True, final=False), b""),
    "within a header": (frame(2, b"x", masked=True), frame(2, bytes(70_000), masked=True)[:9]),
    "within a control frame": (b"", frame(9, b"ping", masked=True)[:8]),
}


@ways
@actors
@pytest.mark.parametrize("way", ["FIN", "RST"])
@pytest.mark.parametrize("scene", list(SCENES))
async def test_a_side_that_vanishes_is_an_honest_close_for_the_other_behind_all_that_was_whole(
    scene: str, way: str, actor: str, tls: bool, certificate: Certificate
) -> None:
    async with connection(actor, certificate if tls else None) as (gateway, one, other, masks):
        whole, part = (MASKED_SCENES if masks else SCENES)[scene]
        await one.send(whole)
        assert await other.read(len(whole)) == whole  # a reset may overtake what is not read yet
        await one.send(part)
        one.hang_up() if way == "FIN" else one.reset()
        code, _ = await other.close_received()
        assert code == (1001 if actor == "client" else 1014)
        await other.send(close_frame(code, masked=not masks))
        other.hang_up()
        await gateway.until_quiet()
        assert gateway.ended[0].cause is not None
        assert (gateway.ended[0].cause.by, gateway.ended[0].cause.code) == (actor, 1006)


@ways
@actors
@pytest.mark.parametrize("way", ["FIN", "RST"])
async def test_within_a_payload_no_close_can_stand_so_the_connection_just_ends(
    way: str, actor: str, tls: bool, certificate: Certificate
) -> None:
    async with connection(actor, certificate if tls else None) as (gateway, one, other, masks):
        part = frame(2, bytes(1000), masked=masks)[:500]
        await one.send(part)
        assert await other.read(len(part)) == part
        one.hang_up() if way == "FIN" else one.reset()
        assert await other.rest() == b""
        await gateway.until_quiet()


@ways
@pytest.mark.parametrize("way", ["Close", "FIN", "RST"])
async def test_both_may_end_at_once_in_any_way(way: str, tls: bool, certificate: Certificate) -> None:
    async with connection("client", certificate if tls else None) as (gateway, client, upstream, _):
        for raw, masked in ((client, True), (upstream, False)):
            if way == "Close":
                raw.writer.write(close_frame(4000 + masked, "now", masked=masked))
            else:
                raw.hang_up() if way == "FIN" else raw.reset()
        if way == "Close":
            assert closes_in(await client.rest(), masked=False) == (b"", [(4000, "now")])
            assert await upstream.close_received() == (4001, "now")
            upstream.hang_up()
        await gateway.until_quiet()


def test_the_codes_that_mean_there_was_no_close_frame_are_never_made() -> None:
    assert [code for code in (1004, 1005, 1006, 1015) if is_sendable(code)] == []
