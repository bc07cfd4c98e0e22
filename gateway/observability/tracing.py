"""Handshakes as traces of OpenTelemetry, where a setting names a collector. Else none of it is imported.

A trace has a span for the handshake and one for each step: authorise (with the admission under plans), dial, accept.
The backend gets `traceparent`, so that its own spans hang below the dial. Spans are sent by a thread of the SDK's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gateway.authorization.decision import Allow

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

CARRIED: Final = (b"traceparent", b"tracestate")
FLUSH_SECONDS: Final = 2.0

log = logging.getLogger("gateway.tracing")


class HandshakeTracing:
    """Traces the handshakes of one worker with a provider of the SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("gateway")
        self._propagator = TraceContextTextMapPropagator()

    def handshake(self, scope: Any, request_id: str) -> HandshakeTrace:
        """A client has asked, perhaps as part of a trace of its own."""
        return HandshakeTrace(self._tracer, self._propagator, scope, request_id)

    async def stop(self) -> None:
        """Send what waits, if the collector takes it soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(self._provider.shutdown), FLUSH_SECONDS)


class HandshakeTrace:
    """The trace of one handshake, which begins with the step `authorise`."""

    def __init__(self, tracer: Any, propagator: Any, scope: Any, request_id: str) -> None:
        from opentelemetry import trace

        self._tracer, self._propagator, self._api = tracer, propagator, trace
        given = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in CARRIED}
        self._span: Span = tracer.start_span(
            "handshake",
            context=propagator.extract(given),
            kind=trace.SpanKind.SERVER,
            attributes={"apim.request.id": request_id, "client.address": (scope.get("client") or ("", 0))[0]},
        )
        self._step: Span | None = None
        self.step("authorise")

    def step(self, name: str) -> None:
        """The step before is done, and this one begins."""
        if self._step:
            self._step.end()
        kind = self._api.SpanKind.CLIENT if name == "dial" else self._api.SpanKind.INTERNAL
        self._step = self._tracer.start_span(name, context=self._api.set_span_in_context(self._span), kind=kind)

    def admitted(self, admitted: Allow) -> None:
        """What is known of who comes, and where to: by names and ids, never by credential."""
        route = admitted.route
        self._span.set_attributes(
            {
                "apim.api": route.deployment.name,
                "apim.api.version": route.deployment.version,
                "apim.topic": route.topic.target if route.topic else "",
                "apim.application.id": admitted.grant.application_id,
                "apim.key_type": admitted.grant.key_type,
            }
        )

    def carried(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
        """What the backend is asked with, and that it is part of this trace."""
        told: dict[str, str] = {}
        self._propagator.inject(told, context=self._api.set_span_in_context(self._step or self._span))
        others = (each for each in headers if each[0].lower() not in CARRIED)
        return (*others, *((name.encode(), value.encode("latin-1")) for name, value in told.items()))

    def ended(self, status: int, code: int = 0) -> None:
        """The client has its answer: 101, or a refusal with its code; status 0 where it did not wait."""
        for span in (self._step, self._span):
            if span:
                span.set_attribute("http.response.status_code", status)
                if code:
                    span.set_attribute("apim.refusal.code", code)
                if status != 101:
                    span.set_status(self._api.StatusCode.ERROR)
                span.end()
        self._step = None


def open_tracing(endpoint: str, share: float, worker: str) -> HandshakeTracing | None:
    """Traces to the collector at `endpoint` (OTLP over HTTP), of so large a share of handshakes; None without one."""
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
    except ImportError:
        log.error(
            "APIM_TRACES_ENDPOINT names a collector, but OpenTelemetry is not installed, so nothing is traced: "
            ".venv/bin/python -m pip install --require-hashes -r requirements-tracing.lock"
        )
        return None
    told = {"service.name": "apimanager-gateway", "service.instance.id": worker}
    # Whether a client wants to be traced does not count: else strangers would decide what it costs.
    provider = TracerProvider(sampler=TraceIdRatioBased(share), resource=Resource.create(told), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return HandshakeTracing(provider)
