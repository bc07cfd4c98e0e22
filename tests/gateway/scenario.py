"""The tutorial's scenario as rows, told by the rooms' own operations; and workers of the gateway that look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.models import RoleGrant, User
from accounts.roles import Role
from devportal import operations as developing
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, OAuthClient, Subscription
from gateway.authorization.decision import Allow
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.control.change_feed import ChangeFeed
from gateway.control.routing import RoutingState
from gateway.database import DatabaseThread, WriteMark
from gateway.handshake.request import CredentialSource, Handshake
from gateway.refusals import Refusal
from publisher import operations as publishing
from publisher.bootstrap import ensure_default_plans
from publisher.models import Api, Plan
from tests.gateway.builders import handshake

T = TypeVar("T")


class Scenario:
    """An administrator's published API and Carol's application with production keys, subscribed to it."""

    def __init__(self) -> None:
        ensure_default_plans()
        ensure_application_plans()
        self.admin, self.carol = person("ada", Role.ADMIN), person("carol", Role.SUBSCRIBER)
        self.api = self.publish("EchoWebSocket", "/echowebsocket")
        self.application = self.apply()
        self.client = self.keys()
        self.subscription = self.subscribe()

    def publish(self, name: str, context: str, version: str = "1.0.0") -> Api:
        """A published API, deployed."""
        return publishing.create_api(
            name=name,
            context=context,
            version=version,
            endpoint="ws://localhost:9900/echo",
            plans=[Plan.objects.get(name="Gold")],
            publish=True,
            actor=self.admin,
            now=timezone.now(),
        )

    def apply(self, name: str = "Chat client", owner: User | None = None, **given: Any) -> Application:
        """An application, Carol's unless somebody else is named."""
        return developing.create_application(name=name, actor=owner or self.carol, now=timezone.now(), **given)

    def keys(self, application: Application | None = None, key_type: str = "PRODUCTION") -> OAuthClient:
        """Keys of an application."""
        chosen = application or self.application
        made = developing.generate_keys(application=chosen, key_type=key_type, actor=chosen.owner, now=timezone.now())
        return made.client

    def subscribe(self, application: Application | None = None, api: Api | None = None) -> Subscription:
        """A subscription under Gold."""
        chosen = application or self.application
        return developing.subscribe(
            application=chosen,
            api=api or self.api,
            plan=Plan.objects.get(name="Gold"),
            actor=chosen.owner,
            now=timezone.now(),
        )

    def token(self, client: OAuthClient | None = None, seconds: int = 3600) -> str:
        """A new access token."""
        chosen = client or self.client
        assert chosen.application is not None
        issued = developing.generate_token(
            client=chosen, seconds=seconds, scopes=["default"], actor=chosen.application.owner, now=timezone.now()
        )
        return issued.token

    def daves(self) -> tuple[Api, str]:
        """Another API at /other, and a token of another person's application that is subscribed to it."""
        api = self.publish("Other", "/other")
        application = self.apply("Other client", owner=person("dave", Role.SUBSCRIBER))
        self.subscribe(application, api)
        return api, self.token(self.keys(application))

    def block(self, state: str = "BLOCKED") -> None:
        """Put the subscription into another state."""
        self.subscription.refresh_from_db()
        developing.set_subscription_state(
            subscription=self.subscription, state=state, actor=self.admin, now=timezone.now()
        )

    def revoke_all(self) -> None:
        """Take back every token of Carol's keys."""
        for row in AccessToken.objects.filter(application=self.client):
            developing.revoke_token(row=row, actor=self.carol, now=timezone.now())

    def edit(self, api: Api, description: str) -> None:
        """Change an API and deploy the change."""
        row = publishing.update_api(
            api=Api.objects.get(pk=api.pk),
            changes={"description": description},
            actor=self.admin,
            now=timezone.now(),
        )
        revision = publishing.create_revision(api=row, actor=self.admin, now=timezone.now())
        publishing.deploy_revision(api=row, revision=revision, actor=self.admin, now=timezone.now())


class Counted:
    """A database thread that counts how often it was asked, and can be told to fail or to wait."""

    def __init__(self) -> None:
        self.asked = 0
        self.failing: Exception | None = None
        self.before: Callable[[], Awaitable[None]] | None = None
        self._thread = DatabaseThread("test")

    async def __call__(self, work: Callable[[], T]) -> T:
        self.asked += 1
        if self.failing:
            raise self.failing
        answer = await self._thread(work)
        if self.before:
            before, self.before = self.before, None
            await before()
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._thread.close()


class Clock:
    """A clock that stands still until it is moved, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = timezone.now().timestamp()

    def __call__(self) -> float:
        return self.now

    def datetime(self) -> datetime:
        """The time as the heartbeat wants it."""
        return datetime.fromtimestamp(self.now, tz=timezone.get_default_timezone())


class Worker:
    """One worker of the gateway without its sockets."""

    def __init__(self) -> None:
        self.run = Counted()
        self.clock = Clock()
        self.routing = RoutingState(run=self.run, clock=self.clock)
        self.connections = ConnectionRegistry()
        self.closed: dict[str, int] = {}
        self.mark = WriteMark(self.clock)
        self.change_feed = ChangeFeed(
            routing=self.routing,
            connections=self.connections,
            run=self.run,
            mark=self.mark,
            clock=self.clock,
            elapsed=self.clock,
        )

    async def __aenter__(self) -> Worker:
        await self.change_feed.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.mark.close()
        self.run.close()

    async def decide(self, token: str, path: str = "/echowebsocket/1.0") -> Allow | Refusal:
        """The decision about a handshake with this token."""
        return await self.routing.decide(try_admit(token, path))

    async def connect(self, name: str, token: str, path: str = "/echowebsocket/1.0") -> Connection:
        """A connection that is let in; when it is closed, its code stands in `closed` under its name."""
        decision = await self.decide(token, path)
        assert isinstance(decision, Allow), decision
        connection = Connection(name, decision, lambda code, _: self._end(name, code), "192.0.2.7", self.clock())
        self.connections.add(connection)
        return connection

    def _end(self, name: str, code: int) -> None:
        connection = self.connections.by_id.get(name)
        assert connection is not None
        self.connections.discard(connection)
        self.closed[name] = code


def person(name: str, *roles: Role) -> User:
    """Somebody with these roles."""
    user = User.objects.create_user(name, f"{name}@example.test", "correct horse battery staple")
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in roles)
    return user


def try_admit(token: str, path: str = "/echowebsocket/1.0") -> Handshake:
    """A handshake with this token in its header."""
    return handshake(path, CredentialSource.HEADER, token)


async def elsewhere(work: Callable[[], T]) -> T:
    """Do something in the portals while a worker runs, on a thread and a connection of its own."""
    return await asyncio.to_thread(_and_close, work)


def _and_close(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()
