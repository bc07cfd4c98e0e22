"""Reading a handshake: what is asked for, with what credential, and what may go on to the backend."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.handshake.request import Credential, CredentialSource, Malformed, SeveralCredentials, read
from tests.gateway.builders import scope

CANARY = "c4n4ry-t0ken"
BEARER = ("Authorization", f"Bearer {CANARY}")


def test_a_plain_handshake_is_read() -> None:
    read_back = read(
        scope(
            "/chat/1.0/rooms/caf%C3%A9%2F1",
            query="a=1&b=%20",
            headers=[("Host", "localhost:9099"), ("Origin", "https://app.test"), ("User-Agent", "wscat")],
            subprotocols=["chat.v2", "chat.v1"],
            scheme="wss",
        )
    )
    assert read_back.path == "/chat/1.0/rooms/caf%C3%A9%2F1"
    assert read_back.query_string == b"a=1&b=%20"
    assert (read_back.host, read_back.origin, read_back.user_agent) == ("localhost:9099", "https://app.test", "wscat")
    assert read_back.subprotocols == ("chat.v2", "chat.v1")
    assert read_back.credential is None
    assert read_back.client_ip == "192.0.2.7"
    assert read_back.is_secure


def test_repeated_extension_headers_are_one_offer() -> None:
    offered = [("Sec-WebSocket-Extensions", "permessage-deflate"), ("Sec-WebSocket-Extensions", "x-other; a=1")]
    assert read(scope(headers=offered)).extensions == "permessage-deflate, x-other; a=1"


def test_a_server_that_gives_no_raw_path_gets_the_path_encoded_again() -> None:
    assert read(scope(path="/chat/1.0/café", raw_path=None)).path == "/chat/1.0/caf%C3%A9"


def test_a_client_without_an_address_is_read() -> None:
    assert read(scope(client=None)).client_ip == ""


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ([], "", None),
        ([BEARER], "", Credential(CredentialSource.HEADER, CANARY)),
        ([("Authorization", f"bearer   {CANARY} ")], "", Credential(CredentialSource.HEADER, CANARY)),
        ([("Authorization", "Bearer")], "", Credential(CredentialSource.HEADER)),
        ([("Authorization", "Bearer two words")], "", Credential(CredentialSource.HEADER)),
        ([("Authorization", "")], "", Credential(CredentialSource.OTHER)),
        ([("Authorization", "Basic YWRtaW46YWRtaW4=")], "", Credential(CredentialSource.BASIC)),
        ([("Authorization", "Digest x")], "", Credential(CredentialSource.OTHER)),
        ([], f"access_token={CANARY}", Credential(CredentialSource.QUERY, CANARY)),
        ([], f"a=1&access%5Ftoken={CANARY}", Credential(CredentialSource.QUERY, CANARY)),
        ([], "access_token=a%2Bb", Credential(CredentialSource.QUERY, "a+b")),
        ([], "access_token=", Credential(CredentialSource.QUERY)),
        ([], "access_token", Credential(CredentialSource.QUERY)),
        ([("apikey", "k")], "", Credential(CredentialSource.API_KEY)),
        ([], "ApiKey=k", Credential(CredentialSource.API_KEY)),
        ([("apikey", "k")], "apikey=k", Credential(CredentialSource.API_KEY)),
        ([BEARER, ("apikey", "k")], "apikey=k", Credential(CredentialSource.HEADER, CANARY)),
        ([], f"apikey=k&access_token={CANARY}", Credential(CredentialSource.QUERY, CANARY)),
    ],
)
def test_the_credential_is_found(headers: list[tuple[str, str]], query: str, expected: Credential | None) -> None:
    assert read(scope(headers=headers, query=query)).credential == expected


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([BEARER], f"access_token={CANARY}"),
        ([BEARER], "access_token="),
        ([("Authorization", "Basic x")], f"access_token={CANARY}"),
        ([], f"access_token={CANARY}&access_token={CANARY}"),
        ([], f"access_token={CANARY}&access%5ftoken=other"),
        ([BEARER, BEARER], ""),
    ],
)
def test_several_credentials_are_malformed_and_the_message_names_none(
    headers: list[tuple[str, str]], query: str
) -> None:
    with pytest.raises(Malformed) as refused:
        read(scope(headers=headers, query=query))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (f"access_token={CANARY}", ""),
        (f"a=1&access_token={CANARY}&b=%2F+x&&c", "a=1&b=%2F+x&&c"),
        (f"access%5ftoken={CANARY}&a", "a"),
        ("a=1&&b=;=%zz", "a=1&&b=;=%zz"),
        ("access_tokens=1", "access_tokens=1"),
    ],
)
def test_the_query_loses_the_credential_and_nothing_else(query: str, left: str) -> None:
    assert read(scope(query=query)).query_string == left.encode()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([BEARER], Credential(CredentialSource.HEADER, CANARY)),
        ([], Credential(CredentialSource.QUERY)),  # shown for a refusal that says so
    ],
)
def test_where_no_token_is_taken_in_the_query_access_token_is_the_backends(
    headers: list[tuple[str, str]], expected: Credential
) -> None:
    query = "a=1&access_token=theirs&access%5Ftoken=too"
    asked: list[str] = []
    read_back = read(scope("/echo/1.0.0", headers=headers, query=query), lambda path: bool(asked.append(path)))
    assert set(asked) == {"/echo/1.0.0"}
    assert (read_back.query_string.decode(), read_back.credential) == (query, expected)


def test_a_ticket_in_the_query_is_never_the_backends() -> None:
    read_back = read(scope(query=f"ticket={CANARY}&access_token=theirs"), lambda path: False)
    assert read_back.credential == Credential(CredentialSource.TICKET, CANARY)
    assert read_back.query_string == b"access_token=theirs"


@pytest.mark.parametrize(
    "name",
    [
        "X_APIM_Plan",
        "x-apim_plan",
        "X-APIM-Plan",
        "X.APIM.Subscriber",
        "x~apim~plan",
        "X_Forwarded_For",
        "X-FORWARDED_HOST",
        "Forwarded",
        "X_Real_IP",
        "Proxy_Authorization",
        "Sec_WebSocket_Key",
    ],
)
def test_no_spelling_of_a_header_passes_a_client_off_as_the_gateway(name: str) -> None:
    told = [(name, "forged"), (name, "twice"), ("X_Mine", "kept")]
    assert read(scope(headers=told)).headers_to_forward == ((b"x_mine", b"kept"),)


@pytest.mark.parametrize("cookie", ["__host-apim-session=x", "=__Host-apim-session=x", "__HOST-APIM-csrf=1"])
def test_no_spelling_of_a_portals_cookie_is_shown_to_a_backend(cookie: str) -> None:
    assert read(scope(headers=[("Cookie", f"a=1; {cookie}")])).headers_to_forward == ((b"cookie", b"a=1"),)


_parts = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&#"), max_size=8))


@given(before=_parts, after=_parts)
def test_whatever_stands_around_the_credential_stays_as_it_is(before: list[str], after: list[str]) -> None:
    query = "&".join([*before, f"access_token={CANARY}", *after])
    assert read(scope(query=query)).query_string.decode() == "&".join([*before, *after])


@pytest.mark.parametrize("headers", [[BEARER], []])
def test_the_credential_hides_from_repr_and_is_nowhere_else(headers: list[tuple[str, str]]) -> None:
    query = "" if headers else f"access_token={CANARY}&a=1"
    read_back = read(scope(headers=[*headers, ("X-Other", "kept")], query=query))
    assert read_back.credential is not None
    assert read_back.credential.token == CANARY
    assert CANARY not in repr(read_back)


def test_only_what_is_the_backends_business_is_forwarded() -> None:
    sent = [
        ("Host", "gateway.test"),
        ("Connection", "keep-alive, Upgrade, X-Hop"),
        ("Upgrade", "websocket"),
        ("X-Hop", "named by Connection"),
        ("Sec-WebSocket-Key", "x"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Protocol", "chat"),
        ("Authorization", "Bearer x"),
        ("Proxy-Authorization", "Basic x"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Real-IP", "1.2.3.4"),
        ("X-APIM-Application", "forged"),
        ("TE", "trailers"),
        ("Origin", "https://app.test"),
        ("Accept-Language", "en"),
        ("Cookie", "a=1"),
        ("X-Custom", "1"),
        ("X-Custom", "2"),
    ]
    kept = {(b"origin", b"https://app.test"), (b"accept-language", b"en"), (b"cookie", b"a=1")}
    forwarded = read(scope(headers=sent)).headers_to_forward
    assert set(forwarded) == kept | {(b"x-custom", b"1"), (b"x-custom", b"2")}


def test_the_portals_own_cookies_do_not_reach_a_backend() -> None:
    ours = "__Host-apim-session=secret"
    mixed = read(scope(headers=[("Cookie", f"{ours}; theirs=1; __Host-apim-csrf=x;also=2")])).headers_to_forward
    assert mixed == ((b"cookie", b"theirs=1; also=2"),)
    assert read(scope(headers=[("Cookie", ours)])).headers_to_forward == ()


@pytest.mark.parametrize("bad", [*(chr(code) for code in range(32) if code != 9), "\x7f"])
def test_a_control_character_in_a_header_is_malformed(bad: str) -> None:
    with pytest.raises(Malformed, match="x-any"):
        read(scope(headers=[("X-Any", f"a{bad}b")]))


@pytest.mark.parametrize("octet", range(0x80, 0x100))
def test_a_byte_beyond_ascii_in_a_header_or_cookie_goes_on_as_it_came(octet: int) -> None:
    value = b"name=" + bytes([octet])
    told = [(b"x-who", value), (b"cookie", value)]
    assert read({**scope(), "headers": told}).headers_to_forward == tuple(told)


@pytest.mark.parametrize("host", ["a b", 'a";for=b', "a/b", "user@host", "caf\xe9", "a\\b"])
def test_a_host_that_is_none_is_malformed(host: str) -> None:
    with pytest.raises(Malformed, match="host"):
        read(scope(headers=[("Host", host)]))


@pytest.mark.parametrize("host", ["localhost:9099", "[::1]:9099", "api.example.test", ""])
def test_a_host_is_kept_as_it_came(host: str) -> None:
    assert read(scope(headers=[("Host", host)])).host == host


def test_a_tab_and_letters_beyond_ascii_are_allowed_in_a_header() -> None:
    assert read(scope(headers=[("X-Any", "a\tb"), ("X-More", "caf\xe9")]))


@pytest.mark.parametrize("name", ["x any", "x:any", "", "x\x00", "é"])
def test_a_header_name_that_is_no_token_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        read(scope(headers=[(name, "1")]))


@pytest.mark.parametrize(
    "name", ["Host", "Origin", "Authorization", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]
)
def test_a_header_that_two_parsers_could_read_differently_is_sent_once(name: str) -> None:
    with pytest.raises(Malformed, match="2 times"):
        read(scope(headers=[(name, "a"), (name, "a")]))


@pytest.mark.parametrize(
    "path",
    [
        "/echo/1.0/../secret",
        "/echo/1.0/.",
        "/echo/1.0/%2e%2E/secret",
        "/echo/1.0/a%2f..%2fsecret",
        "/echo/1.0/..%5Csecret",
        "/echo/1.0/a\\..\\b",
        "/echo/a b",
        "/echo/\x7f",
        "echo",
        "*",
    ],
)
def test_a_path_that_a_backend_could_read_as_another_is_malformed(path: str) -> None:
    with pytest.raises(Malformed):
        read(scope(path))


@pytest.mark.parametrize("path", ["/", "/echo/1.0/", "/a..b/.hidden/x.", "/a%2Fb/%20", "/a;b=c/(d)'!*,@:$&+="])
def test_any_other_path_is_kept_as_it_came(path: str) -> None:
    assert read(scope(path)).path == path


# --- subprotocols and tickets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "kept", "own", "expected"),
    [
        (["chat"], ("chat",), None, None),
        (["chat", f"bearer.{CANARY}"], ("chat",), None, Credential(CredentialSource.SUBPROTOCOL, CANARY)),
        ([f"BEARER.{CANARY}", "apim"], (), "apim", Credential(CredentialSource.SUBPROTOCOL, CANARY)),
        (["apim", "chat"], ("chat",), "apim", None),
        (["chat", "bearer."], ("chat",), None, Credential(CredentialSource.SUBPROTOCOL)),
        (["bearer", "bearer-x"], ("bearer", "bearer-x"), None, None),
        ([f"bearer.{CANARY}"], (), None, Credential(CredentialSource.SUBPROTOCOL, CANARY)),
        (["chat", f"apim.console.{'a' * 32}"], ("chat",), None, None),
    ],
)
def test_a_token_among_the_subprotocols_is_taken_out(
    offered: list[str], kept: tuple[str, ...], own: str | None, expected: Credential | None
) -> None:
    read_back = read(scope(subprotocols=offered))
    assert (read_back.subprotocols, read_back.own_subprotocol, read_back.credential) == (kept, own, expected)
    assert CANARY not in repr(read_back)


def test_a_browser_that_offers_nothing_but_its_token_is_told_what_to_offer() -> None:
    with pytest.raises(Malformed, match="apim") as refused:
        read(scope(subprotocols=[f"bearer.{CANARY}"], headers=[("Origin", "https://app.test")]))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "token", "left"),
    [
        (f"ticket={CANARY}", CANARY, ""),
        (f"a=1&%74icket={CANARY}&b", CANARY, "a=1&b"),
        ("ticket=", "", ""),
    ],
)
def test_a_ticket_is_taken_out_of_the_query(query: str, token: str, left: str) -> None:
    read_back = read(scope(query=query))
    assert read_back.credential == Credential(CredentialSource.TICKET, token)
    assert read_back.query_string.decode() == left


@pytest.mark.parametrize("query", ["tickets=1", "Ticket=1", "my_ticket=1"])
def test_what_only_looks_like_a_ticket_is_the_backends(query: str) -> None:
    read_back = read(scope(query=query))
    assert (read_back.credential, read_back.query_string.decode()) == (None, query)


_WAYS: dict[str, tuple[list[tuple[str, str]], str, list[str]]] = {
    "header": ([BEARER], "", []),
    "basic": ([("Authorization", "Basic x")], "", []),
    "query": ([], f"access_token={CANARY}", []),
    "ticket": ([], f"ticket={CANARY}", []),
    "subprotocol": ([], "", ["chat", f"bearer.{CANARY}"]),
}


@pytest.mark.parametrize("first", _WAYS)
@pytest.mark.parametrize("second", _WAYS)
def test_two_credentials_of_whatever_kind_are_malformed(first: str, second: str) -> None:
    (headers, query, offered), (more_headers, more_query, more_offered) = _WAYS[first], _WAYS[second]
    asked = scope(
        query="&".join(filter(None, [query, more_query])),
        headers=[*headers, *more_headers],
        subprotocols=[*offered, *more_offered],
    )
    with pytest.raises(Malformed) as refused:
        read(asked)
    assert CANARY not in str(refused.value)
    assert isinstance(refused.value, SeveralCredentials) or "2 times" in str(refused.value)
