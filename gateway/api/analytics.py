"""Analytics over HTTP, below `/api/am/gateway/v1/`: what passed and happened, step by step or by what is alike."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Resource
from core import database_clock
from core.rest.documents import answers
from core.rest.requests import choose
from gateway.api.narrowing import BY_API_AND_APPLICATION, narrowed
from gateway.statistics import queries, spans
from gateway.statistics.spans import SPANS

DIMENSIONS = {
    "none": "",
    "api": "api_id",
    "application": "application_id",
    "topic": "topic",
    "plan": "plan",
    "keyType": "key_type",
    "worker": "worker",
}


class SumsDocument(serializers.Serializer):  # type: ignore[type-arg]
    """What passed and what happened."""

    opened = serializers.IntegerField()
    closed = serializers.IntegerField()
    refused = serializers.IntegerField(required=False)
    connectionMilliseconds = serializers.IntegerField(source="milliseconds")
    messagesIn = serializers.IntegerField(source="messages_in")
    bytesIn = serializers.IntegerField(source="bytes_in")
    messagesOut = serializers.IntegerField(source="messages_out")
    bytesOut = serializers.IntegerField(source="bytes_out")


class StepDocument(serializers.Serializer):  # type: ignore[type-arg]
    """One step."""

    begins = serializers.DateTimeField(help_text="In the time zone that was asked for.")
    sums = SumsDocument()


class GroupDocument(SumsDocument):
    """What those have in common whose sums these are: an id or a name."""

    name = serializers.CharField()


class EventDocument(serializers.Serializer):  # type: ignore[type-arg]
    """How often something happened: `401 900901`, `gateway 4003`."""

    name = serializers.CharField()
    times = serializers.IntegerField()


class AnalyticsDocument(serializers.Serializer):  # type: ignore[type-arg]
    """A span of time."""

    span = serializers.CharField()
    timeZone = serializers.CharField()
    total = SumsDocument()
    steps = StepDocument(many=True)
    groups = GroupDocument(many=True, help_text="By what `by` asks for, most messages first, at most 50.")
    closes = EventDocument(many=True)
    refusals = EventDocument(many=True)
    latencies = serializers.DictField(help_text="p50, p95 and p99 of dials and handshakes, as bounds in words.")


class Analytics(Resource):
    """What passed and what happened."""

    @extend_schema(
        operation_id="getAnalytics",
        summary="Read what passed and what happened in a span of time",
        tags=["Analytics"],
        parameters=[
            OpenApiParameter("span", str, enum=list(SPANS), description="day by default."),
            OpenApiParameter("timeZone", str, description="Whose days and hours; UTC by default."),
            OpenApiParameter("by", str, enum=list(DIMENSIONS), description="none by default."),
            *BY_API_AND_APPLICATION,
        ],
        responses=answers({200: AnalyticsDocument}, 400),
    )
    def get(self, request: Request) -> Response:
        """Everything for the Publisher's people, for others what their own applications did."""
        span, dimension = choose(request, "span", SPANS, spans.DEFAULT), choose(request, "by", DIMENSIONS, "none")
        zone = spans.zone_of(request.query_params.get("timeZone", "UTC"))
        which = Q(**narrowed(request, self.user))
        steps = queries.series(span, database_clock.now(), zone, which)
        since = steps[0].begins
        answer: dict[str, Any] = {
            "span": request.query_params.get("span", spans.DEFAULT),
            "timeZone": zone.key,
            "total": queries.total(steps),
            "steps": steps,
            "groups": queries.by(dimension, since, which) if dimension else [],
            "closes": [{"name": name, "times": times} for name, times in queries.events("close", since, which)],
            "refusals": [{"name": name, "times": times} for name, times in queries.events("refusal", since, which)],
            "latencies": {
                kind: {f"p{percent}": words for percent, words in found.items()}
                for kind, found in queries.latencies(since, which).items()
            },
        }
        return Response(AnalyticsDocument(answer).data)
