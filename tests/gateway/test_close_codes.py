"""The table of close codes and refusals."""

import pytest

from gateway import close_codes, refusals
from gateway.close_codes import Close
from gateway.refusals import Refusal
from gateway.relay import frames

ALL_CLOSES = [value for value in vars(close_codes).values() if isinstance(value, Close)]
REFUSALS = [
    refusals.malformed("x"),
    refusals.head_too_large(1),
    refusals.too_late(10),
    refusals.NOT_FOUND,
    refusals.UPGRADE_REQUIRED,
    refusals.BAD_VERSION,
    refusals.backend_refused(),
    refusals.backend_timed_out(5),
    refusals.backend_suspended(12.2),
    refusals.SERVER_FULL,
    refusals.POST_ONLY,
    refusals.TOKEN_MISSING,
    refusals.TOKEN_IN_HEADER_ONLY,
    refusals.too_many("x"),
    refusals.over_plan("subscription", "x", 3),
    refusals.over_plan("application", "x", 3),
    refusals.PLAN_UNKNOWN,
    refusals.NO_SUCH_CONNECTION,
    refusals.STOPPING,
    refusals.FAULT,
]


@pytest.mark.parametrize("close", ALL_CLOSES, ids=lambda close: f"{close.code} {close.reason}")
def test_every_close_may_go_on_the_wire_and_its_reason_fits_and_speaks(close: Close) -> None:
    assert frames.is_sendable(close.code)
    assert close.reason.endswith(".")
    assert len(close.reason.encode()) <= 123


@pytest.mark.parametrize("code", [1001, 1002, 1007, 1009, 1011, 1012, 1013, 1014, 4001, 4002, 4003, 4006, 4010, 4011])
def test_the_table_holds_every_code_of_the_gateways_own(code: int) -> None:
    assert close_codes.CLOSES[code].code == code


def test_the_table_holds_nothing_else() -> None:
    assert len(close_codes.CLOSES) == 14


@pytest.mark.parametrize(
    ("refusal_code", "close_code"),
    [
        (900403, 4002),
        (900805, 4006),
        (900901, 4001),
        (900903, 4001),
        (900905, 4002),
        (900906, 4010),
        (900907, 4006),
        (900908, 4002),
        (900909, 4002),
        (900910, 4002),
    ],
)
def test_a_right_that_ended_closes_an_open_connection_with_its_code_and_words(
    refusal_code: int, close_code: int
) -> None:
    close = refusals.close_for(Refusal(403, refusal_code, "message", "What happened."))
    assert (close.code, close.reason) == (close_code, "What happened.")


def test_an_empty_reason_leaves_the_tables_own() -> None:
    assert close_codes.BACKEND_LOST.because("") == close_codes.BACKEND_LOST


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.message)
def test_every_refusal_says_what_happened_in_a_sentence(refusal: Refusal) -> None:
    assert 400 <= refusal.status <= 504
    assert refusal.description.endswith((".", "x"))


def test_a_refusal_that_passes_by_itself_says_when_in_whole_seconds() -> None:
    assert ("Retry-After", "13") in refusals.backend_suspended(12.2).headers
    assert ("Retry-After", "1") in refusals.backend_suspended(0).headers


def test_a_wrong_version_names_the_right_one() -> None:
    assert ("Sec-WebSocket-Version", "13") in refusals.BAD_VERSION.headers
