"""Fill an installation with APIs, people, applications and subscriptions, as many as a large one has.

Everything is made in batches from numbers alone, so that the same command makes the same installation. Its people are
`sample.creator.N` and `sample.developer.N`; none of them has a password. What is there already stays; numbers go on
after the last that was made. The first application of a run is subscribed to `WIDEST` of its APIs, the others to as
many as their number asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from itertools import chain, islice
from typing import Any, Final

from django.contrib.auth.hashers import make_password
from django.db import models, transaction

from accounts.models import RoleGrant, User
from accounts.roles import Role
from core.audit import record
from core.rows import batches
from devportal.deny_policies import DenyCondition
from devportal.models import Application, ApplicationPlan, DenyPolicy, KeyType, OAuthClient, Subscription
from publisher import snapshots
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.lifecycle import State
from publisher.models import Api, Category, Plan, Revision
from publisher.operations import search_texts

BATCH: Final = 1000
OF_A_PERSON: Final = 100  # APIs of a creator, applications of a developer
WIDEST: Final = 1000
TOPICS: Final = ("harbours", "weather", "freight", "prices", "energy", "transit", "matches", "markets", "news", "rooms")
KINDS: Final = ("live", "history", "alerts", "forecast", "orders", "positions", "quotes", "scores")
BACKEND: Final = "ws://localhost:9900/echo"


@dataclass(frozen=True)
class Wish:
    """How many rows of each kind are to be added."""

    apis: int = 0
    applications: int = 0
    subscriptions: int = 0
    deny_policies: int = 0


def fill(wish: Wish, *, now: datetime, say: Callable[[str], None]) -> None:
    """Add what is wished for; `say` hears of each kind. Needs the rows that a first start makes."""
    apis = _apis(wish.apis, now)
    say(f"{len(apis)} APIs")
    applications = _applications(wish.applications, now)
    say(f"{len(applications)} applications with keys")
    say(f"{_subscriptions(wish.subscriptions, applications, apis, now)} subscriptions")
    # On addresses of the block that is set aside for benchmarks (RFC 2544) and those after it.
    first = int(IPv4Address("198.18.0.0")) + DenyPolicy.objects.filter(kind=DenyCondition.IP).count()
    _insert(
        DenyPolicy(kind=DenyCondition.IP, value=str(IPv4Address(address)), created_at=now, updated_at=now)
        for address in range(first, first + wish.deny_policies)
    )
    say(f"{wish.deny_policies} deny policies")
    with transaction.atomic():
        record(actor=None, verb="samples.made", kind="samples", object_id="", now=now, detail=vars(wish))


def _apis(wished: int, now: datetime) -> list[Api]:
    """Published APIs, each with its deployed revision, plans and one of the categories."""
    begin = _next_number("/sample-", Api.objects.values_list("context", flat=True))
    creators = _people("creator", Role.CREATOR, wished, now)
    plans = list(Plan.objects.order_by("pk"))
    categories = [
        Category.objects.get_or_create(name=topic.title(), defaults={"description": f"All about {topic}."})[0]
        for topic in TOPICS
    ]
    options = EndpointOptions().to_document()
    endpoint = Endpoint(BACKEND).to_document()
    apis = []
    for number in range(begin, begin + wished):
        topic, kind = TOPICS[number % 10], KINDS[number // 10 % 8]
        at = now - timedelta(minutes=number)
        design = Api(
            name=f"{topic.title()}{kind.title()}{number}",
            context=f"/sample-{number}",
            version="1.0.0",
            description=f"The {kind} of {topic}, as they happen. An API to see how many of them fare.",
            tags=[topic, kind, f"team-{number % 97}"],
            provider=creators[(number - begin) // OF_A_PERSON],
            state=State.PUBLISHED.value,
            production=endpoint,
            sandbox=endpoint,
            endpoint_options=options,
            topics=[{"target": "/*", "verbs": ["publish", "subscribe"], "mapping": "", "scopes": []}],
            revisions_made=1,
            created_at=at,
            updated_at=at,
            published_at=at,
            deployed_at=at,
        )
        apis.append(design)
    names = [plan.name for plan in plans]
    for batch in batches(apis, BATCH):
        revisions = [
            Revision(api=api, number=1, snapshot=snapshots.take(api, names), created_by=api.provider, created_at=now)
            for api in batch
        ]
        with transaction.atomic():
            Api.objects.bulk_create(batch)
            Revision.objects.bulk_create(revisions)
            for api, revision in zip(batch, revisions, strict=True):
                api.deployed_revision = revision
            Api.objects.bulk_update(batch, ["deployed_revision"], batch_size=200)
            _insert(Api.plans.through(api_id=api.pk, plan_id=plan.pk) for api in batch for plan in plans)
            _insert(
                Api.categories.through(api_id=api.pk, category_id=categories[TOPICS.index(api.tags[0])].pk)
                for api in batch
            )
            search_texts.write(Api.objects.filter(pk__in=[api.pk for api in batch]))
    return apis


def _applications(wished: int, now: datetime) -> list[Application]:
    """Applications, each with production keys whose secret nobody knows."""
    begin = _next_number("sample ", Application.objects.values_list("name", flat=True))
    developers = _people("developer", Role.SUBSCRIBER, wished, now)
    plan = ApplicationPlan.objects.order_by("pk")[0]
    secret = make_password(None)
    applications = [
        Application(
            owner=developers[(number - begin) // OF_A_PERSON],
            name=f"sample {number}",
            description="One of many.",
            plan=plan,
            created_at=now - timedelta(minutes=number),
            updated_at=now,
        )
        for number in range(begin, begin + wished)
    ]
    for batch in batches(applications, BATCH):
        with transaction.atomic():
            Application.objects.bulk_create(batch)
            _insert(
                OAuthClient(
                    application=each,
                    user=each.owner,
                    key_type=KeyType.PRODUCTION,
                    name=f"{each.name} (production)",
                    client_type=OAuthClient.CLIENT_CONFIDENTIAL,
                    authorization_grant_type=OAuthClient.GRANT_CLIENT_CREDENTIALS,
                    grant_types=["client_credentials"],
                    client_secret=secret,
                    hash_client_secret=False,
                    algorithm=OAuthClient.RS256_ALGORITHM,
                )
                for each in batch
            )
    return applications


def _subscriptions(wished: int, applications: list[Application], apis: list[Api], now: datetime) -> int:
    """Subscriptions of the new applications to the new APIs; as many as there can be, if more are wished for."""
    if not applications or not apis:
        return 0
    plans = list(Plan.objects.order_by("pk"))
    pairs = chain(
        ((applications[0], api) for api in apis[:WIDEST]),
        (
            (application, apis[(number * 7 + turn) % len(apis)])
            for turn in range(len(apis))
            for number, application in enumerate(applications[1:])
        ),
    )
    made = 0
    for batch in batches(islice(pairs, wished), BATCH):
        _insert(
            Subscription(
                application=application,
                api=api,
                plan=plans[made % len(plans)],
                created_at=now - timedelta(seconds=made + number),
                updated_at=now,
            )
            for number, (application, api) in enumerate(batch)
        )
        made += len(batch)
    return made


def _people(kind: str, role: Role, their_things: int, now: datetime) -> list[User]:
    """As many people as it takes to own so many things, with a role."""
    number = -(-their_things // OF_A_PERSON)
    begin = _next_number(f"sample.{kind}.", User.objects.values_list("username", flat=True))
    password = make_password(None)
    people = [
        User(username=f"sample.{kind}.{each}", password=password, date_joined=now)
        for each in range(begin, begin + number)
    ]
    with transaction.atomic():
        User.objects.bulk_create(people, batch_size=BATCH)
        _insert(RoleGrant(user=user, role=role.value) for user in people)
    return people


def _next_number(stem: str, names: Iterable[Any]) -> int:
    """The number after the last that a name which begins with `stem` ends in."""
    found = (str(name).removeprefix(stem) for name in names if str(name).startswith(stem))
    return max((int(rest) for rest in found if rest.isdecimal()), default=0) + 1


def _insert(rows: Iterable[models.Model]) -> None:
    for batch in batches(rows, BATCH):
        type(batch[0])._default_manager.bulk_create(batch)
