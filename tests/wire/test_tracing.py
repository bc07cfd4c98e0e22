"""A handshake as a trace: its steps, what its client asked for, and that its backend hears of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from gateway.observability import tracing
from gateway.observability.tracing import HandshakeTracing, open_tracing
from tests.wire.gateway_under_test import TOKEN, running

pytestmark = pytest.mark.wire
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans() -> Iterator[tuple[InMemorySpanExporter, HandshakeTracing]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter, HandshakeTracing(provider)
    provider.shutdown()


async def test_the_steps_of_a_handshake_are_spans_and_the_backend_hears_of_the_dial(
    spans: tuple[InMemorySpanExporter, HandshakeTracing],
) -> None:
    exporter, traced = spans
    asked: list[str] = []

    async def note(client: ServerConnection) -> None:
        assert client.request
        asked.extend(client.request.headers.get_all("traceparent"))
        await client.wait_closed()

    async with serve(note, "127.0.0.1", 0) as backend:
        address = f"ws://127.0.0.1:{next(iter(backend.sockets)).getsockname()[1]}/"
        async with running(address, "ws://127.0.0.1:9/", tracing=traced) as gateway:
            headers = {**gateway.headers, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            async with connect(gateway.url, additional_headers=headers):
                pass
            await gateway.until_quiet()
    names = {span.name: span for span in exporter.get_finished_spans()}
    assert list(names) == ["authorise", "dial", "accept", "handshake"]
    whole = names["handshake"]
    assert {format_trace_id(span.context.trace_id) for span in names.values()} == {TRACE}
    assert all(names[step].parent == whole.context for step in ("authorise", "dial", "accept"))
    assert asked == [f"00-{TRACE}-{format_span_id(names['dial'].context.span_id)}-01"]
    assert whole.attributes
    assert (whole.attributes["apim.api"], whole.attributes["http.response.status_code"]) == ("Echo", 101)
    assert TOKEN not in repr([span.to_json() for span in names.values()])


async def test_a_refusal_ends_its_trace_where_it_was_refused(
    spans: tuple[InMemorySpanExporter, HandshakeTracing],
) -> None:
    exporter, traced = spans
    async with running("ws://127.0.0.1:9/", tracing=traced) as gateway:
        for headers in ({}, gateway.headers):
            with pytest.raises(InvalidStatus):
                await connect(gateway.url, additional_headers=headers)
        await gateway.until_quiet()
    ended = [(span.name, (span.attributes or {}).get("apim.refusal.code")) for span in exporter.get_finished_spans()]
    assert [name for name, _ in ended] == ["authorise", "handshake", "authorise", "dial", "handshake"]
    assert [code for _, code in ended][:2] == [900902, 900902]


def test_without_a_collector_or_the_sdk_nothing_is_traced_and_all_else_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_tracing("", 1.0, "w") is None
    # As where it is not installed, to begin with; where it is, the client of Redis imports some of it by itself.
    code = "import sys; sys.modules['opentelemetry'] = None; import django; django.setup(); import gateway.server.asgi"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert tracing.open_tracing("http://127.0.0.1:9/v1/traces", 1.0, "w") is None
    assert "requirements-tracing.lock" in caplog.text
