"""The table of close codes and refusals."""

import pytest

from gateway import closing, frames
from gateway.authorization import Refuse
from gateway.closing import Close

ALL_CLOSES = [value for value in vars(closing).values() if isinstance(value, Close)]
REFUSALS = [
    closing.malformed("x"),
    closing.head_too_large(1),
    closing.too_late(10),
    closing.not_found(),
    closing.upgrade_required(),
    closing.bad_version(),
    closing.backend_refused(),
    closing.backend_timed_out(5),
    closing.backend_suspended(12.2),
    closing.server_full(),
    closing.post_only(),
    closing.token_missing(),
    closing.token_in_header_only(),
    closing.too_many("x"),
    closing.over_plan("subscription", "x", 3),
    closing.over_plan("application", "x", 3),
    closing.plan_unknown(),
    closing.no_such_connection(),
    closing.stopping(),
    closing.fault(),
]


@pytest.mark.parametrize("close", ALL_CLOSES, ids=lambda close: f"{close.code} {close.reason}")
def test_every_close_may_go_on_the_wire_and_its_reason_fits_and_speaks(close: Close) -> None:
    assert frames.is_sendable(close.code)
    assert close.reason.endswith(".")
    assert len(close.reason.encode()) <= 123


@pytest.mark.parametrize("code", [1001, 1002, 1007, 1009, 1011, 1012, 1013, 1014, 4001, 4002, 4003, 4006, 4010, 4011])
def test_the_table_holds_every_code_of_the_gateways_own(code: int) -> None:
    assert closing.CLOSES[code].code == code


def test_the_table_holds_nothing_else() -> None:
    assert len(closing.CLOSES) == 14


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
def test_a_right_that_ended_closes_an_open_line_with_its_code_and_words(refusal_code: int, close_code: int) -> None:
    close = closing.for_open_line(Refuse(403, refusal_code, "message", "What happened."))
    assert (close.code, close.reason) == (close_code, "What happened.")


def test_an_empty_reason_leaves_the_tables_own() -> None:
    assert closing.BACKEND_LOST.because("") == closing.BACKEND_LOST


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.message)
def test_every_refusal_says_what_happened_in_a_sentence(refusal: Refuse) -> None:
    assert 400 <= refusal.status <= 504
    assert refusal.description.endswith((".", "x"))


def test_a_refusal_that_passes_by_itself_says_when_in_whole_seconds() -> None:
    assert ("Retry-After", "13") in closing.backend_suspended(12.2).headers
    assert ("Retry-After", "1") in closing.stopping(0).headers


def test_a_wrong_version_names_the_right_one() -> None:
    assert ("Sec-WebSocket-Version", "13") in closing.bad_version().headers
