"""How the proxies are set up, as far as that can be seen without running them."""

import json
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import others, rounds
from bench.errors import Unavailable
from bench.ours import GATEWAY, GATEWAY_UNLIMITED
from bench.proxies import ALL
from bench.site import CONFIGURATIONS, Site, configure, filled


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, tmp_path, 4101, 0, 4100, rounds.shared_certificate(tmp_path))


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGURATIONS.iterdir()))
def test_every_configuration_is_filled_in_to_the_last_place(site: Site, name: str) -> None:
    text = configure(site, name, user="", http="{}", workers=1, sharing="").read_text()
    assert "@{" not in text
    assert "4100" in text


def test_envoys_is_json_with_one_way_through_for_ws_and_wss(site: Site) -> None:
    document = json.loads(filled("envoy.json", site, http=filled("envoy-http.json", site)))
    plain, secure = document["static_resources"]["listeners"]
    ports = [each["address"]["socket_address"]["port_value"] for each in (plain, secure)]
    assert ports == [4101, 4121]
    assert plain["filter_chains"][0]["filters"] == secure["filter_chains"][0]["filters"]


def test_all_have_the_same_certificate_which_is_made_once(site: Site, tmp_path: Path) -> None:
    before = site.certificate.pair.read_bytes()
    assert before == site.certificate.certificate.read_bytes() + site.certificate.key.read_bytes()
    assert rounds.shared_certificate(tmp_path) == site.certificate
    assert site.certificate.pair.read_bytes() == before


def test_no_two_have_a_port_in_common(tmp_path: Path, site: Site) -> None:
    ports = [port for number in range(len(ALL)) for port in (4101 + number, 4121 + number, 4141 + number)]
    assert len(set(ports)) == 3 * len(ALL)


@pytest.mark.parametrize("proxy", others.FOUR, ids=lambda proxy: proxy.name)
def test_one_that_is_not_there_is_left_out_by_name(
    proxy: others.Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(others.shutil, "which", lambda name, path: None)
    monkeypatch.setattr(others, "find_spec", lambda name: None)
    with pytest.raises(Unavailable):
        proxy.version()
    assert bench.present_proxies(["direct", proxy.name])[1][0].startswith(f"{proxy.title}: ")


def test_the_gateway_takes_part_with_limits_and_without() -> None:
    assert (GATEWAY.title, GATEWAY_UNLIMITED.title) == ("gateway", "gateway, no plan limits")
