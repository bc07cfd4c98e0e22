"""Pages and lists of an installation ask the database as often for many rows as for a few."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application
from publisher import queries
from publisher.models import Api
from tests.publisher.builders import plans

pytestmark = pytest.mark.django_db

MOST_BYTES = 200_000


def addresses(api: Api, application: Application) -> Iterator[tuple[str, bool]]:
    """What is asked for, and whether the developer asks in place of the administrator."""
    yield from ((path, False) for path in ("/publisher/apis", "/admin/users", "/devportal/apis"))
    yield from ((f"/publisher/apis/{api.pk}{path}", False) for path in ("", "/subscriptions"))
    yield from ((f"/devportal/apis/{api.pk}{path}", False) for path in ("", "/credentials"))
    for path in ("publisher/v4/apis", "publisher/v4/subscriptions", "devportal/v3/apis"):
        yield f"/api/am/{path}?limit=25", False
    yield "/api/am/admin/v4/throttling/deny-policies?limit=25", False
    yield "/devportal/applications", True
    yield f"/devportal/applications/{application.pk}", True
    yield f"/devportal/applications/{application.pk}/subscriptions", True
    yield "/api/am/devportal/v3/applications?limit=25", True
    yield f"/api/am/devportal/v3/subscriptions?applicationId={application.pk}&limit=25", True


def test_many_rows_cost_no_more_questions_than_a_few(admin: User) -> None:
    plans()
    ensure_application_plans()
    call_command("sample", "--apis", "1", "--applications", "1", stdout=StringIO())  # to which nobody else subscribes
    counts = []
    for apis in (5, 40):  # fewer than a page has rows, and more
        sample = ["--apis", str(apis), "--applications", str(apis), "--subscriptions", str(2 * apis)]
        call_command("sample", *sample, "--deny-policies", str(apis), stdout=StringIO())
        application = Application.objects.get(name="sample 2" if apis == 5 else "sample 7")
        counts.append(list(asked(admin, application)))
    few, many = counts
    assert [each for each in zip(few, many, strict=True) if each[0] != each[1]] == []


IN_ORDER = [
    *(f"/publisher/apis?sort={sort}" for sort in queries.SORTS if "state" not in sort),
    *(f"/api/am/publisher/v4/apis?sortBy={sort}" for sort in ("apiName", "createdTime", "updatedTime")),
    *("/devportal/apis", "/devportal/apis?versions=all", "/api/am/devportal/v3/apis"),
    *("/admin/deny-policies", "/admin/audit-log", "/admin/connections?state=ended", "/admin/users", "/admin/approvals"),
    *("/api/am/publisher/v4/subscriptions", "/api/am/admin/v4/audit-log", "/api/am/admin/v4/throttling/deny-policies"),
]
"""Lists of all that there is: their rows are met in the order of an index, and reading ends with the page."""


def test_a_list_of_everything_is_met_in_its_order_and_not_sorted(admin: User, client: Client) -> None:
    client.force_login(admin)
    sorting = []
    for path in IN_ORDER:
        with CaptureQueriesContext(connection) as questions:
            assert client.get(path).status_code == 200, path
        for question in questions:
            if "ORDER BY" in question["sql"] and "LIMIT" in question["sql"]:
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN QUERY PLAN {question['sql']}")
                    if any("TEMP B-TREE FOR ORDER BY" in plan for *_, plan in cursor.fetchall()):
                        sorting.append((path, question["sql"]))
    assert sorting == []


def asked(admin: User, application: Application) -> Iterator[tuple[str, int]]:
    """How many questions each page asks, by its address without ids."""
    api = Api.objects.filter(subscriptions__application=application).order_by("context")[0]
    people = {False: Client(), True: Client()}
    people[False].force_login(admin)
    people[True].force_login(application.owner)
    for path, is_developer in addresses(api, application):
        numbers = []
        for _ in range(2):  # what is asked once, or again after some seconds, is not asked both times
            with CaptureQueriesContext(connection) as questions:
                answer = people[is_developer].get(path)
            assert answer.status_code == 200, path
            assert len(answer.content) < MOST_BYTES, path
            numbers.append(len(questions))
        yield path.replace(str(api.pk), "API").replace(str(application.pk), "APPLICATION"), min(numbers)
