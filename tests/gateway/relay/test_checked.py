"""A relay that holds messages against the schemas of their topic, between transports that only remember."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.payloads.schemas import Checks, Misfit, PayloadCheck
from gateway.quotas.meter import FREE, Meter
from gateway.relay import frames
from gateway.relay.checked import AT_ONCE, CHECKS, CheckedRelay
from gateway.relay.side import Leg
from gateway.relay.splice import Relay
from publisher.runtime import ValidationMode
from tests.gateway.payloads.test_reading import Deflate, frame
from tests.gateway.relay.test_splice import Never, World

CHECK = PayloadCheck([{"name": "say", "schema": {"type": "object", "properties": {"text": {"type": "string"}}}}])
GOOD, BAD = b'{"text": "Hello"}', b'{"text": 5}'
WHY = 'At /text: value is not of type "string" (say).'
LONGEST = 1000


class CheckedWorld(World):
    """A relay that checks both sides, unless told otherwise."""

    def __init__(self, mode: ValidationMode = ValidationMode.ENFORCE, **options: Any) -> None:
        self.misfits: list[tuple[str, Misfit]] = []
        checks = options.pop("checks", Checks(mode, CHECK, CHECK))
        noted = lambda sender, misfit: self.misfits.append((sender, misfit))  # noqa: E731
        kind = partial(CheckedRelay, checks=checks, longest=LONGEST, on_misfit=noted)
        super().__init__(handshake=5.0, kind=kind, **options)

    @property
    def noted(self) -> list[tuple[str, str]]:
        """Who sent what is wrong."""
        return [(sender, str(misfit.describe())) for sender, misfit in self.misfits]


def close(code: int, reason: str = "") -> bytes:
    return frames.encode_close(code, reason, masked=False)


def close_to_backend(world: World) -> int:
    """The code of the Close with which everything that the backend was sent ends."""
    scanner = frames.FrameScanner(masked=True)
    scanner.feed(world.backend.written)
    return frames.decode_close(scanner.controls[-1].payload)[0] or 0


def report() -> CheckedWorld:
    return CheckedWorld(ValidationMode.REPORT)


def test_what_fits_passes_as_the_bytes_that_came() -> None:
    world = CheckedWorld()
    sent = frame(GOOD) + frame(GOOD[:5], 0x01) + frame(b"p", 0x89) + frame(GOOD[5:], 0x80)
    for at in range(0, len(sent), 3):
        world.relay.client.data_received(sent[at : at + 3])
    assert sorted(world.backend.written) == sorted(sent)
    world.relay.backend.data_received(frame(GOOD, masked=False))
    assert world.client.written == frame(GOOD, masked=False)
    assert not world.misfits
    assert world.relay.traffic()[:2] == (2, 2 * len(GOOD))


def test_a_client_whose_message_does_not_fit_is_closed_with_1007_and_its_place_and_the_backend_with_1001() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(GOOD) + frame(BAD) + frame(GOOD))
    assert world.client.written == close(1007, WHY)
    assert world.backend.written.startswith(frame(GOOD)[:2])
    assert close_to_backend(world) == 1001
    assert world.relay.traffic()[:2] == (1, len(GOOD))
    assert world.relay.close_info() == ("gateway", 1007, 1001, WHY)
    assert world.noted == [("client", WHY)]
    world.relay.client.data_received(frame(b"\x03\xef", 0x88))
    assert world.client.is_closed


def test_a_backend_whose_message_does_not_fit_is_closed_with_1007_and_the_client_with_1014() -> None:
    world = CheckedWorld()
    world.relay.backend.data_received(frame(BAD, masked=False))
    assert world.client.written == close(1014, "The backend sent a message that does not fit its schema.")
    assert close_to_backend(world) == 1007
    assert world.relay.close_info() == ("gateway", 1014, 1007, WHY)
    assert world.noted == [("backend", WHY)]


def test_no_part_of_a_message_passes_before_it_is_whole_and_fits() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(BAD[:5], 0x01))
    assert world.backend.written == b""
    world.relay.client.data_received(frame(b"p", 0x89))
    assert len(world.backend.written) == len(frame(b"p", 0x89))  # a Ping does not wait
    world.relay.client.data_received(frame(BAD[5:], 0x80))
    assert BAD[5:] not in world.backend.written
    assert world.client.written == close(1007, WHY)


def test_a_client_that_goes_in_the_middle_of_a_message_leaves_an_honest_close_behind() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(GOOD[:5], 0x01))
    world.relay.client.connection_lost(None)
    assert close_to_backend(world) == 1001


def test_a_close_passes_though_a_message_was_begun_before_it() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(GOOD) + frame(GOOD[:5], 0x01) + frame(b"\x0f\xa0bye", 0x88))
    assert close_to_backend(world) == 4000
    assert world.relay.close_info().by == "client"


def test_compressed_messages_are_read_and_pass_compressed() -> None:
    world, deflate = CheckedWorld(rsv=frames.RSV1), Deflate()
    first = frame(deflate(GOOD), 0xC1)
    world.relay.client.data_received(first)
    assert world.backend.written == first
    world.relay.client.data_received(frame(deflate(GOOD), 0xC1) + frame(deflate(BAD), 0xC1))
    assert world.client.written == close(1007, WHY)


def test_a_message_that_is_too_long_to_be_held_against_a_schema_is_closed_with_1009() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(b"x" * (LONGEST + 1))[:20])  # its header is enough
    assert world.client.written[2:4] == (1009).to_bytes(2, "big")
    bomb = CheckedWorld(rsv=frames.RSV1)
    bomb.relay.client.data_received(frame(Deflate()(b"x" * 1_000_000)[:LONGEST], 0xC1))
    assert bomb.client.written[2:4] == (1009).to_bytes(2, "big")


def test_what_breaks_the_protocol_is_closed_as_by_any_relay() -> None:
    world = CheckedWorld()
    world.relay.client.data_received(frame(GOOD) + frame(b"x", 0x83))
    world.relay.backend.data_received(frame(b"\x03\xe9", 0x88, masked=False))
    assert world.client.written[2:4] == (1002).to_bytes(2, "big")


def test_report_passes_everything_at_once_and_notes_what_does_not_fit() -> None:
    world, sent = report(), frame(GOOD) + frame(BAD) + frame(b"\xff", 0x82) + frame(b"x" * 2000) + frame(BAD)
    world.relay.client.data_received(sent[:30])
    assert world.backend.written == sent[:30]
    world.relay.client.data_received(sent[30:])
    assert world.backend.written == sent
    assert world.client.written == b""
    assert [sentence for _, sentence in world.noted] == [
        WHY,
        "At the top: it is not UTF-8 text.",
        "At the top: it is longer than 1\u202f000 bytes.",
        WHY,
    ]


def test_report_still_notes_what_came_with_the_close() -> None:
    world = report()
    world.relay.client.data_received(frame(BAD) + frame(b"\x03\xe8", 0x88))
    assert close_to_backend(world) == 1000
    assert len(world.misfits) == 1


def test_report_leaves_what_cannot_be_inflated_alone() -> None:
    world = CheckedWorld(ValidationMode.REPORT, rsv=frames.RSV1)
    sent = frame(b"\xff\xff\xff", 0xC1) + frame(BAD)
    world.relay.client.data_received(sent)
    assert world.backend.written == sent
    assert world.noted == [("client", "At the top: it cannot be inflated.")]


@pytest.mark.parametrize("mode", [ValidationMode.REPORT, ValidationMode.ENFORCE])
async def test_a_long_chunk_is_looked_at_in_parts_and_no_more_is_read_meanwhile(mode: ValidationMode) -> None:
    world = CheckedWorld(mode)
    sent = frame(GOOD) * (5 * AT_ONCE // len(frame(GOOD)))
    world.relay.client.data_received(sent)
    assert world.relay.client.paused_for & CHECKS
    assert not world.client.is_read
    async with asyncio.timeout(5):
        while world.relay.client.paused_for & CHECKS:
            await asyncio.sleep(0)
    assert world.client.is_read
    assert sorted(world.backend.written) == sorted(sent)
    assert not world.misfits


async def test_what_still_waits_when_the_client_hangs_up_passes_before_the_backend_is_told() -> None:
    world = CheckedWorld()
    sent = frame(GOOD) * (3 * AT_ONCE // len(frame(GOOD)))
    world.relay.client.data_received(sent)
    world.relay.client.eof_received()
    assert world.backend.written.startswith(sent)
    assert close_to_backend(world) == 1001


def test_the_smaller_of_the_limits_holds_and_it_follows_the_plan() -> None:
    world = CheckedWorld(limit=100)
    world.relay.limit_messages(50)
    world.relay.client.data_received(frame(b'{"text": "%s"}' % (b"x" * 60)))
    assert world.client.written[2:4] == (1009).to_bytes(2, "big")


def test_a_side_without_a_check_and_every_other_relay_is_the_plain_one() -> None:
    world = CheckedWorld(checks=Checks(ValidationMode.ENFORCE, CHECK, None))
    assert type(world.relay.backend) is Leg
    plain = World()
    assert (type(plain.relay), type(plain.relay.client), type(plain.relay.backend)) == (Relay, Leg, Leg)


@pytest.mark.parametrize("mode", [ValidationMode.ENFORCE, ValidationMode.REPORT])
async def test_what_the_plan_has_held_is_not_looked_at_again_when_it_goes_on(mode: ValidationMode) -> None:
    never, deflate = Never(), Deflate()
    world = CheckedWorld(mode, meters=(Meter([never]), FREE), rsv=frames.RSV1)
    first = frame(deflate(GOOD if mode is ValidationMode.ENFORCE else BAD), 0xC1)
    world.relay.client.data_received(first)
    assert world.backend.written == b""
    never.top = 1 << 32
    never.wake()
    second = frame(deflate(GOOD), 0xC1)
    world.relay.client.data_received(second)
    assert world.backend.written == first + second
    assert world.noted == ([] if mode is ValidationMode.ENFORCE else [("client", WHY)])
