"""Which API a path names: by examples, and against a matcher that tries everything."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.deployment import Deployment
from gateway.routing.table import Match, RouteTable, backend_url, route_to
from gateway.routing.topics import Topic
from tests.gateway.builders import deployment

TUTORIAL = deployment("/echowebsocket", "1.0.0")


def reached(table: RouteTable, path: str, *subscribed: str) -> str | None:
    """What a path reaches: the API's id and what remains; None for nothing."""
    match = table.match(path)
    route = match.route(subscribed) if match else None
    return f"{route.api_id} {route.rest}".strip() if route else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/echowebsocket/1.0.0", "/echowebsocket@1.0.0"),
        ("/echowebsocket/1.0", "/echowebsocket@1.0.0"),
        ("/echowebsocket/1", "/echowebsocket@1.0.0"),
        ("/echowebsocket/1.0/", "/echowebsocket@1.0.0"),
        ("/echowebsocket/1.0.0/rooms/7", "/echowebsocket@1.0.0 /rooms/7"),
        ("/echowebsocket/1.0.0/caf%C3%A9%2F1//x", "/echowebsocket@1.0.0 /caf%C3%A9%2F1//x"),
        ("/echowebsocket/1.0.00", None),
        ("/echowebsocket/1.", None),
        ("/echowebsocket/1.0.0.0", None),
        ("/echowebsocket/2", None),
        ("/echowebsocket", None),
        ("/echowebsocket/", None),
        ("/echowebsockets/1.0", None),
        ("/ECHOWEBSOCKET/1.0", None),
        ("//echowebsocket/1.0", None),
        ("/%65chowebsocket/1.0", None),
        ("/", None),
    ],
)
def test_the_tutorials_api_is_reached_by_its_version_and_by_dotted_prefixes_of_it(
    path: str, expected: str | None
) -> None:
    assert reached(RouteTable([TUTORIAL]), path) == expected


@pytest.mark.parametrize(
    ("path", "subscribed", "version"),
    [
        ("/a/1", (), "1.10.0"),
        ("/a/1.4", (), "1.4.9"),
        ("/a/1.4.2", (), "1.4.2"),
        ("/a/1", ("/a@1.4.2",), "1.4.2"),
        ("/a/1", ("/a@1.4.2", "/a@1.4.9"), "1.4.9"),
        ("/a/1.4.2", ("/a@1.4.9",), "1.4.2"),
        ("/a/2", ("/a@1.4.2",), "2.0"),
    ],
)
def test_a_version_prefix_reaches_the_highest_and_rather_one_subscribed_to(
    path: str, subscribed: tuple[str, ...], version: str
) -> None:
    table = RouteTable(deployment("/a", each) for each in ("1.4.9", "1.10.0", "2.0", "1.4.2"))
    assert reached(table, path, *subscribed) == f"/a@{version}"


def test_an_exact_version_beats_a_higher_one_that_it_is_a_prefix_of() -> None:
    table = RouteTable([deployment("/a", "1.0"), deployment("/a", "1.0.5")])
    assert reached(table, "/a/1.0", "/a@1.0.5") == "/a@1.0"


def test_the_first_preference_that_holds_any_candidate_decides() -> None:
    match = RouteTable([deployment("/a", "1.1"), deployment("/a", "1.2")]).match("/a/1")
    assert match is not None
    chosen = match.route({"/other@1"}, {"/a@1.1"}, {"/a@1.2"})
    assert chosen is not None
    assert chosen.deployment.version == "1.1"


def test_the_longest_context_wins_even_where_it_leads_nowhere() -> None:
    table = RouteTable([deployment("/a", "1"), deployment("/a/1", "2"), deployment("/a/b/c", "1")])
    assert reached(table, "/a/1/2") == "/a/1@2"
    assert reached(table, "/a/1/x") is None
    assert reached(table, "/a/b/1") is None
    assert reached(table, "/a/b/c/1/x") == "/a/b/c@1 /x"


def test_the_default_version_answers_where_no_version_is_named() -> None:
    table = RouteTable([deployment("/a", "1.0"), deployment("/a", "2.0", is_default=True)])
    assert reached(table, "/a") == "/a@2.0"
    assert reached(table, "/a/") == "/a@2.0"
    assert reached(table, "/a/rooms/1") == "/a@2.0 /rooms/1"
    assert reached(table, "/a/1.0") == "/a@1.0"


def test_of_two_that_say_they_are_the_default_the_one_deployed_last_is() -> None:
    old, new = (deployment("/a", each, is_default=True, deployed_at=at) for each, at in (("2", 1.0), ("1", 2.0)))
    assert reached(RouteTable([old, new]), "/a") == "/a@1"


@pytest.mark.parametrize("given", [{"state": "RETIRED"}, {"state": "CREATED"}, {"revision_id": ""}])
def test_a_version_that_is_not_served_owns_its_name_and_answers_nothing(given: dict[str, Any]) -> None:
    table = RouteTable([deployment("/a", "1.0", **given), deployment("/a", "2.0", is_default=True)])
    assert reached(table, "/a/1.0") is None
    assert reached(table, "/a/1") is None
    assert reached(table, "/a/1.0/rooms") is None
    assert reached(table, "/a/1.1") == "/a@2.0 /1.1"


def test_a_context_of_which_nothing_is_served_is_no_context() -> None:
    table = RouteTable([deployment("/a", "1"), deployment("/a/1/b", "3", state="RETIRED")])
    assert reached(table, "/a/1/b") == "/a@1 /b"
    assert reached(table, "/a/1/b/3") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/chat/1.2.0/rooms", "/chat/{version}/rooms@1.2.0"),
        ("/chat/1/rooms", "/chat/{version}/rooms@1.2.0"),
        ("/chat/1.1/rooms/7", "/chat/{version}/rooms@1.1 /7"),
        ("/chat/rooms", "/chat/{version}/rooms@1.1"),
        ("/chat/rooms/7", "/chat/{version}/rooms@1.1 /7"),
        ("/chat/3/rooms", None),
        ("/chat/1/rooms2", None),
        ("/chat/1", None),
    ],
)
def test_the_version_may_stand_inside_the_context(path: str, expected: str | None) -> None:
    context = "/chat/{version}/rooms"
    table = RouteTable([deployment(context, "1.2.0"), deployment(context, "1.1", is_default=True)])
    assert reached(table, path) == expected


def test_a_context_written_out_beats_one_with_a_version_in_it() -> None:
    table = RouteTable([deployment("/a/{version}", "1.0"), deployment("/a/1.0", "7")])
    assert reached(table, "/a/1.0/7") == "/a/1.0@7"
    assert reached(table, "/a/1/7") == "/a/{version}@1.0 /7"


def test_a_context_written_out_that_has_no_such_version_is_not_made_up_for_by_another() -> None:
    table = RouteTable([deployment("/a/{version}", "1.0"), deployment("/a/1.0", "7")])
    assert reached(table, "/a/1.0/8") is None


def test_an_unserved_api_at_a_context_does_not_hide_the_default_version_of_another() -> None:
    table = RouteTable([deployment("/a", "9", state="RETIRED"), deployment("/a/{version}", "1", is_default=True)])
    assert reached(table, "/a/rooms") == "/a/{version}@1 /rooms"
    assert reached(table, "/a/9") is None


def test_an_address_of_slashes_is_answered_without_trying_each() -> None:
    table = RouteTable([TUTORIAL])
    assert table.match("/" * 60_000) is None


ROOMS = Topic("/rooms/{id}", scopes=frozenset({"read"}))
ALL = Topic("/*")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", "/"),
        ("/", "/"),
        ("/rooms", "/rooms"),
        ("/rooms/lobby", "/rooms/lobby"),
        ("/rooms/%6Cobby", "/rooms/lobby"),
        ("/rooms/7", "/rooms/{id}"),
        ("/rooms/v7", "/rooms/v{number}"),
        ("/rooms/v", "/rooms/{id}"),
        ("/rooms/7/members/3", "/rooms/{id}/members/{member}"),
        ("/rooms/7/members/", None),
        ("/rooms/", None),
        ("/files", "/files/*"),
        ("/files/", "/files/*"),
        ("/files/a/b", "/files/*"),
        ("/filesystem", None),
        ("/other", None),
    ],
)
def test_a_literal_topic_beats_a_variable_and_a_variable_beats_an_open_end(rest: str, expected: str | None) -> None:
    rooms = ("/rooms/{id}/members/{member}", "/rooms/{id}", "/rooms/v{number}", "/rooms/lobby", "/rooms")
    route = route_to(deployment(topics=("/files/*", *rooms, "/")), rest)
    assert (route.topic.target if route and route.topic else None) == expected


def test_an_api_without_topics_takes_every_path() -> None:
    route = route_to(deployment(), "/any/thing%2F")
    assert route is not None
    assert (route.topic, route.backend_path) == (None, "/any/thing%2F")


@pytest.mark.parametrize("rest", ["/admin%2Fx", "//admin", "/x%5Cadmin", "/x\\admin"])
def test_where_a_scope_is_asked_for_a_path_of_two_readings_is_nobodys(rest: str) -> None:
    guarded = deployment(topics=[Topic("/admin", scopes=frozenset({"admin"})), ALL])
    assert route_to(guarded, rest) is None
    assert route_to(deployment(topics=["/admin", ALL]), rest) is not None


@pytest.mark.parametrize(
    "rest",
    [
        *(
            "/admin/",
            "/ADMIN",
            "/aDmin",
            "/admin;x=1",
            "/admin;",
            "/admin%20",
            "/%20admin",
            "/admin%09",
            "/x/..;/admin",
        ),
        *("/admin%3B", "/admin%3Bx=1", "/admin.", "/admin%00", "/admin%00.html", "/admin%3Fx", "/admin%23", "/admin./"),
        *("/%2561dmin", "/%252561dmin", "/x%252f..%252fadmin", "/admin%252F", "/%252Fadmin", "/%25252525252525252561"),
        *("/x/..;/admin", "/x/%2e%2e;/admin", "/x/..%20/admin"),
        *("/%EF%BD%81dmin", "/adm%C4%B1n/..;/admin", "/;/admin", "/;a=b/admin", "/admin%E2%80%8B", "/%EF%BC%8Fadmin"),
        *(
            "/rooms/7/",
            "/ROOMS/7",
            "/rooms;a/7",
            "/rooms%20/7",
            "/x/%2e%2e;/rooms/7",
            "/files/VAULT/a",
            "/files/vault;/a/b",
        ),
        *("/Keys-7", "/keys-7;a", "/keys-7/"),
    ],
)
def test_no_other_spelling_of_a_guarded_topic_passes_as_an_open_one(rest: str) -> None:
    scopes = frozenset({"admin"})
    guarded = [Topic(target, scopes=scopes) for target in ("/admin", "/rooms/{id}", "/files/vault/*", "/keys-{id}")]
    route = route_to(deployment(topics=[*guarded, ALL, Topic("/files/*")]), rest)
    assert route is None or (route.topic is not None and route.topic.scopes == scopes)
    assert route_to(deployment(topics=[ALL]), rest) is not None, "without a scope there is nothing to get round"


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        *[
            (rest, "/*")
            for rest in ("/open", "/OPEN/Admin", "/admins", "/users/admin", "/a;b=c", "/caf%C3%A9", "/a%20b", "/x/")
        ],
        *[
            (rest, "/rooms/{id}")
            for rest in ("/rooms/7", "/rooms/ABC", "/rooms/a;b", "/rooms/a%2520b", "/rooms/%C3%85")
        ],
        *[(rest, "/rooms/public") for rest in ("/rooms/public",)],
        *[(rest, "/admin") for rest in ("/admin", "/%61dmin")],
    ],
)
def test_what_can_be_read_in_one_way_only_finds_its_topic_beside_guarded_ones(rest: str, target: str) -> None:
    topics = [
        Topic("/admin", scopes=frozenset({"admin"})),
        Topic("/rooms/{id}", scopes=frozenset({"read"})),
        Topic("/rooms/public"),
        ALL,
    ]
    route = route_to(deployment(topics=topics), rest)
    assert route is not None
    assert route.topic is not None
    assert route.topic.target == target


@given(st.text(alphabet="admin/;.%20ADMIN\\25eEfF?#\u0131\uff41 ", max_size=24))
def test_whatever_a_client_writes_a_forgiving_backend_sees_no_guarded_topic_without_its_scope(text: str) -> None:
    """Against a reader that is written otherwise, and takes away what forgiving servers take away."""
    rest = f"/{quote(text, safe='/;%.')}"
    guarded = deployment(topics=[Topic("/admin", scopes=frozenset({"admin"})), ALL])
    read = rest
    for _ in range(8):
        read = unquote(read)
    read = re.sub(r"[?#\0].*", "", read, flags=re.DOTALL)
    read = "/".join(part.split(";")[0].strip().rstrip(". ") for part in read.replace("\\", "/").split("/"))
    if re.sub("/+", "/", f"/{read}/").lower() == "/admin/":
        route = route_to(guarded, rest)
        assert route is None or (route.topic is not None and route.topic.scopes == {"admin"})


def test_an_encoded_letter_does_not_slip_past_a_topics_scope() -> None:
    guarded = deployment(topics=[Topic("/admin", scopes=frozenset({"admin"})), ALL])
    route = route_to(guarded, "/%61dmin")
    assert route is not None
    assert route.topic
    assert route.topic.scopes == {"admin"}


@pytest.mark.parametrize(
    ("target", "mapping", "rest", "path"),
    [
        ("/rooms/{id}", "", "/rooms/7", "/rooms/7"),
        ("/rooms/{id}", "/r/{id}", "/rooms/caf%C3%A9", "/r/caf%C3%A9"),
        ("/rooms/{id}", "/r/{uri.var.id}/x", "/rooms/7", "/r/7/x"),
        ("/rooms/{id}", "r?room={id}", "/rooms/7", "/r?room=7"),
        ("/rooms/{id}", "?room={id}", "/rooms/7", "?room=7"),
        ("/rooms/{id}", "/fixed", "/rooms/7", "/fixed"),
        ("/rooms/{id}", "/{other}", "/rooms/7", "/{other}"),
        ("/{a}/{b}", "/{b}/{a}", "/1/2", "/2/1"),
        ("/files/*", "/store/*", "/files/a/b", "/store/a/b"),
        ("/files/*", "/store/*", "/files", "/store/"),
        ("/files/*", "/store", "/files/a", "/store"),
        ("/v{major}", "/{major}", "/v2", "/2"),
        ("/rooms/{id}", "/v?room={id}", "/rooms/a&role=admin", "/v?room=a%26role%3Dadmin"),
        ("/rooms/{id}", "/v?room={id}", "/rooms/a%26role=admin", "/v?room=a%26role%3Dadmin"),
        ("/rooms/{id}", "/v?room={id}", "/rooms/a+b", "/v?room=a%2Bb"),
        ("/rooms/{id}", "/v?room={id}", "/rooms/a%23b%3Fc%2Fd", "/v?room=a%23b%3Fc%2Fd"),
        ("/rooms/{id}", "/v?room={id}&x={id}", "/rooms/%ff", "/v?room=%FF&x=%FF"),
        ("/rooms/{id}", "/r/{id}", "/rooms/a;role=admin", "/r/a%3Brole%3Dadmin"),
        ("/rooms/{id}", "/r/{id}", "/rooms/a%3Fb", "/r/a%3Fb"),
        ("/rooms/{id}", "/r/{id}", "/rooms/%7Bother%7D", "/r/%7Bother%7D"),
        ("/rooms/{id}", "/r/{id}", "/rooms/a%252e", "/r/a%252e"),
        ("/files/*", "/v?file=*", "/files/a/b&role=admin", "/v?file=a/b%26role%3Dadmin"),
        ("/files/*", "/store/*", "/files/a;v=1/b", "/store/a;v=1/b"),
    ],
)
def test_a_mapping_says_what_the_backend_is_asked_for(target: str, mapping: str, rest: str, path: str) -> None:
    route = route_to(deployment(topics=[Topic(target, mapping=mapping)]), rest)
    assert route is not None
    assert route.backend_path == path


@pytest.mark.parametrize(
    ("address", "rest", "query", "url"),
    [
        ("ws://b:9", "", b"", "ws://b:9"),
        ("ws://b:9/", "", b"", "ws://b:9/"),
        ("ws://b:9/app", "", b"a=1", "ws://b:9/app?a=1"),
        ("ws://b:9/app", "/", b"", "ws://b:9/app"),
        ("ws://b:9/app/", "/", b"", "ws://b:9/app/"),
        ("ws://b:9/app", "/rooms/", b"", "ws://b:9/app/rooms/"),
        ("ws://b:9/app", "", b"q=\xe8\x81\x8a", "ws://b:9/app?q=%E8%81%8A"),
        ("ws://b:9/app", "", b"q=\xff%20", "ws://b:9/app?q=%FF%20"),
        ("ws://b:9/app/", "/rooms/7", b"a=%20&b", "ws://b:9/app/rooms/7?a=%20&b"),
        ("ws://b:9/app?key=1", "/rooms/7", b"a=2", "ws://b:9/app/rooms/7?key=1&a=2"),
        ("ws://b:9", "//evil.test/x", b"", "ws://b:9//evil.test/x"),
    ],
)
def test_the_backends_url_is_the_endpoint_the_path_and_the_query(
    address: str, rest: str, query: bytes, url: str
) -> None:
    route = route_to(deployment(), rest)
    assert route is not None
    assert backend_url(address, route, query) == url


def test_a_query_in_a_mapping_stands_before_the_clients() -> None:
    route = route_to(deployment(topics=[Topic("/rooms/{id}", mapping="/r?room={id}")]), "/rooms/7")
    assert route is not None
    assert backend_url("ws://b/app?key=1", route, b"a=2") == "ws://b/app/r?key=1&room=7&a=2"


def test_replacing_changes_what_is_named_and_leaves_the_old_table_as_it_was() -> None:
    old = RouteTable([deployment("/a", "1"), deployment("/b", "1")])
    new = old.replaced([deployment("/a", "1", state="RETIRED"), deployment("/c", "1")], gone=["/b@1", "/never@1"])
    assert [reached(old, path) for path in ("/a/1", "/b/1", "/c/1")] == ["/a@1", "/b@1", None]
    assert [reached(new, path) for path in ("/a/1", "/b/1", "/c/1")] == [None, None, "/c@1"]
    assert new.deployments.keys() == {"/a@1", "/c@1"}


# --- against a matcher that tries everything ------------------------------------------------------------------

_segments = st.sampled_from(["a", "b", "1", "1.0", "1.0.1", "2", "{version}"])
_contexts = st.lists(_segments, min_size=1, max_size=3).filter(
    lambda parts: parts.count("{version}") <= 1 and parts != ["{version}"]
)
_deployments = st.lists(
    st.builds(
        lambda parts, version, state, default, at: deployment(
            "/" + "/".join(parts), version, state=state, is_default=default, deployed_at=at
        ),
        _contexts,
        st.sampled_from(["1", "1.0", "1.0.1", "1.10", "2.1"]),
        st.sampled_from(["PUBLISHED", "PUBLISHED", "BLOCKED", "RETIRED"]),
        st.booleans(),
        st.floats(0, 9),
    ),
    max_size=8,
    unique_by=lambda each: each.api_id,
)
_paths = st.lists(st.sampled_from(["a", "b", "1", "1.0", "1.0.1", "1.1", "2", "x", ""]), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


@settings(max_examples=400, deadline=None)
@given(deployments=_deployments, path=_paths)
def test_the_table_finds_what_trying_everything_finds(deployments: list[Deployment], path: str) -> None:
    assert _outcome(RouteTable(deployments).match(path)) == _outcome(naive_match(deployments, path))


@given(before=_deployments, changed=_deployments, path=_paths)
def test_a_table_changed_step_by_step_equals_one_made_at_once(
    before: list[Deployment], changed: list[Deployment], path: str
) -> None:
    gone = [each.api_id for each in before[::2]]
    stepwise = RouteTable(before).replaced(changed, gone=gone)
    left = {each.api_id: each for each in [*before, *changed] if each.api_id not in gone}
    assert _outcome(stepwise.match(path)) == _outcome(RouteTable(left.values()).match(path))


def _outcome(match: Match | None) -> Any:
    return match and ([each.api_id for each in match.candidates], match.rest)


def naive_match(deployments: Iterable[Deployment], path: str) -> Match | None:
    """The rules at the head of `gateway.routing.table`, word by word, for one border of the path after the other."""
    every = list(deployments)
    for border in sorted({len(path), *(at for at, letter in enumerate(path) if letter == "/" and at)}, reverse=True):
        prefix, rest = path[:border], path[border:]
        plain = [each for each in every if each.context == prefix]
        if any(each.is_served for each in plain):
            return _below(plain, rest) or _by_default(plain, rest, hidden=_named(plain, _first(rest)))
        inside = [each for each in every if "{version}" in each.context and _says(each, prefix) is not None]
        if any(each.is_served for each in inside):
            exact = [each for each in inside if _says(each, prefix) == each.version]
            return Match(_sorted(exact) or _sorted(inside), rest)
        if inside or _named(plain, _first(rest)):
            return None
        unnamed = [each for each in every if each.context.replace("/{version}", "") == prefix != each.context]
        if found := _by_default(unnamed, rest):
            return found
    return None


def _below(plain: list[Deployment], rest: str) -> Match | None:
    named = _named(plain, _first(rest))
    exact = [each for each in named if each.version == _first(rest)]
    chosen = _sorted(exact) or _sorted(named)
    return Match(chosen, rest[1 + len(_first(rest)) :]) if chosen else None


def _by_default(some: list[Deployment], rest: str, hidden: list[Deployment] | None = None) -> Match | None:
    claims = [each for each in some if each.is_served and each.is_default]
    if hidden or not claims:
        return None
    return Match((max(claims, key=lambda each: (each.deployed_at, each.rank, each.version)),), rest)


def _named(some: list[Deployment], segment: str) -> list[Deployment]:
    return [each for each in some if each.version == segment or each.version.startswith(f"{segment}.")]


def _says(each: Deployment, prefix: str) -> str | None:
    """What `prefix` has in the place of `{version}`, if that is a prefix of the version and all else is equal."""
    contended, given = each.context.split("/"), prefix.split("/")
    if len(contended) != len(given):
        return None
    said = given[contended.index("{version}")]
    return said if [said if w == "{version}" else w for w in contended] == given and _named([each], said) else None


def _sorted(some: list[Deployment]) -> tuple[Deployment, ...]:
    return tuple(sorted((e for e in some if e.is_served), key=lambda e: (e.rank, e.version), reverse=True))


def _first(rest: str) -> str:
    return rest[1:].split("/")[0]


@pytest.mark.parametrize(
    ("rest", "path"),
    [
        ("/r%C3%A4ume/%E8%81%8A", "/%E8%81%8A%E5%A4%A9/%E8%81%8A"),
        ("/r%C3%A4ume/a%20b", "/%E8%81%8A%E5%A4%A9/a%20b"),
    ],
)
def test_topics_and_their_mappings_are_in_any_script_and_the_backend_is_asked_in_ascii(rest: str, path: str) -> None:
    made = deployment(topics=[Topic("/räume/{name}", mapping="/聊天/{uri.var.name}")])
    route = route_to(made, rest)
    assert route is not None
    assert backend_url("ws://b:9/", route, b"") == f"ws://b:9{path}"


@pytest.mark.parametrize(("answers", "takes"), [((True, True), True), ((False, False), False), ((True, False), True)])
def test_access_token_is_the_backends_where_no_version_that_may_be_meant_takes_it(
    answers: tuple[bool, bool], takes: bool
) -> None:
    table = RouteTable(deployment("/a", f"1.{minor}", query_token=each) for minor, each in enumerate(answers))
    assert table.takes_query_token("/a/1") is takes
    assert table.takes_query_token("/elsewhere")
