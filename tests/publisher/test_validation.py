"""Names, contexts, versions and addresses: what is taken, what is refused, and what is said then."""

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.values import BadValue
from publisher import validation
from publisher.validation import clean_context, clean_endpoint_url, clean_name, clean_tags, clean_version

LEGAL_PATH = re.compile(r"(/([A-Za-z0-9\-._$;()]+|\{version\}))+")


@pytest.mark.parametrize(
    ("clean", "given_text", "taken"),
    [
        (clean_name, "EchoWebSocket", "EchoWebSocket"),
        (clean_name, "  Chat rooms ", "Chat rooms"),
        (clean_name, "Échos-2_b.", "Échos-2_b."),
        (clean_name, "a" * 60, "a" * 60),
        (clean_context, "/echowebsocket", "/echowebsocket"),
        (clean_context, "echowebsocket", "/echowebsocket"),
        (clean_context, " /chat/eu/ ", "/chat/eu"),
        (clean_context, "/chat/{version}", "/chat/{version}"),
        (clean_context, "/{version}/chat", "/{version}/chat"),
        (clean_context, "/health/hearts", "/health/hearts"),
        (clean_version, "1.0.0", "1.0.0"),
        (clean_version, " v2-beta_1 ", "v2-beta_1"),
        (clean_endpoint_url, "ws://echo.websocket.org:80", "ws://echo.websocket.org:80"),
        (clean_endpoint_url, " wss://echo.websocket.org:443/a?b=c ", "wss://echo.websocket.org:443/a?b=c"),
        (clean_endpoint_url, "WSS://[::1]:8099/", "WSS://[::1]:8099/"),
        (clean_endpoint_url, "ws://h/聊天?q=聊", "ws://h/%E8%81%8A%E5%A4%A9?q=%E8%81%8A"),
        (clean_endpoint_url, "wss://Straße.example:8443/a%20ü", "wss://xn--strae-oqa.example:8443/a%20%C3%BC"),
        (clean_endpoint_url, "ws://пример.рф", "ws://xn--e1afmkfd.xn--p1ai"),
        (clean_endpoint_url, "ws://h./x", "ws://h./x"),
    ],
)
def test_a_good_value_is_taken_in_its_plain_form(clean: Callable[[str], str], given_text: str, taken: str) -> None:
    assert clean(given_text) == taken


@pytest.mark.parametrize(
    ("clean", "given_text", "sentence", "suggestion"),
    [
        (clean_name, "", "Give the API a name.", ""),
        (clean_name, "Echo/Web", "A name cannot contain /.", "Echo-Web"),
        (clean_name, "a  b", "two blanks in a row", "a b"),
        (clean_name, "a\tb", "tabs", "a b"),
        (clean_name, "a" * 61, "at most 60 characters; this one has 61", ""),
        (clean_context, "/", "Give the API a context", ""),
        (clean_context, "/echo websocket", "A context cannot contain a space.", "/echo-websocket"),
        (clean_context, "/a?b", "A context cannot contain ?.", "/a-b"),
        (clean_context, "/écho", "plain letters", "/echo"),
        (clean_context, "/a//b", "two slashes", "/a/b"),
        (clean_context, "/a/../b", "segments . or ..", ""),
        (clean_context, "/a/v{version}", "Braces are only for {version}", ""),
        (clean_context, "/a{b}", "Braces are only for {version}", ""),
        (clean_context, "/{version}", "a word of its own", ""),
        (clean_context, "/a/{version}/{version}", "at most once", ""),
        (clean_context, "/a)(", "close every parenthesis", ""),
        (clean_context, "/Health/", "The gateway itself answers at /Health.", "/Health-api"),
        (clean_context, "/ready", "The gateway itself", "/ready-api"),
        (clean_context, "/metrics", "The gateway itself", "/metrics-api"),
        (clean_context, "/" + "a" * 200, "at most 200 characters", ""),
        (clean_version, "", "Give the API a version", ""),
        (clean_version, "1 0", "A version cannot contain a space.", "1-0"),
        (clean_version, "1/0", "A version cannot contain /.", "1-0"),
        (clean_version, "..", "dots alone", "1.0.0"),
        (clean_version, "1" * 31, "at most 30 characters", ""),
        (clean_endpoint_url, "http://h:1/x", "begins with ws:// or", "ws://h:1/x"),
        (clean_endpoint_url, "https://h/x", "begins with ws:// or", "wss://h/x"),
        (clean_endpoint_url, "localhost:9900/echo", "begins with ws:// or", "ws://localhost:9900/echo"),
        (clean_endpoint_url, "ftp://h", "begins with ws:// or", ""),
        (clean_endpoint_url, "", "Give the address of a WebSocket backend", ""),
        (clean_endpoint_url, "ws://", "names no host", ""),
        (clean_endpoint_url, "ws://a..b/x", "a..b is no host name", ""),
        (clean_endpoint_url, "ws://" + "a" * 64, "is no host name", ""),
        (clean_endpoint_url, "ws://☃.example/x", "is no host name", ""),
        (clean_endpoint_url, "ws://h:65536", "cannot be read", ""),
        (clean_endpoint_url, "ws://h:0", "Port 0", ""),
        (clean_endpoint_url, "ws://u:p@h", "user name or password", ""),
        (clean_endpoint_url, "ws://h/#top", "no #fragment", "ws://h/"),
        (clean_endpoint_url, "ws://a b", "cannot contain a space", "ws://ab"),
        (clean_endpoint_url, "ws://h/" + "a" * 2000, "at most 2000 characters", ""),
    ],
)
def test_a_bad_value_is_refused_with_what_to_do(
    clean: Callable[[str], str], given_text: str, sentence: str, suggestion: str
) -> None:
    with pytest.raises(BadValue) as refusal:
        clean(given_text)
    assert sentence in str(refusal.value)
    assert refusal.value.suggestion == suggestion
    assert str(refusal.value).endswith("?") is bool(suggestion)


@given(st.text())
@example("/a\u2028b")
@example("/..;/a")
def test_an_accepted_context_is_a_legal_path(text: str) -> None:
    try:
        context = clean_context(text)
    except BadValue:
        return
    assert LEGAL_PATH.fullmatch(context)
    assert clean_context(context) == context


@given(st.sampled_from([clean_name, clean_context, clean_version, clean_endpoint_url]), st.text())
def test_any_text_is_either_taken_or_refused_with_a_suggestion_that_would_be_taken(
    clean: Callable[[str], str], text: str
) -> None:
    refusal = refusal_of(clean, text)
    if refusal is not None:
        assert str(refusal)
        assert not refusal.suggestion or clean(refusal.suggestion) == refusal.suggestion


def refusal_of(clean: Callable[[str], str], text: str) -> BadValue | None:
    """Why the text is refused; None when it is taken."""
    try:
        clean(text)
    except BadValue as refusal:
        return refusal
    return None


@given(st.from_regex(r"(ws|wss|http|)(://|:)[a-z0-9.:@\[\]]{0,12}[/?#]?[ -~]{0,8}", fullmatch=True))
def test_an_accepted_endpoint_has_a_websocket_scheme_and_a_host(text: str) -> None:
    try:
        url = clean_endpoint_url(text)
    except BadValue:
        return
    assert re.match(r"wss?://[^/?#@]", url)
    assert "#" not in url


def test_tags_are_kept_in_order_and_once() -> None:
    assert clean_tags([" chat ", "echo", "", "chat"]) == ["chat", "echo"]


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (["a,b"], "The tag a,b cannot contain ,."),
        (["a" * 31], "at most 30 characters"),
        ([f"t{n}" for n in range(21)], "At most 20 tags help to find an API; these are 21."),
    ],
)
def test_bad_tags_are_refused(tags: list[str], sentence: str) -> None:
    with pytest.raises(BadValue, match=re.escape(sentence)):
        clean_tags(tags)


def test_the_version_stands_in_its_place_or_at_the_end_of_the_path() -> None:
    assert validation.served_path("/chat", "1.0.0") == "/chat/1.0.0"
    assert validation.served_path("/chat/{version}/eu", "1.0.0") == "/chat/1.0.0/eu"


def test_contexts_that_answer_at_the_same_path_share_a_root() -> None:
    assert validation.context_root("/Chat") == validation.context_root("/chat/{version}")
    assert validation.context_root("/chat") != validation.context_root("/chat/eu")
