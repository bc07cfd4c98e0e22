"""The measurement of what payload validation costs sends what it says it sends."""

from __future__ import annotations

from bench.payloads import SCHEMA, SHAPES, Sender
from gateway.payloads.reading import PayloadReader
from gateway.payloads.schemas import PayloadCheck
from publisher.payloads import clean_schema


class Sent:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


async def test_every_message_of_a_load_fits_and_the_next_lot_goes_out_when_all_are_back() -> None:
    check = PayloadCheck([{"name": "items", "schema": clean_schema(SCHEMA)}])
    for shape in SHAPES:
        sender, transport = Sender(b"", shape), Sent()
        sender.connection_made(transport)  # type: ignore[arg-type]
        reader = PayloadReader(masked=True, is_compressed=False, limit=1 << 20)
        payloads = [event.payload for event in reader.feed(sender.lot)]
        assert payloads == [shape.payload] * shape.window
        assert check.misfit(shape.payload) is None
        sender.opened.set_result(None)
        back = len(sender.lot) - 4 * shape.window  # unmasked
        sender.data_received(bytes(back - 1))
        assert transport.written == b""
        sender.data_received(b"x")
        assert (transport.written, sender.lots) == (sender.lot, 1)
