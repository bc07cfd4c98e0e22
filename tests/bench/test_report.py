"""The tables: medians, ranges, ratios, and lines for what was not there."""

import datetime as dt

from bench import report
from bench.load import LOADS, Sample
from bench.proxies import DIRECT, NGINX_PROXY
from bench.rounds import Results

ECHO, HANDSHAKES = LOADS[0], LOADS[-1]


def sample(per_second: float, *, busy: float = 0.0) -> Sample:
    return Sample(per_second, per_second * 125 / 1e6, 10, 20, busy, {})


def results() -> Results:
    """Three rounds, in which nginx has one bad one."""
    found = Results(memory_kb={"nginx": [20.0, 22.0, 21.0]})
    found.samples["direct", ECHO] = [sample(rate) for rate in (3000, 1000, 2000)]
    found.samples["nginx", ECHO] = [sample(rate, busy=0.97) for rate in (1000, 10, 1100)]
    return found


def row(table: report.Table, name: str) -> dict[str, str]:
    (found,) = [each for each in table.rows if each[0] == name]
    return dict(zip(table.heads, found, strict=True))


def test_a_figure_is_the_median_with_its_range_and_its_ratio_to_nginx() -> None:
    table = report.tables(results(), ["direct", "nginx"])[0]
    nginx = row(table, "nginx")
    assert (nginx["messages/s"], nginx["range"], nginx["of nginx"]) == ("1,000", "10 – 1,100", "1.00")
    assert row(table, "direct")["of nginx"] == "2.00"


def test_the_direct_row_has_no_core_of_its_own_and_no_memory() -> None:
    found = report.tables(results(), ["direct", "nginx"])
    assert row(found[0], "direct")["core busy"] == "–"
    assert row(found[0], "nginx")["core busy"] == "97%"
    assert [each[0] for each in found[-1].rows] == ["nginx"]
    assert row(found[-1], "nginx")["kB per connection"] == "21.0"


def test_what_was_not_measured_is_a_dash_and_never_a_nought() -> None:
    table = report.tables(results(), ["direct", "nginx"])[LOADS.index(HANDSHAKES)]
    assert set(row(table, "nginx").values()) == {"nginx", "–"}


def test_the_page_names_the_command_the_machine_and_who_was_left_out() -> None:
    how = report.How("python -m bench --rounds 3", 3, 2.5, dt.datetime(2026, 2, 3, tzinfo=dt.UTC))
    page = report.as_page(
        results(),
        [(DIRECT, "–"), (NGINX_PROXY, "1.22.1")],
        ["haproxy: haproxy is not installed"],
        [("Kernel", "6")],
        how,
    )
    assert "\n    python -m bench --rounds 3\n" in page
    assert "Measured on 3 February 2026" in page
    assert "Left out: haproxy: haproxy is not installed." in page
    assert "| Kernel | 6 |" in page
    assert "| nginx | 1,000 | 10 – 1,100 |" in page


def test_the_terminal_table_keeps_its_columns_in_line() -> None:
    title, *lines = report.as_text(report.tables(results(), ["direct", "nginx"])[0]).splitlines()
    assert title == ECHO.title
    assert len({len(line) for line in lines}) == 1
