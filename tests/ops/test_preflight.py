"""What is wrong is said in one sentence that names the setting and the way out."""

import os
import socket
from pathlib import Path

import pytest

from apimanager.preflight import (
    CannotStart,
    Environment,
    WantedPort,
    check_data_folder,
    check_exposure,
    check_ports,
    check_proxy_protocol,
    check_token_life,
    hosts_of,
    is_loopback,
    keep_private,
)
from core.client_address import TrustedProxies
from publisher.ip_policy import BackendPolicy
from publisher.lifecycle import actions_named


@pytest.mark.parametrize(("usual", "longest"), [(0, 60), (61, 60), (-1, -1)])
def test_tokens_live_for_some_time_and_no_longer_than_they_may(usual: int, longest: int) -> None:
    with pytest.raises(CannotStart, match="APIM_LONGEST_TOKEN_SECONDS: change one"):
        check_token_life(usual, longest)
    check_token_life(60, 60)


@pytest.mark.parametrize("value", ["10.0.0.1/8", "proxy.example.com", "10.0.0.0/8,nonsense"])
def test_a_proxy_that_is_no_network_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIM_TRUSTED_PROXIES", value)
    with pytest.raises(CannotStart, match=r"^APIM_TRUSTED_PROXIES: .* is neither an address nor a network"):
        Environment().entries("APIM_TRUSTED_PROXIES", TrustedProxies)


def test_a_lifecycle_action_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIM_LIFECYCLE_APPROVAL", "Publish,Fly")
    with pytest.raises(CannotStart, match=r"^APIM_LIFECYCLE_APPROVAL: .* called Fly"):
        Environment().entries("APIM_LIFECYCLE_APPROVAL", actions_named)


def test_the_proxy_protocol_is_for_proxies_that_are_named() -> None:
    with pytest.raises(CannotStart, match="APIM_TRUSTED_PROXIES"):
        check_proxy_protocol(TrustedProxies(), True)
    check_proxy_protocol(TrustedProxies(["10.0.0.1"]), True)
    check_proxy_protocol(TrustedProxies(), False)


def test_a_port_in_use_is_named_with_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"^Port {port} is in use .* APIM_PORTAL_PORT\.$"):
            check_ports([WantedPort("127.0.0.1", port, "APIM_PORTAL_PORT")])


def test_a_free_port_passes_and_stays_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check_ports([WantedPort("127.0.0.1", port, "APIM_PORTAL_PORT")] * 2)


def test_one_port_for_two_parts_names_both_settings() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CannotStart, match="APIM_PORTAL_PORT and APIM_GATEWAY_WS_PORT both ask for port"):
        check_ports(
            [WantedPort("127.0.0.1", port, "APIM_PORTAL_PORT"), WantedPort("127.0.0.1", port, "APIM_GATEWAY_WS_PORT")]
        )


def test_a_number_that_is_no_port_is_refused() -> None:
    with pytest.raises(CannotStart, match="APIM_PORTAL_PORT=99999 is no port"):
        check_ports([WantedPort("127.0.0.1", 99999, "APIM_PORTAL_PORT")])


def test_an_address_that_is_not_this_machines_names_the_setting() -> None:
    with pytest.raises(CannotStart, match="APIM_BIND"):
        check_ports([WantedPort("192.0.2.1", 27999, "APIM_PORTAL_PORT")])


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(CannotStart, match=r"data folder .*/file/data cannot be written .* APIM_DATA_DIR"):
        check_data_folder(file / "data")


def test_a_data_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    check_data_folder(tmp_path / "new" / "data")
    assert list((tmp_path / "new" / "data").iterdir()) == []
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


def test_what_lies_in_the_data_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not in the folder")
    elsewhere.chmod(0o644)
    data = tmp_path / "data"
    (data / "tls").mkdir(parents=True)
    for place, mode in ((data / "apimanager.sqlite3", 0o664), (data / "tls" / "key.pem", 0o604), (data / "run", 0o755)):
        place.touch()
        place.chmod(mode)
    (data / "link").symlink_to(elsewhere)
    (data / "tls").chmod(0o777)
    data.chmod(0o755)
    before = os.umask(0o022)
    try:
        keep_private(data)
        (data / "later").mkdir()
        (data / "later" / "file").touch()
    finally:
        os.umask(before)

    modes = {str(each.relative_to(tmp_path)): each.stat().st_mode & 0o777 for each in (data, *data.rglob("*"))}
    assert modes == {
        "data": 0o700,
        "data/apimanager.sqlite3": 0o600,
        "data/tls": 0o700,
        "data/tls/key.pem": 0o600,
        "data/run": 0o700,
        "data/link": 0o644,
        "data/later": 0o700,
        "data/later/file": 0o600,
    }


def test_what_is_somebody_elses_is_said_and_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    before = os.umask(0o022)
    try:
        (tmp_path / "theirs").touch(mode=0o644)
        monkeypatch.setattr(Path, "chmod", refuse)
        keep_private(tmp_path / "theirs")
    finally:
        os.umask(before)
    assert f"chmod go= {tmp_path / 'theirs'}" in caplog.text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("api.example.test", False),
    ],
)
def test_only_loopback_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_default_password_is_never_shown_to_other_machines() -> None:
    with pytest.raises(CannotStart, match=r"APIM_BIND=0\.0\.0\.0 .*changepassword admin"):
        check_exposure("0.0.0.0", default_password_stands=True)
    check_exposure("0.0.0.0", default_password_stands=False)
    check_exposure("127.0.0.1", default_password_stands=True)


def test_loopback_is_listened_on_in_every_family_there_is() -> None:
    assert hosts_of("localhost") == hosts_of("127.0.0.1")
    assert hosts_of("127.0.0.1")[0] == "127.0.0.1"
    assert hosts_of("[::]") == ["::"]


@pytest.mark.parametrize(
    ("text", "cast", "sentence"),
    [
        ("many", int, "SETTING must be a whole number, but is 'many'"),
        ("maybe", bool, "SETTING must be yes or no, but is 'maybe'"),
        ("soon", float, "SETTING must be a number, but is 'soon'"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, cast: type, sentence: str
) -> None:
    monkeypatch.setenv("SETTING", text)
    with pytest.raises(CannotStart, match=sentence):
        Environment().get_value("SETTING", cast=cast)


@pytest.mark.parametrize("address", ["nonsense", "postgres://carol:hunter2@db:port/name", "excel://hunter2@host/name"])
def test_an_address_that_is_no_databases_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(CannotStart, match="DATABASE_URL is not the address of a database") as refused:
        Environment().database("DATABASE_URL", default="")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("value", ["10.0.0.1/8", "127.0.0.0/8,ws://backend", "10.0.0"])
def test_a_network_for_backends_that_is_none_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("APIM_BACKEND_NETWORKS", value)
    with pytest.raises(CannotStart, match=r"^APIM_BACKEND_NETWORKS: '.*' is n"):
        backends(bind="127.0.0.1")


@pytest.mark.parametrize(
    ("bind", "value", "is_open"),
    [
        ("127.0.0.1", None, {"127.0.0.1:9900", "[::1]:9900"}),
        ("localhost", None, {"127.0.0.1:9900", "[::1]:9900"}),
        ("::1", None, {"127.0.0.1:9900", "[::1]:9900"}),
        ("0.0.0.0", None, set()),
        ("192.0.2.1", None, set()),
        ("127.0.0.1", "", {"127.0.0.1:9900", "[::1]:9900"}),
        ("127.0.0.1", "10.0.0.0/8", set()),
        ("0.0.0.0", "127.0.0.1", {"127.0.0.1:9900", "127.0.0.1:5432"}),
    ],
)
def test_of_this_machine_only_the_samples_are_open_to_backends_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch, bind: str, value: str | None, is_open: set[str]
) -> None:
    monkeypatch.delenv("APIM_BACKEND_NETWORKS", raising=False)
    if value is not None:
        monkeypatch.setenv("APIM_BACKEND_NETWORKS", value)
    policy = backends(bind=bind)
    asked = [(host, port) for host in ("127.0.0.1", "::1") for port in (9900, 5432)]
    found = [(host, port) for host, port in asked if not policy.refuse("localhost", host, port)]
    assert {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in found} == is_open


def backends(bind: str) -> BackendPolicy:
    return Environment().backends("APIM_BACKEND_NETWORKS", bind=bind, samples_port=9900, own_ports=(), own_hosts=())
