"""A quota in WSO2's words: the `defaultLimit` of a plan, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rest_framework import serializers

from core.rest.documents import Strict
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from publisher.plan_validation import LARGEST_QUOTA, NUMBERS

UNITS: Final = {
    QuotaPeriod.MINUTE: "min",
    QuotaPeriod.HOUR: "hour",
    QuotaPeriod.DAY: "days",
    QuotaPeriod.MONTH: "months",
}
PERIODS: Final = {
    **{unit: period for period, unit in UNITS.items()},
    "day": QuotaPeriod.DAY,
    "month": QuotaPeriod.MONTH,
}
SIZES: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
EVENTS, REQUESTS, BANDWIDTH = "EVENTCOUNTLIMIT", "REQUESTCOUNTLIMIT", "BANDWIDTHLIMIT"
PARTS: Final = {EVENTS: "eventCount", REQUESTS: "requestCount", BANDWIDTH: "bandwidth"}
NO_LIMIT: Final = 2_147_483_647
"""WSO2's number of messages for no limit."""

TYPE_SENTENCE: Final = f"Say what is counted: {EVENTS} (or {REQUESTS}) for messages, {BANDWIDTH} for data."
APPLICATION_TYPE_SENTENCE: Final = f"The plans of applications count messages: send {EVENTS} or {REQUESTS}."
_PERIOD = f"Say per what the quota is counted: {', '.join(UNITS.values())}."
_HOW_MUCH: Final = {
    EVENTS: "Say how many messages: timeUnit, unitTime and eventCount.",
    REQUESTS: "Say how many messages: timeUnit, unitTime and requestCount.",
    BANDWIDTH: "Say how much data: timeUnit, unitTime, dataAmount and dataUnit.",
}
_KINDS_OF_ERROR: Final = (
    *("required", "null", "blank", "invalid", "invalid_choice", "min_value", "max_value"),
    *("max_string_length", "not_a_list", "empty"),
)


def said(sentence: str) -> dict[str, Any]:
    """The same sentence for whatever is wrong with a field."""
    return dict.fromkeys(_KINDS_OF_ERROR, sentence)


class PlanNumber(serializers.IntegerField):
    """One of the limits of `publisher.plan_validation`, refused in the words that stand there."""

    def __init__(self, limit: str, **options: Any) -> None:
        most, sentence = NUMBERS[limit]
        super().__init__(**{"min_value": 1, "max_value": most, "error_messages": said(sentence), **options})


class Chosen(serializers.ChoiceField):
    """A word out of a few, refused with one sentence that names them."""

    def __init__(self, words: Iterable[str], sentence: str, **options: Any) -> None:
        super().__init__(choices=list(words), error_messages=said(sentence), **options)


class ThrottleLimitBase(Strict):
    """What a quota is counted per."""

    timeUnit = Chosen(PERIODS, _PERIOD)
    unitTime = serializers.IntegerField(
        default=1, min_value=1, max_value=1, error_messages=said("A quota is counted per one timeUnit: send 1.")
    )


class EventCountLimit(ThrottleLimitBase):
    """So many messages."""

    eventCount = PlanNumber("quota")


class RequestCountLimit(ThrottleLimitBase):
    """The same in the words of APIs that are asked and answer: a message is a request."""

    requestCount = PlanNumber("quota")


class BandwidthLimit(ThrottleLimitBase):
    """So much data: the payload of data frames. A KB is 1 024 bytes."""

    dataAmount = PlanNumber("quota")
    dataUnit = Chosen(SIZES, f"Data is counted in {', '.join(SIZES)}.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Not more than can be counted."""
        most = LARGEST_QUOTA // SIZES[attrs["dataUnit"]]
        if attrs["dataAmount"] > most:
            raise serializers.ValidationError({"dataAmount": f"Give at most {most} {attrs['dataUnit']}."})
        return attrs


class DefaultLimit(Strict):
    """The quota of a plan: what is counted, how much of it, and per what."""

    type = Chosen(PARTS, TYPE_SENTENCE)
    eventCount = EventCountLimit(required=False, allow_null=True)
    requestCount = RequestCountLimit(required=False, allow_null=True)
    bandwidth = BandwidthLimit(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The part that belongs to the type, and no other."""
        wanted = PARTS[attrs["type"]]
        others = [part for part in PARTS.values() if part != wanted and attrs.get(part)]
        errors = dict.fromkeys(others, f"With the type {attrs['type']} this is left out.")
        if not attrs.get(wanted):
            errors[wanted] = _HOW_MUCH[attrs["type"]]
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


class MessagesPerMinute(EventCountLimit):
    """So many messages a minute."""

    timeUnit = Chosen(["min"], "The plans of applications count per minute: send min.")


class RequestsPerMinute(RequestCountLimit):
    """The same as requests."""

    timeUnit = Chosen(["min"], "The plans of applications count per minute: send min.")


class ApplicationLimit(DefaultLimit):
    """The quota of an application plan: messages a minute."""

    type = Chosen([EVENTS, REQUESTS], APPLICATION_TYPE_SENTENCE)
    eventCount = MessagesPerMinute(required=False, allow_null=True)
    requestCount = RequestsPerMinute(required=False, allow_null=True)
    bandwidth = None  # type: ignore[assignment]  # messages only


def quota_fields(limit: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a valid `defaultLimit` means in the fields of a plan; no limit, or WSO2's number for none: no quota."""
    if limit is None:
        return {"quota": None}
    part = limit[PARTS[limit["type"]]]
    if limit["type"] == BANDWIDTH:
        quota, unit = part["dataAmount"] * SIZES[part["dataUnit"]], QuotaUnit.BYTES
    else:
        quota, unit = part[PARTS[limit["type"]]], QuotaUnit.MESSAGES
        if quota == NO_LIMIT:
            return {"quota": None}
    return {"quota": quota, "quota_unit": unit.value, "quota_period": PERIODS[part["timeUnit"]].value}


def default_limit(quota: int | None, unit: str, period: str) -> dict[str, Any]:
    """A quota as `defaultLimit`, which WSO2's schema requires: without a quota it is WSO2's number for none."""
    time = {"timeUnit": UNITS[QuotaPeriod(period)], "unitTime": 1}
    if quota is not None and unit == QuotaUnit.BYTES:
        amount, size = data_amount(quota)
        return {"type": BANDWIDTH, "bandwidth": {**time, "dataAmount": amount, "dataUnit": size}}
    return {"type": EVENTS, "eventCount": {**time, "eventCount": NO_LIMIT if quota is None else quota}}


def data_amount(octets: int) -> tuple[int, str]:
    """So many bytes in the largest unit that says them exactly."""
    return next((octets // size, unit) for unit, size in reversed(SIZES.items()) if octets % size == 0)
