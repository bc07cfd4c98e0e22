"""Whose address a request has: the proxies that are named are believed, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import _TrustedHosts

from core.client_address import FORWARDED, TrustedProxies, counted
from core.values import BadValue

NETWORKS = ["10.0.0.0/8", "2001:db8:ffff::/48", "127.0.0.1"]
PROXIES, BY_FORWARDED = TrustedProxies(NETWORKS), TrustedProxies(NETWORKS, header=FORWARDED)
PROXY, CLIENT = "10.0.0.1", "192.0.2.7"


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, ["198.51.100.1"], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"6.6.6.6, {CLIENT}"], CLIENT),
        (PROXY, ["6.6.6.6", CLIENT], CLIENT),
        (PROXY, [f"6.6.6.6, {CLIENT}, 10.9.9.9"], CLIENT),
        (PROXY, ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        (PROXY, [f"{CLIENT}:5000"], CLIENT),
        (PROXY, ["[2001:db8::1]:5000"], "2001:db8::1"),
        (PROXY, ["2001:DB8:0::1"], "2001:db8::1"),
        (PROXY, ["::ffff:192.0.2.7"], CLIENT),
        (PROXY, [f"{CLIENT}, unknown"], PROXY),
        (PROXY, [f"{CLIENT}, junk, 10.0.0.2"], "10.0.0.2"),
        (PROXY, [f"{CLIENT},"], PROXY),
        (PROXY, ["fe80::1%eth0"], PROXY),
        (PROXY, ["192.0.2.7:port"], PROXY),
        ("::ffff:10.0.0.1", [CLIENT], CLIENT),
        ("2001:db8:ffff::9", [CLIENT], CLIENT),
        ("", [CLIENT], ""),
    ],
)
def test_the_nearest_hop_that_is_no_proxy_is_the_client(peer: str, values: list[str], client: str) -> None:
    assert PROXIES.client_of(peer, values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=192.0.2.7"], CLIENT),
        (['For="192.0.2.7:5000";proto=https;by=10.0.0.1'], CLIENT),
        (['for="[2001:db8::1]:5000"'], "2001:db8::1"),
        (['for="[2001:db8::1]"; host="a, for=6.6.6.6"'], "2001:db8::1"),
        (["for=6.6.6.6", "proto=http ; for=192.0.2.7"], CLIENT),
        (["for=6.6.6.6, for=192.0.2.7, for=10.3.3.3"], CLIENT),
        (['for="x, for=192.0.2.7'], CLIENT),
        (['for=6.6.6.6;x=", for="192.0.2.7"'], CLIENT),
        (['for=6.6.6.6;x="\\, for="[2001:db8::1]"'], "2001:db8::1"),
        (["for=_hidden"], PROXY),
        (["for=192.0.2.7, for=unknown"], PROXY),
        (["proto=https"], PROXY),
        (["for=192.0.2.7 and more"], PROXY),
        ([""], PROXY),
        ([], PROXY),
        (["," * 5000], PROXY),
        (['for="' * 5000], PROXY),
    ],
)
def test_the_standard_header_is_read_from_its_end(values: list[str], client: str) -> None:
    assert BY_FORWARDED.client_of(PROXY, values) == client


def test_only_the_header_that_the_proxy_writes_is_looked_at() -> None:
    assert PROXIES.client_of(PROXY, ["for=6.6.6.6"]) == PROXY
    assert BY_FORWARDED.client_of(PROXY, ["6.6.6.6"]) == PROXY


@pytest.mark.parametrize(
    ("peer", "values", "scheme"),
    [
        (PROXY, ["https"], "https"),
        (PROXY, ["HTTPS "], "https"),
        (PROXY, ["wss"], "https"),
        (PROXY, ["http"], "http"),
        (PROXY, ["https, http"], "http"),
        (PROXY, ["https", "http"], "http"),
        (PROXY, ["gopher"], ""),
        (PROXY, [""], ""),
        (PROXY, [], ""),
        (CLIENT, ["https"], ""),
        ("", ["https"], ""),
    ],
)
def test_a_proxy_says_by_which_scheme_its_client_came(peer: str, values: list[str], scheme: str) -> None:
    assert PROXIES.scheme_of(peer, values) == scheme
    assert TrustedProxies().scheme_of(peer, values) == ""


@pytest.mark.parametrize(
    ("peer", "values", "scheme"),
    [
        (PROXY, ["for=192.0.2.7;proto=https"], "https"),
        (PROXY, ['for=192.0.2.7;Proto="wss"'], "https"),
        (PROXY, ["for=192.0.2.7;proto=https, for=10.0.0.2;proto=http"], "https"),
        (PROXY, ["for=6.6.6.6;proto=https, for=192.0.2.7;proto=http"], "http"),
        (PROXY, ["for=6.6.6.6;proto=https, for=192.0.2.7"], ""),
        (PROXY, ["for=_hidden;proto=https"], "https"),
        (PROXY, ["for=6.6.6.6;proto=http, for=_hidden;proto=https"], "https"),
        (PROXY, ["https"], ""),
        (PROXY, [], ""),
        (CLIENT, ["for=192.0.2.7;proto=https"], ""),
    ],
)
def test_the_standard_header_says_the_scheme_of_the_same_hop(peer: str, values: list[str], scheme: str) -> None:
    assert BY_FORWARDED.scheme_of(peer, values) == scheme


def test_without_proxies_nobody_is_believed() -> None:
    assert TrustedProxies().client_of("127.0.0.1", ["6.6.6.6"]) == "127.0.0.1"
    assert not TrustedProxies(["", " "])


@pytest.mark.parametrize("network", ["10.0.0.1/8", "proxy.example.com", "10.0.0.0/33", "*"])
def test_a_network_that_is_none_is_a_sentence(network: str) -> None:
    with pytest.raises(BadValue, match="is neither an address nor a network"):
        TrustedProxies([network])


ADDRESSES = st.one_of(
    st.sampled_from([CLIENT, "10.0.0.1", "10.2.3.4", "2001:db8::1", "2001:db8:ffff::2", "127.0.0.1"]),
    st.ip_addresses().map(str),
)


@settings(deadline=None)
@given(st.lists(ADDRESSES, max_size=10))
def test_uvicorn_comes_to_the_same_client(hops: list[str]) -> None:
    ours = PROXIES.client_of(PROXY, [", ".join(hops)])
    theirs = _TrustedHosts(NETWORKS).get_trusted_client_address(", ".join(hops))[0] if hops else PROXY
    assert counted(ours) == counted(theirs or PROXY)


@settings(deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=10), st.text(max_size=40), st.data())
def test_both_headers_come_to_the_same_client_whatever_the_client_has_written_before(
    hops: list[str], invented: str, data: st.DataObject
) -> None:
    forms = [
        f'for="[{hop}]:80"' if ":" in hop else data.draw(st.sampled_from([f"for={hop}", f'for="{hop}"']))
        for hop in hops
    ]
    # A proxy that is trusted ends what can be invented: the first hop that it names is no proxy.
    hops, forms = [CLIENT, *hops], [f"for={CLIENT};proto=https", *forms]
    assert BY_FORWARDED.client_of(PROXY, [invented, *forms]) == PROXIES.client_of(PROXY, [invented, *hops])


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (CLIENT, CLIENT),
        ("::ffff:192.0.2.7", CLIENT),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_attempts_of_one_customer_count_together(address: str, key: str) -> None:
    assert counted(address) == key
