"""Every page asks the database as often with twice as many rows of everything: what it shows does not multiply queries.

The pages are those of the gallery (`tests.journeys.test_every_page`), so a page that is added there is looked at here.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import installation
from accounts.models import User
from accounts.roles import Role
from apimanager.filling import Wish, fill
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, Subscription
from publisher import operations
from publisher.bootstrap import ensure_default_plans
from publisher.comment_terms import EntryPoint
from publisher.lifecycle import Action
from publisher.models import Api, LifecycleRequest, Plan
from publisher.operations import comments, documents, scopes
from tests import product_actions
from tests.journeys.test_every_page import FIRST_VISITS, Visit

PEOPLE = {
    "alice": [Role.CREATOR],
    "bob": [Role.PUBLISHER],
    "carol": [Role.SUBSCRIBER],
    "mallory": [Role.SUBSCRIBER],
    "oscar": [Role.OBSERVER],
    "admin": [Role.ADMIN],
}
MORE = 3


def grow(world: dict[str, Any], turn: int) -> None:
    """More of everything that a page lists."""
    now, admin = timezone.now() + timedelta(minutes=2 * turn), User.objects.get(username="admin")
    fill(Wish(apis=MORE, applications=MORE, subscriptions=2 * MORE, deny_policies=MORE), now=now, say=str)
    api, by = Api.objects.get(pk=world["api"]), {"actor": admin, "now": now}
    topics = list(api.topics)
    for number in range(MORE):
        name = f"more-{turn}-{number}"
        documents.create_document(api=api, fields={"name": name, "content": "x"}, **by)
        said = {"api": api, "entry_point": EntryPoint.PUBLISHER, **by}
        comments.create_comment(text="y", parent=comments.create_comment(text="x", **said), **said)
        scopes.create_scope(api=api, fields={"name": f"{name}:own"}, **by)
        scopes.create_scope(api=None, fields={"name": f"{name}:shared"}, **by)
        operations.create_category(name=name, actor=admin, now=now)
        operations.create_version(api=api, version=f"9.{turn}.{number}", actor=admin, now=now)
        application = product_actions.application("carol", name)["application"]
        plan = Plan.objects.order_by("pk")[number % 2]
        Subscription.objects.create(application_id=application, api=api, plan=plan, created_at=now, updated_at=now)
        topics.append({"target": f"/{name}", "verbs": ["subscribe"], "scopes": [f"{name}:own"]})
        api = operations.update_api(api=api, changes={"topics": topics}, actor=admin, now=now)
        api = operations.deploy_revision(api=api, actor=admin, now=now)
    for waiting in Api.objects.filter(context__startswith="/sample-", lifecycle_requests=None):
        LifecycleRequest.objects.create(
            api=waiting, action=Action.RETIRE.value, state=waiting.state, requester=admin, created_at=now
        )
    categories = [*api.categories.all(), operations.create_category(name=f"on-{turn}", actor=admin, now=now)]
    operations.update_api(api=api, changes={"categories": categories}, actor=admin, now=now)


def asked_by(visits: list[Visit], world: dict[str, Any]) -> dict[str, list[str]]:
    """What each page asks the database."""
    found = {}
    browser = Client()  # one for all: to load the middleware takes longer than most pages
    browser.get("/robots.txt", secure=True)
    for visit in visits:
        browser.cookies.clear()
        if visit.who != "nobody":
            browser.force_login(User.objects.get(username=visit.who))
        installation.forget()  # which is read again every few seconds, whatever the page
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(visit.address(world), secure=True)
        assert answer.status_code < 500
        found[str(visit)] = [query["sql"] for query in asked.captured_queries]
        multiplied = [sql for sql in found[str(visit)] if sql.count("COUNT(DISTINCT") > 1]
        assert not multiplied, f"{visit} counts two kinds of rows in one join, each with each"
    return found


@pytest.mark.django_db
def test_no_page_asks_more_often_where_there_is_more_to_show() -> None:
    ensure_default_plans()
    ensure_application_plans()
    for name, roles in PEOPLE.items():
        if not User.objects.filter(username=name).exists():
            product_actions.person(name, list(roles))
    world = product_actions.furnish("ws://localhost:9900/echo")
    visits = [visit for visit in FIRST_VISITS if not visit.name.startswith("accounts:user") or visit.args == {}]
    grow(world, 1)
    before = asked_by(visits, world)
    grow(world, 2)
    after = asked_by(visits, world)
    assert Application.objects.count() > 2 * MORE
    suspects = [visit for visit in visits if len(after[str(visit)]) > len(before[str(visit)])]
    after |= asked_by(suspects, world)  # what is asked again after some seconds is not asked now
    pages = [(str(visit), before[str(visit)], after[str(visit)]) for visit in visits]
    worse = [f"{page} also asks {more(few, many)}" for page, few, many in pages if len(many) > len(few)]
    assert not worse, "\n".join(worse)


def more(few: list[str], many: list[str]) -> list[str]:
    """What is asked more often than before, by its beginning."""
    return [*(Counter(sql[:120] for sql in many) - Counter(sql[:120] for sql in few)).elements()]
