"""A month of open sign-up with a hostile stranger: what is left of it in the database and in the archive.

The stranger comes from one address and does all that is let through, as the product counts it. Limits are a hundredth
and less of what they are by default, and an hour in twelve is played, so that the month takes seconds; what is
asserted is made of these limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_save
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from accounts import operations as accounts
from accounts import pruning
from accounts.attempts import Attempt, TooManyAttempts
from accounts.models import Draft, User
from accounts.sessions import SessionStore
from core import upkeep
from core.errors import DomainError
from core.models import AuditEntry, ScheduledTask
from devportal import operations
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, OAuthClient, Subscription, Ticket, TokenRate
from gateway.models import ConnectionRecord
from publisher.models import Api
from tests.devportal import builders

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("long")]  # groups begin first
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERY = 12 * HOUR
TURNS = 30 * 2
PASSWORD = "correct horse battery staple"
TOKEN_HOURS = 2

CHANGES, SIGN_UPS, ACCOUNTS_A_DAY, APPLICATIONS, TOKENS = 5, 1, 2, 2, 4
AUDIT_ROWS, CONNECTION_ROWS, SIGN_IN_ROWS = 200, 100, 20
FREE = 5  # connections, and wrong passwords at new names, of a turn


@pytest.fixture(autouse=True)
def _small(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.CHANGES_PER_ADDRESS, settings.SIGN_UPS_PER_ADDRESS = CHANGES, SIGN_UPS
    settings.SIGN_UPS_PER_DAY, settings.APPLICATIONS_PER_PERSON = ACCOUNTS_A_DAY, APPLICATIONS
    settings.TOKENS_PER_MINUTE, settings.LONGEST_TOKEN_SECONDS = TOKENS, TOKEN_HOURS * 3600
    settings.AUDIT_LOG_ROWS, settings.CONNECTION_LOG_ROWS = AUDIT_ROWS, CONNECTION_ROWS
    settings.AUDIT_ARCHIVE = tmp_path / "archive"
    monkeypatch.setattr(pruning, "MOST_SIGN_INS", SIGN_IN_ROWS)
    cache.clear()
    yield
    cache.clear()


@dataclass
class Stranger:
    """Everything that can be had without knowing anybody, for as long as the address is let through."""

    api: Api
    now: datetime = BEGIN
    address: str = "192.0.2.66"
    people: list[User] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    changes: int = 0
    refused: set[str] = field(default_factory=set)

    def an_hour(self) -> None:
        """Whatever can be done, until the address has changed as much as it may; connecting and failing go on."""
        cache.clear()  # counters of addresses end with their hour
        attempts = cycle((self.sign_up, self.make_an_application, self.mint, self.subscribe_and_leave, self.sign_in))
        while self.try_to(next(attempts)):
            pass
        for _ in range(FREE):
            self.connect()
            self.fail_to_sign_in()

    def try_to(self, attempt: Callable[[], object]) -> bool:
        """As the middleware does it: counted before, taken back if it was refused. Whether there is a next time."""
        try:
            counted = Attempt.begin(self.address, kind="change", most=CHANGES, seconds=3600, refusal="")
        except TooManyAttempts:
            return False
        try:
            attempt()
            self.changes += 1
        except DomainError as refusal:
            counted.count(-1)
            self.refused.add(type(refusal).__name__)
        return True

    def sign_up(self) -> None:
        """Another account."""
        Attempt.begin(self.address, kind="sign-up", most=SIGN_UPS, seconds=3600, refusal="")
        name = f"stranger{next(self.numbers)}"
        self.people.append(accounts.sign_up(username=name, password=PASSWORD, now=self.now))

    def make_an_application(self) -> None:
        """With keys."""
        owner = self.people[-1] if self.people else None
        if owner is None:
            raise DomainError("Nobody yet.")
        name, kind = f"app{next(self.numbers)}", Application.TokenType.OAUTH
        made = operations.create_application(name=name, actor=owner, now=self.now, token_type=kind)
        operations.generate_keys(application=made, key_type="PRODUCTION", actor=owner, now=self.now)

    def mint(self) -> None:
        """Tokens of the newest keys, as long-lived as they come."""
        client = OAuthClient.objects.select_related("application__owner").order_by("-pk").first()
        if client is None or client.application is None:
            raise DomainError("No keys yet.")
        owner = client.application.owner
        operations.issue_ticket(client=client, api=self.api, actor=owner, now=self.now)
        operations.generate_token(client=client, actor=owner, now=self.now, seconds=TOKEN_HOURS * 3600)

    def subscribe_and_leave(self) -> None:
        """A change that leaves nothing but its trace."""
        app = Application.objects.select_related("owner").order_by("-created_at").first()
        if app is None:
            raise DomainError("No application yet.")
        plan = builders.plan()
        made = operations.subscribe(application=app, api=self.api, plan=plan, actor=app.owner, now=self.now)
        operations.unsubscribe(subscription=made, actor=app.owner, now=self.now)

    def sign_in(self) -> None:
        """A session more."""
        SessionStore().create()
        latest = Session.objects.order_by("-expire_date")[:1].values("pk")
        Session.objects.filter(pk__in=latest).update(expire_date=self.now + timedelta(hours=12))
        AccessLog.objects.create(username="stranger", path_info="/")
        AccessLog.objects.filter(pk=AccessLog.objects.latest("pk").pk).update(attempt_time=self.now)

    def connect(self) -> None:
        """Come to the gateway and go."""
        ConnectionRecord.objects.create(
            id=f"{next(self.numbers):032}",
            worker_id="00000000-0000-0000-0000-000000000001",
            expires_at=self.now,
            started_at=self.now,
            ended_at=self.now,
        )

    def fail_to_sign_in(self) -> None:
        """At a name of which nobody has heard."""
        row = AccessAttempt.objects.create(username=f"x{next(self.numbers)}", failures_since_start=1)
        AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=self.now)


COUNTS = " UNION ALL ".join(
    f"SELECT '{model.__name__}', COUNT(*) FROM {connection.ops.quote_name(model._meta.db_table)}"  # noqa: S608
    for model in apps.get_models()
)


def rows() -> dict[str, int]:
    """How many rows each table of the installation has."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return dict(cursor.fetchall())


def test_a_month_with_a_hostile_stranger_stays_under_a_bound(bob: User, tmp_path: Path) -> None:
    ensure_application_plans()
    written: list[int] = list(AuditEntry.objects.values_list("pk", flat=True))
    post_save.connect(note := lambda instance, **_: written.append(instance.pk), sender=AuditEntry)
    stranger = Stranger(builders.api(bob))
    before, most = rows(), {}
    for turn in range(TURNS):
        stranger.now = BEGIN + turn * EVERY
        stranger.an_hour()
        most = {name: max(number, most.get(name, 0)) for name, number in rows().items()}
        upkeep.run(holder="here:1", clock=lambda: stranger.now, every=HOUR)
    post_save.disconnect(note, sender=AuditEntry)
    after = rows()

    people = 30 * ACCOUNTS_A_DAY
    an_hour = 3 * CHANGES  # of rows at most that one change writes, and of tokens that one change issues
    bounds = {
        User: people,
        Application: people * APPLICATIONS,
        OAuthClient: people * APPLICATIONS,
        Subscription: people * APPLICATIONS,
        AccessToken: an_hour * (TOKEN_HOURS + 1),
        RefreshToken: 0,
        Grant: 0,
        IDToken: 0,
        Ticket: an_hour,
        TokenRate: 2 * CHANGES,
        Session: CHANGES * 4,
        Draft: 0,
        AuditEntry: AUDIT_ROWS + 2 * an_hour,
        AccessLog: SIGN_IN_ROWS + CHANGES,
        AccessAttempt: 2 * FREE,
        ConnectionRecord: CONNECTION_ROWS + FREE,
        ScheduledTask: 1,
    }
    for model, bound in bounds.items():
        grown = most[model.__name__] - before[model.__name__]
        assert grown <= bound, f"{grown} rows of {model.__name__}, more than {bound}"
    named = {model.__name__ for model in bounds} | {"RoleGrant"}
    others = {name for name, number in after.items() if number > before[name]} - named
    assert not others, "tables that grow and of which nothing is said"

    assert stranger.changes == TURNS * CHANGES, "the stranger did what could be done"
    assert {"TooManyAttempts", "TooManySignUps", "NoMoreApplications"} <= stranger.refused
    lines = [json.loads(line) for path in (tmp_path / "archive").iterdir() for line in path.read_text().splitlines()]
    kept = AuditEntry.objects.values_list("pk", flat=True)
    assert sorted([line["id"] for line in lines] + list(kept)) == sorted(written), "no entry is lost, and none twice"
