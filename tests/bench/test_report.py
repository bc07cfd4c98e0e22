"""The tables and the page: medians, ranges, ratios, targets, and lines for what was not there."""

import datetime as dt

import pytest

from bench import report
from bench.load import Load, loads
from bench.others import HAPROXY, NGINX
from bench.ours import GATEWAY
from bench.page import How, as_page
from bench.proxies import DIRECT
from bench.results import Results
from bench.targets import verdicts
from tests.bench.figures import found, sample

ECHO, HANDSHAKES = loads(["100", "handshakes"], ["ws"])
(PACED,) = (load for load in loads(["latency"], ["ws"]) if load.mode == "paced")
PROXIES = [DIRECT, GATEWAY, NGINX, HAPROXY]


def results() -> Results:
    """Three rounds, in which nginx has one bad one."""
    measured = Results(memory_kb={("nginx", "ws"): [21.0], ("nginx", "wss"): [42.0], ("gateway", "ws"): [10.5]})
    measured.connections = 5000
    measured.samples["direct", ECHO] = [sample(rate) for rate in (3000, 1000, 2000)]
    measured.samples["nginx", ECHO] = [sample(rate, busy=0.97, cpu_us=12.345) for rate in (1000, 10, 1100)]
    measured.samples["haproxy", ECHO] = [sample(1250, busy=0.97)]
    return measured


def row(table: report.Table, name: str) -> dict[str, str]:
    (values,) = [each for each in table.rows if each[0] == name]
    return dict(zip(table.heads, values, strict=True))


def test_a_figure_is_the_median_with_its_range_and_its_ratios() -> None:
    table = report.tables(results(), PROXIES, [ECHO])[0]
    nginx = row(table, "nginx")
    assert (nginx["messages/s"], nginx["range"]) == ("1,000", "10 – 1,100")
    assert (nginx["of nginx"], nginx["of the best"], nginx["CPU µs/message"]) == ("1.00", "0.80", "12.35")
    assert row(table, "direct")["of nginx"] == "2.00"
    assert row(table, "HAProxy")["of the best"] == "1.00"


def test_the_direct_row_has_no_core_of_its_own_and_no_memory() -> None:
    speed, memory = report.tables(results(), PROXIES, [ECHO])
    assert (row(speed, "direct")["core busy"], row(speed, "direct")["CPU µs/message"]) == ("–", "–")
    assert row(speed, "nginx")["core busy"] == "97%"
    assert [each[0] for each in memory.rows] == ["gateway", "nginx", "HAProxy"]


def test_memory_is_told_for_each_scheme_beside_that_of_nginx() -> None:
    memory = report.tables(results(), PROXIES, [])[-1]
    assert memory.title == "Memory, 5,000 idle connections"
    assert memory.rows[0] == ["gateway", "10.5", "0.50", "–", "–"]
    assert memory.rows[1] == ["nginx", "21.0", "1.00", "42.0", "1.00"]


def test_without_anything_between_there_is_no_row_for_wss() -> None:
    (secure,) = loads(["100"], ["wss"])
    names = [each[0] for each in report.tables(results(), PROXIES, [secure])[0].rows]
    assert names == ["gateway", "nginx", "HAProxy"]


def test_what_was_not_measured_is_a_dash_and_never_a_nought() -> None:
    table = report.tables(results(), PROXIES, [HANDSHAKES])[0]
    assert set(row(table, "nginx").values()) == {"nginx", "–"}


def test_latency_is_told_with_what_is_added_and_the_rate() -> None:
    measured = Results(rates={"ws": 24000})
    for name, p99 in (("direct", 60), ("gateway", 160), ("nginx", 150)):
        measured.samples[name, PACED] = [sample(24000, p99_us=p99)]
    table = report.tables(measured, PROXIES, [PACED])[0]
    assert "24,000 messages/s" in table.title
    assert (row(table, "direct")["added p99 µs"], row(table, "gateway")["added p99 µs"]) == ("–", "100")


@pytest.mark.parametrize(
    ("load", "rates", "figure", "word"),
    [
        (ECHO, {"gateway": [100], "nginx": [90], "haproxy": [100]}, "1.00 of HAProxy", "met"),
        (ECHO, {"gateway": [94], "nginx": [100], "haproxy": [60]}, "0.94 of nginx", "missed"),
        (ECHO, {"gateway": [94]}, "–", "not measured"),
        (HANDSHAKES, {"gateway": [4200], "nginx": [10000]}, "0.42 (4,200/s, nginx 10,000/s)", "met"),
        (HANDSHAKES, {"gateway": [4100], "nginx": [10000]}, "0.41 (4,100/s, nginx 10,000/s)", "missed"),
        (HANDSHAKES, {"nginx": [9000]}, "–", "not measured"),
    ],
)
def test_a_target_stands_beside_its_figure(load: Load, rates: dict[str, list[float]], figure: str, word: str) -> None:
    (verdict,) = verdicts(found(load, **rates), [load])
    assert (verdict.figure, verdict.word) == (figure, word)


@pytest.mark.parametrize(("ours", "word"), [(150, "met"), (151, "missed")])
def test_the_gateway_may_add_what_nginx_adds(ours: float, word: str) -> None:
    measured = Results()
    for name, p99 in (("direct", 60), ("gateway", ours), ("nginx", 150)):
        measured.samples[name, PACED] = [sample(1, p99_us=each) for each in (p99, p99 - 20, 9000)]
    (verdict,) = verdicts(measured, [PACED])
    told = f"{ours - 60} µs (p99 {ours - 20} – 9,000), nginx 90 µs (130 – 9,000)"
    assert (verdict.figure, verdict.word) == (told, word)


def test_a_load_meets_its_target_by_processor_time_too() -> None:
    measured = Results()
    for name, cpu_us in (("gateway", 8.0), ("nginx", 10.0), ("haproxy", 9.0)):
        measured.samples[name, ECHO] = [sample(90 if name == "gateway" else 100, cpu_us=cpu_us)]
    (verdict,) = verdicts(measured, [ECHO])
    assert (verdict.figure, verdict.word) == ("0.90 of nginx; 1.12 by processor time", "met")


@pytest.mark.parametrize(("cpu_us", "word"), [(10.5, "met"), (10.6, "missed")])
def test_two_workers_cost_what_one_does(cpu_us: float, word: str) -> None:
    measured = Results()
    for name, used in (("gateway", 10.0), ("gateway-2", cpu_us)):
        measured.samples[name, ECHO] = [sample(90, cpu_us=used)]
    assert [verdict.word for verdict in verdicts(measured, [ECHO])] == ["not measured", word]


def test_beside_what_two_workers_cost_stands_what_they_cost_nginx() -> None:
    measured = Results()
    for name, used in (("gateway", 10.0), ("gateway-2", 10.4), ("nginx", 10.0), ("nginx-2", 11.2)):
        measured.samples[name, ECHO] = [sample(90, cpu_us=used)]
    assert verdicts(measured, [ECHO])[1].figure == "1.04, nginx's 1.12"


@pytest.mark.parametrize(("ws", "wss", "words"), [(6.0, 12.0, ["met", "met"]), (6.1, 12.1, ["missed", "missed"])])
def test_an_idle_connection_may_cost_so_much(ws: float, wss: float, words: list[str]) -> None:
    found = verdicts(Results(memory_kb={("gateway", "ws"): [ws], ("gateway", "wss"): [wss]}), [])
    assert [verdict.figure for verdict in found] == [f"{ws:.1f} kB", f"{wss:.1f} kB"]
    assert [verdict.word for verdict in found] == words


def test_what_an_idle_gateway_does_by_itself_is_a_target_and_a_table() -> None:
    measured = Results(idle_percent={"gateway": 0.79, "nginx": 0.0})
    assert [(each.figure, each.word) for each in verdicts(measured, [])] == [("0.79 %", "met")]
    assert row(report.tables(measured, PROXIES, [])[0], "gateway")["% of a core"] == "0.79"


def how() -> How:
    return How(
        command="python -m bench --rounds 3",
        seconds=2.5,
        idle_seconds=4.0,
        at=dt.datetime(2026, 2, 3, tzinfo=dt.UTC),
        proxies=[(DIRECT, "–"), (NGINX, "1.22.1")],
        left_out=["HAProxy: haproxy is not installed"],
        machine=[("Kernel", "6")],
        loads=[ECHO],
    )


def test_the_page_names_the_command_the_machine_and_who_was_left_out() -> None:
    page = as_page(results(), how(), "")
    assert "\n    python -m bench --rounds 3\n" in page
    assert "Measured on 3 February 2026" in page
    assert "Left out: HAProxy: haproxy is not installed." in page
    assert "| Kernel | 6 |" in page
    assert "| nginx | 1,000 | 10 – 1,100 |" in page
    assert "went wrong" not in page


def test_what_is_written_by_hand_stands_under_the_tables_without_its_comments() -> None:
    page = as_page(results(), how(), "<!-- for\nwriters -->\n## Why\n\nBecause.\n")
    assert page.endswith("\n\n## Why\n\nBecause.\n")
    assert "writers" not in page


def test_the_page_owns_up_to_what_went_wrong() -> None:
    measured = results()
    measured.problems.append("nginx: Handshakes, 32 at a time, ws: 3 timeout")
    assert "\n- nginx: Handshakes, 32 at a time, ws: 3 timeout\n" in as_page(measured, how(), "")


def test_the_terminal_table_keeps_its_columns_in_line() -> None:
    title, *lines = report.as_text(report.tables(results(), PROXIES, [ECHO])[0]).splitlines()
    assert title == ECHO.title
    assert len({len(line) for line in lines}) == 1
