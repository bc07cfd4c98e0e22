"""Which addresses a backend may have, in every spelling that a resolver takes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from publisher.ip_policy import AddressKind, BackendPolicy, BadNetwork, kind_of, literal, read_policy

EMBEDDED = read_policy(["127.0.0.0/8", "::1"], own_ports=[9099], own_hosts=["gateway.example", "192.0.2.10"])
NOTHING = BackendPolicy()

SPELLINGS = [
    ("127.0.0.1", AddressKind.LOOPBACK),
    ("127.1", AddressKind.LOOPBACK),
    ("127.0.1", AddressKind.LOOPBACK),
    ("2130706433", AddressKind.LOOPBACK),
    ("0x7f000001", AddressKind.LOOPBACK),
    ("0X7F.1", AddressKind.LOOPBACK),
    ("0177.0.0.1", AddressKind.LOOPBACK),
    ("017700000001", AddressKind.LOOPBACK),
    ("127.0.0.1.", AddressKind.LOOPBACK),
    ("127.255.255.254", AddressKind.LOOPBACK),
    ("１２７.0.0.1", AddressKind.LOOPBACK),
    ("127。0。0。1", AddressKind.LOOPBACK),
    ("①②⑦.⓪.⓪.①", AddressKind.LOOPBACK),
    ("[::1]", AddressKind.LOOPBACK),
    ("0:0:0:0:0:0:0:1", AddressKind.LOOPBACK),
    ("::ffff:127.0.0.1", AddressKind.LOOPBACK),
    ("::ffff:7f00:1", AddressKind.LOOPBACK),
    ("::127.0.0.1", AddressKind.LOOPBACK),
    ("::ffff:0:127.0.0.1", AddressKind.LOOPBACK),
    ("10.0.0.1", AddressKind.PRIVATE),
    ("10.1", AddressKind.PRIVATE),
    ("0xa000001", AddressKind.PRIVATE),
    ("172.16.0.1", AddressKind.PRIVATE),
    ("172.31.255.255", AddressKind.PRIVATE),
    ("192.168.1", AddressKind.PRIVATE),
    ("3232235777", AddressKind.PRIVATE),
    ("::ffff:10.0.0.1", AddressKind.PRIVATE),
    ("64:ff9b::10.0.0.1", AddressKind.PRIVATE),
    ("64:ff9b:1::a00:1", AddressKind.PRIVATE),
    ("2002:a00:1::1", AddressKind.PRIVATE),
    ("2001:0:0a00:0001::1", AddressKind.PRIVATE),
    ("2001:0:0808:0808::f5ff:fffe", AddressKind.PRIVATE),
    ("fd00:ec2::254", AddressKind.PRIVATE),
    ("fec0::1", AddressKind.PRIVATE),
    ("169.254.169.254", AddressKind.LINK_LOCAL),
    ("2852039166", AddressKind.LINK_LOCAL),
    ("0xa9.0xfe.0xa9.0xfe", AddressKind.LINK_LOCAL),
    ("::ffff:169.254.169.254", AddressKind.LINK_LOCAL),
    ("fe80::1%eth0", AddressKind.LINK_LOCAL),
    ("100.100.100.200", AddressKind.SHARED),
    ("192.0.0.192", AddressKind.RESERVED),
    ("198.18.0.1", AddressKind.RESERVED),
    ("240.0.0.1", AddressKind.RESERVED),
    ("255.255.255.255", AddressKind.RESERVED),
    ("2001:db8::1", AddressKind.RESERVED),
    ("4000::1", AddressKind.RESERVED),
    ("100::1", AddressKind.RESERVED),
    ("224.0.0.1", AddressKind.MULTICAST),
    ("ff02::1", AddressKind.MULTICAST),
    ("0", AddressKind.UNSPECIFIED),
    ("0.0.0.0", AddressKind.UNSPECIFIED),
    ("0.1.2.3", AddressKind.UNSPECIFIED),
    ("::", AddressKind.UNSPECIFIED),
    ("::ffff:0.0.0.0", AddressKind.UNSPECIFIED),
]
PUBLIC = ["8.8.8.8", "134744072", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1", "1.1.1.1."]
NAMES = ["localhost", "backend.example", "256.1.1.1", "1.2.3.4.5", "4294967296", "08.8.8.8", "0xg", "1e3", "a.1", "::g"]


@pytest.mark.parametrize(("host", "kind"), SPELLINGS)
def test_every_spelling_of_an_address_that_is_not_public_is_seen_through(host: str, kind: AddressKind) -> None:
    address = literal(host)
    assert address is not None
    assert kind_of(address) is kind
    assert NOTHING.refuse_literal(host, 80)


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_address_is_dialled_without_asking(host: str) -> None:
    assert NOTHING.refuse_literal(host, 80) == ""


@pytest.mark.parametrize("host", NAMES)
def test_what_no_resolver_takes_for_an_address_is_a_name(host: str) -> None:
    assert literal(host) is None
    assert NOTHING.refuse_literal(host, 80) == ""


@pytest.mark.parametrize(("host", "kind"), SPELLINGS)
def test_the_embedded_default_opens_loopback_and_nothing_else(host: str, kind: AddressKind) -> None:
    address = literal(host)
    plain = address is not None and (address.version == 4 or address in map(ip_address, ("::1", "::ffff:7f00:1")))
    assert (EMBEDDED.refuse_literal(host, 80) == "") == (kind is AddressKind.LOOPBACK and plain)


@pytest.mark.parametrize("entry", ["10.0.0.0/8", "10.1.2.3", "10.1.2.0/24"])
def test_a_listed_network_is_open(entry: str) -> None:
    listed = read_policy([entry])
    assert listed.refuse("backend.example", "10.1.2.3", 80) == ""
    assert listed.refuse("backend.example", "::ffff:10.1.2.3", 80) == ""
    assert listed.refuse("backend.example", "192.168.0.1", 80)
    assert listed.refuse("backend.example", "2002:a01:203::1", 80)


def test_a_listed_name_is_open_wherever_it_leads_but_to_link_local() -> None:
    listed = read_policy(["Backend.internal."])
    for address in ("10.1.2.3", "127.0.0.1", "100.64.0.1", "fd00::1"):
        assert listed.refuse("backend.INTERNAL", address, 80) == ""
        assert listed.refuse("other.internal", address, 80)
    for address in ("169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"):
        assert listed.refuse("backend.internal", address, 80)


def test_link_local_is_open_only_where_its_own_network_is_listed() -> None:
    assert read_policy(["10.0.0.0/8", "fc00::/7"]).refuse("a.example", "169.254.169.254", 80)
    assert read_policy(["169.254.0.0/16"]).refuse("a.example", "169.254.7.7", 80) == ""


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
def test_what_nobody_can_connect_to_stays_closed_even_when_it_is_listed(address: str) -> None:
    assert read_policy(["0.0.0.0/0", "::/0"]).refuse(address, address, 80)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("127.5", "127.0.0.5"),
        ("gateway.example.", "8.8.8.8"),
        ("other.example", "192.0.2.10"),
    ],
)
def test_the_gateway_never_stands_in_front_of_itself(host: str, address: str) -> None:
    assert "Port 9099" in EMBEDDED.refuse(host, address, 9099)


def test_another_machines_port_of_the_same_number_is_not_the_gateways() -> None:
    assert EMBEDDED.refuse("backend.example", "8.8.8.8", 9099) == ""
    asked = BackendPolicy(own_ports=frozenset({9099}), is_mine=lambda address: address == "8.8.8.8")
    assert asked.refuse("backend.example", "8.8.8.8", 9099)
    assert asked.refuse("backend.example", "8.8.4.4", 9099) == ""


def test_the_sentence_says_how_to_allow_it() -> None:
    sentence = NOTHING.refuse("db.internal", "10.1.2.3", 80)
    assert sentence.startswith("db.internal (10.1.2.3) is in a private network")
    assert "APIM_BACKEND_NETWORKS" in sentence
    assert read_policy(["10.1.2.3"]).refuse("db.internal", "10.1.2.3", 80) == ""


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "10.0.0.0/33", "10.0.0", "ws://a", "a b", "-a.example", "fe80::/x"])
def test_an_entry_of_the_list_that_means_nothing_is_named(entry: str) -> None:
    with pytest.raises(BadNetwork, match=r"neither|no network") as refused:
        read_policy(["127.0.0.0/8", entry])
    assert repr(entry) in str(refused.value)


def test_empty_entries_are_none() -> None:
    assert read_policy(["", " "]) == BackendPolicy()


@pytest.mark.parametrize("address", ["2001:4860:4860::8888", "2a00:1450::1", "9.9.9.9"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert kind_of(ip_address(address)) is AddressKind.PUBLIC
