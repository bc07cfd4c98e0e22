"""Endpoint documents: their defaults, what is refused and field by field why."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from publisher.endpoint import OPTION_BOUNDS, Endpoint, EndpointOptions, read_endpoint, read_options

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("ca")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    paths = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem"), "-subj", "/CN=backend", "-days", "1"]
    subprocess.run([*command, *paths], check=True, capture_output=True)
    return (folder / "ca.pem").read_text()


def test_an_address_with_failover_keeps_its_order() -> None:
    endpoint = read_endpoint({"url": " ws://a:1/x ", "failover": ["ws://b:1", "", "wss://c:1"]})
    assert endpoint == Endpoint("ws://a:1/x", ("ws://b:1", "wss://c:1"))
    assert endpoint.addresses == ("ws://a:1/x", "ws://b:1", "wss://c:1")
    assert Endpoint.from_document(endpoint.to_document()) == endpoint


@pytest.mark.parametrize("document", [{}, {"url": ""}, {"url": None, "failover": []}])
def test_no_address_is_no_endpoint(document: dict[str, Any]) -> None:
    assert read_endpoint(document) is None
    assert Endpoint.from_document(document) is None


@pytest.mark.parametrize(
    ("document", "field", "sentence"),
    [
        ({"url": "http://a"}, "url", "Did you mean ws://a?"),
        ({"url": "", "failover": ["ws://b"]}, "url", "tried first"),
        ({"url": "ws://a", "failover": ["b"]}, "failover", "Did you mean ws://b?"),
        ({"url": "ws://a", "failover": [f"ws://b{n}" for n in range(6)]}, "failover", "At most 5"),
        ({"url": 5}, "url", "Addresses are text"),
        ({"url": "ws://a", "failover": [7]}, "url", "Addresses are text"),
        ([], "url", "An endpoint is an object"),
    ],
)
def test_a_bad_address_is_refused_at_its_field(document: object, field: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_endpoint(document)
    assert sentence in refusal.value.fields[field]


def test_what_is_left_out_keeps_its_default() -> None:
    options = read_options({"connect_timeout": 1.5})
    assert options.to_document() == {
        "connect_timeout": 1.5,
        "idle_timeout": 0.0,
        "ping_interval": 25.0,
        "retries": 0,
        "retry_delay": 0.5,
        "suspend_after": 3,
        "suspend_initial": 30.0,
        "suspend_factor": 2.0,
        "suspend_maximum": 300.0,
        "prevent_suspension": False,
        "pass_refusals": False,
        "signed_identity": False,
        "verify_tls": True,
        "ca_certificate": "",
        "headers": {},
        "secret_headers": {},
        "client_certificate": "",
        "secret_key": "",
        "host": "",
        "server_name": "",
        "secret_query": {},
        "token_url": "",
        "token_client": "",
        "token_secret": "",
        "token_scope": "",
        "maximum_duration": 0.0,
    }
    assert json.loads(json.dumps(options.to_document())) == options.to_document()


def test_a_stored_document_with_a_key_of_another_release_is_still_read() -> None:
    assert EndpointOptions.from_document({"retries": 2, "gone": 1}) == EndpointOptions(retries=2)


@pytest.mark.parametrize("key", list(OPTION_BOUNDS))
def test_every_number_is_held_to_its_range(key: str) -> None:
    limits = OPTION_BOUNDS[key]
    for bad in (limits.least - 1, limits.most + 1, math.nan, math.inf, "5", True, None):
        if bad == 0 and limits.may_be_off:
            continue
        with pytest.raises(Invalid) as refusal:
            read_options({key: bad})
        assert limits.label in refusal.value.fields[key]
    assert getattr(read_options({"suspend_initial": 0.1, "suspend_maximum": 7 * 86400, key: limits.most}), key)


@pytest.mark.parametrize("key", [key for key, limits in OPTION_BOUNDS.items() if limits.may_be_off])
def test_zero_switches_off_what_may_be_off(key: str) -> None:
    assert getattr(read_options({key: 0}), key) == 0


@pytest.mark.parametrize("key", [key for key, limits in OPTION_BOUNDS.items() if limits.whole])
def test_a_count_is_a_whole_number(key: str) -> None:
    with pytest.raises(Invalid, match="whole number"):
        read_options({key: 1.5})
    assert type(getattr(read_options({key: 2.0}), key)) is int


def test_the_longest_suspension_is_not_shorter_than_the_first() -> None:
    with pytest.raises(Invalid) as refusal:
        read_options({"suspend_initial": 60, "suspend_maximum": 59})
    assert set(refusal.value.fields) == {"suspend_maximum"}


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Host": "a"}, "The gateway itself sets Host"),
        ({"Sec-WebSocket-Key": "a"}, "The gateway itself sets"),
        ({"X-Forwarded-For": "a"}, "The gateway itself sets"),
        ({"X_Forwarded_For": "a"}, "The gateway itself sets X_Forwarded_For"),
        ({"X-APIM-Plan": "a"}, "The gateway itself sets X-APIM-Plan"),
        ({"X A": "a"}, "no header name"),
        ({"X-A": "a\r\nX-B: b"}, "one line of plain text"),
        ({"X-A": 5}, "one line of plain text"),
        ({f"X-{n}": "a" for n in range(21)}, "At most 20 headers"),
        ("X-A: a", "names with values"),
    ],
)
def test_headers_that_would_break_the_handshake_are_refused(headers: object, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_options({"headers": headers})
    assert sentence in refusal.value.fields["headers"]


def test_a_header_for_the_backend_is_kept() -> None:
    assert read_options({"headers": {"Authorization": "Bearer x"}}).headers == {"Authorization": "Bearer x"}


def test_a_certificate_is_read_before_it_is_kept(certificate: str) -> None:
    assert read_options({"ca_certificate": certificate}).ca_certificate == certificate.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("junk", "not a certificate in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "not a certificate in PEM form"),
        ("-----BEGIN PRIVATE KEY-----", "holds a private key"),
        ("x" * 70_000, "at most 64 KiB"),
        ("é", "not a certificate"),
        (7, "text in PEM form"),
    ],
)
def test_what_is_no_certificate_is_refused(text: object, sentence: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_options({"ca_certificate": text})
    assert sentence in refusal.value.fields["ca_certificate"]


@given(
    JSON,
    st.sampled_from(
        [
            *OPTION_BOUNDS,
            *("prevent_suspension", "pass_refusals", "signed_identity", "verify_tls"),
            *("ca_certificate", "headers", "other"),
        ]
    ),
)
def test_no_document_makes_the_reader_fail_otherwise_than_by_field(value: object, key: str) -> None:
    for read, document in ((read_options, {key: value}), (read_options, value), (read_endpoint, value)):
        assert refusal_of(read, document) != {}


def refusal_of(read: Callable[[object], object], document: object) -> dict[str, str] | None:
    """The fields that are refused; None when the document is taken."""
    try:
        read(document)
    except Invalid as refusal:
        return refusal.fields
    return None
