"""Requests that nobody would write, to every operation of the REST API as every role: no fault, no broken promise."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.core.cache import cache as django_cache
from django.db import transaction
from django.test import Client

from accounts.models import User
from apimanager.documents import ADMIN, DEVPORTAL, GATEWAY, PUBLISHER
from publisher import operations as publishing
from tests.attack.contract import DOCUMENTS, SEED, Sent, generated, operations_of, violations
from tests.conformance.length import times
from tests.devportal import builders
from tests.publisher.builders import NOW, make_api, plans

BASES = {"publisher": PUBLISHER, "devportal": DEVPORTAL, "admin": ADMIN, "gateway": GATEWAY}
ROLES = ["admin", "alice", "bob", "carol", "mallory", "oscar", "nobody"]
# Requests of each operation; only the first is sent as every role.
FITTING, UNFITTING, MUTATED = times(1, 4), times(1, 4), times(2, 10)


@pytest.fixture
def browsers(admin: User, alice: User, bob: User, carol: User, mallory: User, observer: User) -> dict[str, Client]:
    """Everybody's client; that of `nobody` is not signed in. A fault is an answer."""
    people = {"admin": admin, "alice": alice, "bob": bob, "carol": carol, "mallory": mallory, "oscar": observer}
    found = {"nobody": Client(raise_request_exception=False)}
    for name, person in people.items():
        found[name] = Client(raise_request_exception=False)
        found[name].force_login(person)
    return found


@pytest.fixture
def known(admin: User, carol: User, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One of each thing that there is, by the names of the paths. Nobody is asked for the address of a host."""
    monkeypatch.setattr("publisher.ssrf.resolve_in_time", lambda host, port: [])
    api = make_api(admin, plans=plans("Gold", "Silver"), publish=True)
    revision = publishing.create_revision(api=api, actor=admin, now=NOW)
    application = builders.application(carol)
    keys = builders.keys(application)
    subscription = builders.subscription(application, api)
    return {
        "api_id": str(api.pk),
        "apiId": str(api.pk),
        "revision_id": str(revision.pk),
        "application_id": str(application.pk),
        "key_mapping_id": str(keys.client.pk),
        "subscription_id": str(subscription.pk),
        "user_id": str(carol.pk),
        "name": "Gold",
    }


@pytest.fixture(autouse=True)
def no_throttles() -> Iterator[None]:
    """Attempts are not counted from one test to another."""
    django_cache.clear()
    yield
    django_cache.clear()


def ask(browser: Client, document: str, sent: Sent, known: dict[str, str]) -> Any:
    """Send it, and leave everything as it was."""
    with transaction.atomic():
        answer = browser.generic(
            sent.method,
            BASES[document] + sent.at(known),
            sent.body or b"",
            content_type="application/json",
            secure=True,
        )
        transaction.set_rollback(True)
    return answer


def asking(number: int, dice: random.Random) -> list[str]:
    """Who sends the request of this number: everybody the first one, and of those behind it each some."""
    return ROLES if number == 0 else some(dice)


def some(dice: random.Random) -> list[str]:
    """One who may do everything, and another."""
    return ["admin", dice.choice(ROLES[1:])]


def told(operation: Any, who: str, sent: Sent, broken: str) -> str:
    """A finding, with what it takes to see it again."""
    return f"{operation.label} as {who}: {broken}\n    {sent}"


@cache
def asked_of(document: str) -> list[tuple[Any, list[Sent], list[Sent]]]:
    """Its operations, each with requests that fit its description and that do not. To make these takes longest."""
    return [
        (
            operation,
            generated(operation, FITTING, fitting=True),
            generated(operation, UNFITTING, fitting=False) if _has_input(operation) else [],
        )
        for operation in operations_of(document)
    ]


# All in one process: both tests of a document ask the same, and to load Schemathesis takes seconds.
pytestmark = pytest.mark.xdist_group("contract")
each_document = pytest.mark.parametrize("document", DOCUMENTS)


@pytest.mark.django_db
@each_document
def test_answers_are_as_the_documents_say_whatever_is_asked(
    browsers: dict[str, Client], known: dict[str, str], document: str
) -> None:
    dice = random.Random(SEED)  # noqa: S311  the same throws each time
    found = []
    for operation, fitting, unfitting in asked_of(document):
        for number, sent in enumerate([*fitting, *unfitting]):
            for who in asking(number, dice):
                answer = ask(browsers[who], document, sent, known if number % 3 else {})
                found += [told(operation, who, sent, broken) for broken in violations(operation, sent, answer)]
    assert not found, summary(found)


@pytest.mark.django_db
@each_document
def test_no_mutation_of_a_request_is_a_fault(browsers: dict[str, Client], known: dict[str, str], document: str) -> None:
    dice = random.Random(SEED)  # noqa: S311  the same throws each time
    found = []
    for operation, (whole, *_), _ in asked_of(document):
        for mutate in dice.sample(MUTATIONS, MUTATED):
            sent = mutate(whole, dice)
            for who in some(dice):
                answer = ask(browsers[who], document, sent, known if dice.random() < 0.7 else {})
                found += [told(operation, who, sent, broken)[:1000] for broken in violations(operation, sent, answer)]
    assert not found, summary(found)


def summary(found: list[str]) -> str:
    """One finding of each kind."""
    kinds = {re.sub(r" as \w+:|'.*|\d{4,}", "", each.partition("\n")[0])[:110]: each for each in found}
    return "\n".join([f"{len(found)} findings of {len(kinds)} kinds", *list(kinds.values())[:40]])


def _has_input(operation: Any) -> bool:
    return bool(list(operation.iter_parameters()) or list(operation.body))


# --- mutations -------------------------------------------------------------------------------------------------------

Mutation = Callable[[Sent, random.Random], Sent]
NAMES = (
    "name",
    "query",
    "limit",
    "plans",
    "context",
    "roles",
    "endpointConfig",
    "operations",
    "policies",
    "callbackUrl",
)
QUERIES = (
    "limit=%00&offset=%00&query=%00",
    "query=%ED%A0%80&sortBy=%ED%A0%80",
    "query=%FF%FE&role=%FF",
    f"limit={'9' * 5000}&offset={'9' * 5000}",
    "limit=-1&offset=-9223372036854775809",
    "limit=1e999&offset=NaN",
    f"query={'a%20' * 3000}",
    "&".join(f"query={number}" for number in range(500)),
    "revisionId=%00&apiId=%00&applicationId=%00&action=%00",
    "action=%F0%9F%92%A9&apiId=[]&revisionId={}",
)
TEXTS = (r'"\ud800"', r'"\udfff x"', r'"a\u0000b"', '"' + "x" * 100_000 + '"', '"\\u202e\\ufdfd"', '""', '" "')
NUMBERS = ("1e400", "-1e400", "9" * 400, "-" + "9" * 5000, "1.5", "0", "-1", "9223372036854775808", "NaN", "Infinity")
ODD = ("null", "true", "[]", "{}", "[null]", '{"a":{}}')


def _fields(sent: Sent) -> list[str]:
    try:
        document = json.loads(sent.body or b"")
    except ValueError:
        return list(NAMES)
    return [*document, *NAMES[:3]] if isinstance(document, dict) and document else list(NAMES)


def _with(sent: Sent, body: str | bytes) -> Sent:
    return Sent(sent.method, sent.path, sent.names, sent.query, body if isinstance(body, bytes) else body.encode())


def _one_field(values: tuple[str, ...]) -> Mutation:
    def mutate(sent: Sent, dice: random.Random) -> Sent:
        """Another value for some fields, the others as they were."""
        try:
            document = json.loads(sent.body or b"{}")
        except ValueError:
            document = {}
        written = {name: json.dumps(each) for name, each in document.items()} if isinstance(document, dict) else {}
        for name in dice.sample(_fields(sent), 2):
            written[name] = dice.choice(values)
        return _with(sent, "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in written.items()) + "}")

    return mutate


def _every_field(values: tuple[str, ...]) -> Mutation:
    def mutate(sent: Sent, dice: random.Random) -> Sent:
        """Another value for each of the fields."""
        names = dict.fromkeys(_fields(sent))
        return _with(sent, "{" + ",".join(f"{json.dumps(name)}:{dice.choice(values)}" for name in names) + "}")

    return mutate


def _deep(sent: Sent, dice: random.Random) -> Sent:
    depth, name = dice.choice([50, 2_000, 100_000]), dice.choice(_fields(sent))
    begins, ends = dice.choice([("[", "]"), ('{"a":', "}")])
    inside = begins * depth + ("1" if begins != "[" else "") + ends * depth
    return _with(sent, dice.choice([inside, f"{{{json.dumps(name)}:{inside}}}"]))


def _large(sent: Sent, dice: random.Random) -> Sent:
    name, many = json.dumps(dice.choice(_fields(sent))), dice.choice(['"a"', "{}", "1", "[]"])
    return _with(sent, f"{{{name}:[{','.join([many] * 20_000)}]}}")


def _twice(sent: Sent, dice: random.Random) -> Sent:
    name = json.dumps(dice.choice(_fields(sent)))
    return _with(sent, f'{{{name}:"a",{name}:{{}},{name}:1,"\\ud800":1,"\\ud800":2,"":0}}')


def _no_json(sent: Sent, dice: random.Random) -> Sent:
    return _with(
        sent,
        dice.choice(
            [
                b"",
                b"\xff\xfe{\x00}\x00",
                b"\xef\xbb\xbf{}",
                b'{"name":"\xff"}',
                b"{",
                b"null",
                b'"text"',
                b"[]",
                b"1",
                b"\0",
            ]
        ),
    )


def _other_query(sent: Sent, dice: random.Random) -> Sent:
    return Sent(sent.method, sent.path, sent.names, dice.choice(QUERIES), sent.body)


def _other_path(sent: Sent, dice: random.Random) -> Sent:
    odd = (
        "%00",
        "%ED%A0%80",
        "..%2F..",
        "9" * 400,
        "%FF",
        "a" * 4000,
        "%C2%A0",
        "-1",
        "0",
        "%F0%9F%92%A9",
        "null",
        "%0A",
    )
    names = tuple((f"{name}", dice.choice(odd)) for name, _ in sent.names)
    path = sent.path
    for name, _ in names:
        path = path.replace(f"{{{name}}}", f"{{odd_{name}}}")  # whatever is known, this is not
    return Sent(sent.method, path, tuple((f"odd_{name}", value) for name, value in names), sent.query, sent.body)


MUTATIONS: list[Mutation] = [
    _one_field(TEXTS),
    _one_field(NUMBERS),
    _one_field(ODD),
    _every_field(TEXTS),
    _every_field((*TEXTS, *NUMBERS, *ODD)),
    _deep,
    _large,
    _twice,
    _no_json,
    _other_query,
    _other_path,
]
