"""Which deployed API a path names, and what of the path goes on to its backend. Pure.

The rules, in order:

1. The longest context of a deployed API that prefixes the path at a segment border. A context with `{version}` in it
   prefixes a path that holds, in that place, a version of it or a dotted prefix of one.
2. The next segment (or the one in the place of `{version}`) is an exact version; else the dotted prefix of some, of
   which the highest is taken, preferring those that the caller's application is subscribed to; else, if it is neither,
   the default version is meant and the segment belongs to the topic.
3. What remains is the topic.

A version that exists but is not served (created, retired, not deployed) still owns its name: asking for it finds
nothing, rather than another version by default.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlencode

from gateway.routing.deployment import VERSION, Deployment
from gateway.routing.topics import Topic
from publisher.uris import percent_encoded
from publisher.versions import prefixes

if TYPE_CHECKING:
    from publisher.endpoint import EndpointOptions


@dataclass(frozen=True, slots=True)
class Route:
    """A path understood: the API, the topic, and the path that its backend is asked for (`backend_path`)."""

    deployment: Deployment
    topic: Topic | None
    rest: str
    backend_path: str

    @property
    def api_id(self) -> str:
        """The id of the API's row, as text."""
        return self.deployment.api_id

    @property
    def options(self) -> EndpointOptions:
        """The advanced configuration of the endpoint."""
        return self.deployment.design.options


@dataclass(frozen=True, slots=True)
class Match:
    """The deployed versions that a path may mean, best first (never none), and what remains of the path."""

    candidates: tuple[Deployment, ...]
    rest: str

    @property
    def api_ids(self) -> tuple[str, ...]:
        """The ids of the candidates: what may be called by subscription has to be asked of these alone."""
        return tuple([each.api_id for each in self.candidates])

    def route(self, *preferred: Container[str]) -> Route | None:
        """The route to the best candidate whose API id is in the first container that holds any; else to the first.

        None when that version has no such topic.
        """
        wanted = (each for held in preferred for each in self.candidates if each.api_id in held)
        return route_to(next(wanted, self.candidates[0]), self.rest)


def route_to(deployment: Deployment, rest: str) -> Route | None:
    """The route for what remains of a path below the version; None when the API has no such topic.

    A slash alone is no topic: browsers and libraries add it where a path is empty.
    """
    rest = "" if rest == "/" else rest
    found = deployment.design.topics.find(rest)
    return Route(deployment, found.topic, rest, found.backend_path) if found else None


def backend_url(address: str, route: Route, query_string: bytes, own: Mapping[str, str] | None = None) -> str:
    """The URL to dial: the endpoint's address, the route's path, and the client's query string unchanged.

    A query in the address or in the topic's mapping is kept, in front of the client's; so are parameters of the
    endpoint's `own`, and what a client sends under their names is left out.
    """
    if own:
        names = ((pair, pair.partition(b"=")[0].decode("latin-1")) for pair in query_string.split(b"&") if pair)
        kept = [pair for pair, name in names if unquote_plus(name) not in own]
        query_string = b"&".join([urlencode(own).encode(), *kept])
    base, _, own_query = address.partition("?")
    path, _, mapped_query = route.backend_path.partition("?")
    if path:
        base = base.rstrip("/")
    query = "&".join(part for part in (own_query, mapped_query, percent_encoded(query_string)) if part)
    return f"{base}{path}?{query}" if query else f"{base}{path}"


class RouteTable:
    """All routes at one moment. It never changes: a change makes another table, and the swap is one assignment.

    What a prefix can mean is worked out when a path asks for it first, and kept: of most APIs nobody asks for long.
    `deployments` and `working_copies` are there to be read, by the id of the API.
    """

    __slots__ = ("_longest", "_members", "_prefixes", "_trials", "deployments", "version", "working_copies")

    def __init__(self, deployments: Iterable[Deployment] = ()) -> None:
        self.version = object()
        self.deployments: dict[str, Deployment] = {}
        self._members: dict[str, tuple[Deployment, ...]] = {}
        self._prefixes: dict[str, _Prefix] = {}
        self._longest = 0
        self._trials: dict[str, Deployment] = {}
        self.working_copies: dict[str, Deployment] = {}
        for deployment in deployments:
            self._add(deployment)

    def match(self, path: str) -> Match | None:
        """What the raw path of a handshake (percent-encoding kept, no query) may mean; None: nothing here."""
        border = len(path)
        while border > 0:
            if border <= self._longest and (members := self._members.get(key := path[:border])):
                prefix = self._prefixes.get(key) or self._prefixes.setdefault(key, _Prefix(key, members))
                answer = prefix.resolve(path[border:])
                if answer is not _PASS:
                    return answer if isinstance(answer, Match) else None
            border = path.rfind("/", 0, min(border, self._longest + 1))
        return None

    def tried(self, path: str, api_id: str) -> Match | None:
        """The same in the working copy of one API: its exact address only."""
        copy = self.working_copies.get(api_id)
        if copy is None or not f"{path}/".startswith(f"{copy.address}/"):
            return None
        return Match((copy,), path.removeprefix(copy.address))

    def trial(self, path: str) -> Match | None:
        """The same among those that are on trial, which `match` never finds. Only their exact addresses count."""
        border, longest = len(path), max(map(len, self._trials), default=0)
        while border > 0:
            if border <= longest and (deployment := self._trials.get(path[:border])):
                return Match((deployment,), path[border:])
            border = path.rfind("/", 0, min(border, longest + 1))
        return None

    def takes_query_token(self, path: str) -> bool:
        """Whether `access_token` in the query may be a token here; else it is the backend's."""
        match = self.match(path)
        return match is None or any(candidate.query_token for candidate in match.candidates)

    def replaced(self, changed: Iterable[Deployment], gone: Iterable[str] = ()) -> RouteTable:
        """Another table in which `changed` stand as given and the APIs with the ids `gone` are no more."""
        table = RouteTable()
        table.deployments = dict(self.deployments)
        table._members = dict(self._members)
        table._prefixes = dict(self._prefixes)
        table._longest = self._longest
        table._trials = dict(self._trials)
        table.working_copies = dict(self.working_copies)
        for deployment in changed:
            table._remove(deployment.api_id)
            table._add(deployment)
        for api_id in gone:
            table._remove(api_id)
        return table

    def _add(self, deployment: Deployment) -> None:
        self.deployments[deployment.api_id] = deployment
        if deployment.is_on_trial:
            self._trials[deployment.address] = deployment
        if deployment.working_copy:
            self.working_copies[deployment.api_id] = deployment.working_copy
        for key in _keys(deployment):
            self._members[key] = (*self._members.get(key, ()), deployment)
            self._prefixes.pop(key, None)
            self._longest = max(self._longest, len(key))

    def _remove(self, api_id: str) -> None:
        deployment = self.deployments.pop(api_id, None)
        self.working_copies.pop(api_id, None)
        if deployment and deployment.is_on_trial:
            self._trials.pop(deployment.address, None)
        for key in _keys(deployment) if deployment else ():
            self._prefixes.pop(key, None)
            if left := tuple(member for member in self._members[key] if member.api_id != api_id):
                self._members[key] = left
            else:
                del self._members[key]


class _Pass:
    """Says that a shorter context is to be tried."""


_PASS = _Pass()


class _Prefix:
    """What one string in front of a path can mean: a context, or one with a version (or nothing) for `{version}`."""

    __slots__ = ("_by_segment", "_default", "_is_context", "_named")

    def __init__(self, key: str, members: tuple[Deployment, ...]) -> None:
        plain = [member for member in members if member.context == key]
        named = [member for member in members if member.context != key != member.context.replace(f"/{VERSION}", "")]
        exact = [member for member in named if member.context.replace(VERSION, member.version) == key]
        unnamed = [member for member in members if member.context != key == member.context.replace(f"/{VERSION}", "")]
        reaching: dict[str, list[Deployment]] = {}  # each exact version and dotted prefix of one
        for member in plain:
            for prefix in prefixes(member.version):
                reaching.setdefault(prefix, []).append(member)
        self._by_segment = {
            segment: _best_first(meant, [each for each in meant if each.version == segment])
            for segment, meant in reaching.items()
        }
        self._named = _best_first(named, exact) if named else None
        self._is_context = any(member.is_served for member in plain)
        claims = plain if self._is_context else unnamed
        self._default = max(
            (member for member in claims if member.is_served and member.is_default),
            key=lambda member: (member.deployed_at, member.rank, member.version),  # of several the one deployed last
            default=None,
        )

    def resolve(self, rest: str) -> Match | _Pass | None:
        """The versions meant by what follows this prefix; None: nothing is served there; pass: try a shorter one."""
        segment, slash, below = rest[1:].partition("/")
        candidates = self._by_segment.get(segment)
        if self._is_context and candidates:
            return Match(candidates, slash + below)
        if not self._is_context and self._named:
            return Match(self._named, rest)
        if candidates is not None or self._named is not None:
            return None
        if self._default:
            return Match((self._default,), rest)
        return None if self._is_context else _PASS


def _keys(deployment: Deployment) -> list[str]:
    if VERSION not in deployment.context:
        return [deployment.context]
    default = [deployment.context.replace(f"/{VERSION}", "")] if deployment.is_default else []
    return [*(deployment.context.replace(VERSION, prefix) for prefix in prefixes(deployment.version)), *default]


def _best_first(meant: list[Deployment], exact: list[Deployment]) -> tuple[Deployment, ...]:
    """The served one among the exact ones; else all that are served, the highest version first."""
    served = [each for each in exact if each.is_served] or [each for each in meant if each.is_served]
    return tuple(sorted(served, key=lambda each: (each.rank, each.version), reverse=True))
