"""What a plan allows, and the calendar windows its quota is counted in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quotas.limits import UNLIMITED, PlanLimits, Window, window_at
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit


@pytest.mark.parametrize(
    ("period", "moment", "begins", "ends"),
    [
        (QuotaPeriod.MINUTE, 1_700_000_059.99, 1_700_000_040, 1_700_000_100),
        (QuotaPeriod.MINUTE, 1_700_000_040.0, 1_700_000_040, 1_700_000_100),
        (QuotaPeriod.HOUR, 1_700_000_040.0, 1_699_999_200, 1_700_002_800),
        (QuotaPeriod.DAY, 1_700_000_040.0, 1_699_920_000, 1_700_006_400),
        (QuotaPeriod.MONTH, 1_700_000_040.0, 1_698_796_800, 1_701_388_800),
        (QuotaPeriod.MONTH, 1_709_251_199.0, 1_706_745_600, 1_709_251_200),  # the last second of February 2024
        (QuotaPeriod.MONTH, 1_703_980_800.0, 1_701_388_800, 1_704_067_200),  # 31 December 2023
    ],
)
def test_a_period_begins_and_ends_with_the_calendar(period: QuotaPeriod, moment: float, begins: int, ends: int) -> None:
    assert window_at(period, moment) == Window(begins, ends)


@pytest.mark.parametrize("period", list(QuotaPeriod))
@given(moment=st.floats(0, 4e9))
def test_every_moment_lies_in_exactly_one_period(period: QuotaPeriod, moment: float) -> None:
    window = window_at(period, moment)
    assert window.start <= moment < window.end
    assert window_at(period, window.end).start == window.end
    assert window_at(period, window.end - 0.001) == window


@pytest.mark.parametrize(
    "wrong",
    [
        {"quota": -1},
        {"quota": 1 << 54},
        {"rate": 0},
        {"burst": 0, "rate": 1},
        {"connections": -3},
        {"unit": "frames"},
        {"counted": "backend"},
        {"over_quota": ExceededAction.DELAY},
    ],
)
def test_limits_that_make_no_sense_are_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        PlanLimits(**wrong)  # type: ignore[arg-type]


def test_limits_are_read_from_a_plan_by_the_names_of_its_fields() -> None:
    document = {"name": "Gold", "quota": 5, "unit": QuotaUnit.BYTES, "period": "month", "over_rate": "drop", "rate": 7}
    assert PlanLimits.from_document(document) == PlanLimits(
        5, QuotaUnit.BYTES, QuotaPeriod.MONTH, rate=7, over_rate=ExceededAction.DROP
    )
    assert PlanLimits.from_document({}) == UNLIMITED


@pytest.mark.parametrize(("rate", "burst", "at_once"), [(100, None, 10), (5, None, 1), (5, 20, 20)])
def test_without_a_burst_a_tenth_of_a_second_may_pass_at_once(rate: int, burst: int | None, at_once: int) -> None:
    assert PlanLimits(rate=rate, burst=burst).burst_messages == at_once
