"""Figures that follow from samples."""

from bench.load import Load, loads
from bench.results import Results
from tests.bench.figures import found, sample

(FULL,) = loads(["100"], ["ws"])


def test_the_rate_for_comparing_latency_is_a_part_of_what_the_slowest_can_do() -> None:
    results = found(FULL, nginx=[60_000], gateway=[50_000, 40_000, 45_000])
    assert results.equal_rate(["nginx", "gateway"], "ws") == 22_000


def test_it_is_rounded_down_to_two_digits_so_that_a_page_can_name_it() -> None:
    assert found(FULL, nginx=[98_765]).equal_rate(["nginx"], "ws") == 49_000
    assert found(FULL, nginx=[12]).equal_rate(["nginx"], "ws") == 6


def test_there_is_none_for_a_scheme_that_was_not_measured() -> None:
    assert found(FULL, nginx=[60_000]).equal_rate(["nginx"], "wss") is None
    assert Results().equal_rate(["nginx"], "ws") is None


def test_what_is_added_to_the_99th_percentile_is_the_difference_of_the_medians() -> None:
    (paced,) = (load for load in loads(["latency"], ["wss"]) if load.mode == "paced")
    results = Results()
    results.samples["direct", paced] = [sample(1, p99_us=p99) for p99 in (10, 900, 20)]
    results.samples["nginx", paced] = [sample(1, p99_us=p99) for p99 in (50, 55, 60)]
    assert results.added_p99("nginx", paced, "direct") == 35
    assert results.added_p99("haproxy", paced, "direct") is None


def test_the_best_is_the_fastest_of_those_that_were_measured() -> None:
    results = found(FULL, nginx=[10], haproxy=[9, 30, 31], gateway=[100])
    assert results.best(["nginx", "haproxy", "envoy"], FULL) == ("haproxy", 30)
    assert results.best(["envoy"], FULL) is None


def test_latency_brings_the_load_along_that_its_rate_comes_from() -> None:
    assert [(load.name, load.scheme) for load in loads(["latency"], ["ws", "wss"])] == [
        ("100", "ws"),
        ("100", "wss"),
        ("latency", "ws"),
        ("latency", "wss"),
    ]


def test_loads_of_two_schemes_are_two_loads() -> None:
    one, other = loads(["16k"], ["ws", "wss"])
    assert isinstance(one, Load)
    assert (one.size, one.window, other.size) == (16384, 4, 16384)
    assert one.title != other.title
