"""Things that happen behind the scene of a journey, done in the product's own database by the product's own operations.

`Product.act` has them done by a process of that installation, and returns what they return, by way of JSON.
"""

import json
import sys
import traceback
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from PIL import Image

from accounts.models import RoleGrant, User
from accounts.roles import Role
from devportal import operations as devportal
from devportal.models import Application, Membership, Subscription
from devportal.operations.attributes import define_attribute
from devportal.operations.service_accounts import create_service_account
from devportal.sharing import Right
from gateway.models import (
    ConnectionRecord,
    EventFigures,
    MonthlyStatement,
    RecordedMessage,
    Recording,
    RefusalRecord,
    TrafficFigures,
    ViolationCount,
    ViolationSample,
)
from gateway.payloads.redaction import NOT_JSON
from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.rules import api_account, quota_key
from gateway.quotas.stores import open_store
from gateway.recording.operations import start_recording
from gateway.statistics import figures
from publisher import operations as publisher
from publisher.comment_terms import EntryPoint
from publisher.document_terms import Upload
from publisher.lifecycle import Action
from publisher.models import Api, Plan
from publisher.operations import comments, documents, scopes
from publisher.operations.plans import create_plan
from publisher.plan_terms import QuotaPeriod, QuotaUnit

BACKWARDS = "بيانات السوق Marktdatenverteilung"
PASSWORD = "correct horse battery staple"


def person(name: str, roles: list[str]) -> int:
    """Somebody with an account."""
    with transaction.atomic():
        user = User.objects.create_user(name, f"{name}@example.test", PASSWORD)
        RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in roles)
    return user.pk


def cast(roles: dict[str, list[str]]) -> None:
    """Everybody who plays in the journeys."""
    for name, held in roles.items():
        person(name, held)


def command(name: str, arguments: list[str]) -> str:
    """Run a management command, without a process of its own; all that it says."""
    said = StringIO()
    call_command(name, *arguments, stdout=said, stderr=said)
    return said.getvalue()


def publish(
    name: str, endpoint: str, version: str = "1.0.0", plans: tuple[str, ...] = ("Gold",), context: str = ""
) -> str:
    """Alice and Bob bring an API to the developers; unless told, its context is its name in small letters."""
    made = publisher.create_api(
        name=name,
        context=context or f"/{name.lower()}",
        version=version,
        endpoint=endpoint,
        plans=list(Plan.objects.filter(name__in=plans)),
        actor=_named("alice"),
        now=timezone.now(),
    )
    publisher.transition_api(api=made, action=Action.PUBLISH, actor=_named("bob"), now=timezone.now())
    return str(made.pk)


def plan(name: str, fields: dict[str, Any]) -> None:
    """The administrator makes a business plan."""
    create_plan(fields={"name": name, **fields}, actor=_named("admin"), now=timezone.now())


def used(subscription: str, unit: str = "messages", period: str = "day") -> list[int]:
    """What is spent of a subscription's quota in the present period, and what is lent to workers besides."""
    window = window_at(QuotaPeriod(period), timezone.now().timestamp())
    row = Subscription.objects.get(pk=subscription)
    account = api_account(str(row.application_id), str(row.api_id))
    (usage,) = open_store("").used(
        [(quota_key(account, PlanLimits(unit=QuotaUnit(unit), period=QuotaPeriod(period))), window)]
    )
    return [usage.spent, usage.lent]


def transition(api: str, action: str) -> None:
    """Bob moves an API through its lifecycle."""
    row = Api.objects.get(pk=api)
    publisher.transition_api(api=row, action=Action(action), actor=_named("bob"), now=timezone.now())


def redeploy(api: str, description: str, topics: list[dict[str, Any]]) -> None:
    """Alice changes the topics, and Bob deploys them."""
    row, now = Api.objects.get(pk=api), timezone.now()
    row = publisher.update_api(api=row, changes={"topics": topics}, actor=_named("alice"), now=now)
    publisher.deploy_revision(api=row, description=description, actor=_named("bob"), now=now)


def violate(api: str, application: str) -> None:
    """Payload validation reports, and the backend has sent an application what does not fit."""
    redesign(api, {"payload_validation": "report"})
    deploy(api)
    by, now = Application.objects.get(pk=application), timezone.now()
    what = {"api_id": api, "application_id": application, "topic": "/departures/{gate}", "sender": "backend"}
    ViolationCount.objects.create(
        **what, application_name=by.name, subscriber=by.owner.username, times=42, first_at=now, last_at=now
    )
    ViolationSample.objects.create(
        **what, at=now, is_closed=False, message="departure", path="/late", octets=44,
        problem="\"three\" is not of type \"integer\"", payload='{"ship": "Aurora", "late": "three"}',
    )  # fmt: skip


def discuss(api: str) -> None:
    """Carol asks something about an API, and Alice answers."""
    said = {"api": Api.objects.get(pk=api), "entry_point": EntryPoint.DEVPORTAL}
    asked = comments.create_comment(
        text="Do late ferries keep their number?", actor=_named("carol"), now=timezone.now(), **said
    )
    comments.create_comment(
        text="They do. Look at `late`, in minutes.", parent=asked, actor=_named("alice"), now=timezone.now(), **said
    )


def ask_for(api: str, action: str) -> None:
    """Bob asks for a step that an administrator has to approve."""
    row = Api.objects.get(pk=api)
    publisher.move_api(api=row, action=Action(action), actor=_named("bob"), now=timezone.now())


def runtime(api: str, origins: list[str], query_token: bool = True) -> None:
    """Alice says which pages may call an API and how, and Bob deploys that."""
    redesign(api, {"origins": origins, "query_token": query_token})
    deploy(api)


def redesign(api: str, changes: dict[str, Any]) -> None:
    """Alice changes a design."""
    publisher.update_api(api=Api.objects.get(pk=api), changes=changes, actor=_named("alice"), now=timezone.now())


def deploy(api: str) -> None:
    """Bob deploys the design as it is."""
    row, now = Api.objects.get(pk=api), timezone.now()
    revision = publisher.create_revision(api=row, actor=_named("bob"), now=now)
    publisher.deploy_revision(api=row, revision=revision, actor=_named("bob"), now=now)


def application(owner: str, name: str, kind: str = "JWT", seconds: int | None = None) -> dict[str, Any]:
    """An application with production keys and a token."""
    actor, now = _named(owner), timezone.now()
    made = devportal.create_application(name=name, token_type=kind, actor=actor, now=now)
    keys = devportal.generate_keys(application=made, key_type="PRODUCTION", actor=actor, now=now)
    issued = devportal.generate_token(client=keys.client, seconds=seconds, actor=actor, now=now)
    return {
        "application": str(made.pk),
        "client_id": keys.client.client_id,
        "secret": keys.secret,
        "token": issued.token,
        "token_id": issued.row.pk,
    }


def another_token(application: str, seconds: int) -> dict[str, Any]:
    """One more token of an application's production keys."""
    app = Application.objects.get(pk=application)
    client = app.clients.get(key_type="PRODUCTION")
    issued = devportal.generate_token(client=client, seconds=seconds, actor=app.owner, now=timezone.now())
    return {"token": issued.token, "token_id": issued.row.pk}


def live_shortly(application: str, seconds: int) -> None:
    """The next tokens of an application's keys live for so many seconds."""
    Application.objects.get(pk=application).clients.update(token_seconds=seconds)


def subscribe(application: str, api: str, plan: str = "Gold") -> str:
    """The owner of an application subscribes it."""
    app = Application.objects.get(pk=application)
    made = devportal.subscribe(
        application=app,
        api=Api.objects.get(pk=api),
        plan=Plan.objects.get(name=plan),
        actor=app.owner,
        now=timezone.now(),
    )
    return str(made.pk)


def unsubscribe(subscription: str) -> None:
    """The owner of an application ends a subscription."""
    row = Subscription.objects.get(pk=subscription)
    devportal.unsubscribe(subscription=row, actor=row.application.owner, now=timezone.now())


def set_subscription_state(subscription: str, state: str) -> None:
    """Bob blocks or unblocks a subscription."""
    row = Subscription.objects.get(pk=subscription)
    devportal.set_subscription_state(subscription=row, state=state, actor=_named("bob"), now=timezone.now())


def revoke_token(token_id: int) -> None:
    """The owner of an application revokes one of its tokens."""
    row = get_access_token_model().objects.get(pk=token_id)
    devportal.revoke_token(row=row, actor=row.application.application.owner, now=timezone.now())


def revoke_all_tokens(application: str) -> None:
    """The owner of an application, which is given by its name, revokes every token of its production keys."""
    client = Application.objects.get(name=application).clients.get(key_type="PRODUCTION")
    devportal.revoke_tokens_of(client=client, actor=client.application.owner, now=timezone.now())


def contract_of_trades() -> list[dict[str, Any]]:
    """Two topics with all that can be said of one."""
    trade = {
        "type": "object",
        "required": ["price", "symbol"],
        "properties": {
            "symbol": {"type": "string", "description": "Wertpapierkennnummer, wie sie die Börse führt."},
            "price": {"type": "number", "minimum": 0},
            "side": {"enum": ["buy", "sell"]},
            "buyer": {"type": "object", "properties": {"name": {"type": "string", "description": "اسم المشتري"}}},
        },
    }
    example = {"symbol": "BMW", "price": 81.4, "side": "buy", "buyer": {"name": "باسم"}}
    message = {"name": "trade", "summary": "One trade, as it happened.", "schema": trade, "examples": [example]}
    orders = {"name": "wertpapierauftragserteilungsbestätigung", "summary": "تأكيد الطلب"}
    return [
        {"target": "/lobby", "verbs": ["subscribe"], "description": "Who is there."},
        {
            "target": "/trades/{symbol}/wertpapierhandelsplattform/{venue}",
            "verbs": ["publish", "subscribe"],
            "scopes": ["trades.read", "trades.write"],
            "mapping": "/v2/trades/{symbol}",
            "description": "الصفقات.\n\nEvery trade of one security.",
            "parameters": {"symbol": "Which security."},
            "messages": {"publish": [message, orders], "subscribe": [message]},
        },
    ]


def furnish(endpoint: str) -> dict[str, str]:
    """A world with something on every page: what the words in the visits stand for.

    Names are as hard as people's are: long German words, and Arabic, which reads from right to left.
    """
    now, alice, bob = timezone.now(), _named("alice"), _named("bob")
    for who, first, last in (
        ("alice", "Annegret", "Schmidt-Löwenstein"),
        ("bob", "باسم", "الخطيب"),
        ("carol", "كارول", ""),
    ):
        User.objects.filter(username=who).update(first_name=first, last_name=last)
    api = publish(
        BACKWARDS, endpoint, plans=("Gold", "Silver", "Unlimited"), context="/marktdaten/boersenteilnehmer/verteilung"
    )
    market = Api.objects.get(pk=api)
    administrator = User.objects.filter(role_grants__role="admin").first()
    assert administrator
    shelf = publisher.create_category(name="Finanzmarktinformationen", actor=administrator, now=now)
    picture = BytesIO()
    Image.linear_gradient("L").save(picture, "PNG")
    fields = {
        "description": "أسعار كل شيء، كما تتغير.\n\n## One message a trade\n\n* **price**\n\n|a|b|\n|-|-|\n|1|2|",
        "tags": ["أسعار", "wetterbeobachtungsdaten", "live"],
        "categories": [shelf],
        "business_owner": "Handelsüberwachungsstelle der Börse",
        "business_owner_email": "aufsicht@example.test",
        "technical_owner_email": "technik@example.test",
        "source_link": "https://git.example.test/marktdaten/boersenteilnehmer/verteilung/hauptzweig",
        "support_link": "https://help.example.test",
        "properties": [
            {"name": "Geschäftsbereich", "value": "Marktdaten und Handelsüberwachung", "shown": True},
            {"name": "cost-centre", "value": "4711", "shown": False},
        ],
    }
    room, trades = contract_of_trades()
    market = publisher.update_api(api=market, changes={**fields, "topics": [room, trades]}, actor=alice, now=now)
    market = publisher.deploy_revision(api=market, actor=bob, now=now)
    market = publisher.update_api(api=market, changes={"topics": [trades]}, actor=alice, now=now)
    market = publisher.set_thumbnail(api=market, content=picture.getvalue(), actor=alice, now=now)
    copy = publisher.create_version(api=market, version="2.0.0", actor=alice, now=now)
    publisher.transition_api(api=copy, action=Action.PROTOTYPE, actor=bob, now=now)
    retired = publish("Wetterbeobachtungsstationsmesswerte Nordrhein-Westfalen", endpoint, context="/wetter")
    for action in ("Deprecate", "Retire"):
        transition(retired, action)
    draft = publisher.create_api(name="Draft", context="/draft", version="0.1", actor=alice, now=now)
    deprecated = publish("Deprecated", endpoint)
    keys = application("carol", "عميل Lieferkettenbenachrichtigung")
    subscribe(keys["application"], api)
    subscribe(keys["application"], deprecated)
    transition(deprecated, "Deprecate")
    for person, right in ((alice, Right.MANAGE), (bob, Right.SEE)):
        Membership.objects.create(application_id=keys["application"], person=person, right=right, since=now)
    blocked = application("carol", "Benachrichtigungsdienst der Verkehrsgesellschaft", kind="OAUTH")
    set_subscription_state(subscribe(blocked["application"], api, "Silver"), "BLOCKED")
    seen_by_the_gateway(market, Application.objects.get(pk=keys["application"]))
    return {
        "api": api,
        "trades": trades["target"],
        "prototype": str(copy.pk),
        "retired": retired,
        "draft": str(draft.pk),
        "deprecated": deprecated,
        "category": str(shelf.pk),
        "application": keys["application"],
        "recording": recorded(market, keys["application"]),
        **administered(administrator),
        **written_about(market),
    }


def seen_by_the_gateway(api: Api, application: Application) -> None:
    """What pages show of traffic: refusals, a close, sums of an hour, a statement, violations."""
    now = timezone.now()
    whose = {"api_id": str(api.pk), "application_id": str(application.pk)}
    names = {"api_name": api.name, "application_name": application.name}
    counted = {"messages_in": 1_234_567, "bytes_in": 98_765_432, "messages_out": 7_654_321, "bytes_out": 9_876_543_210}
    many = {
        "at": now,
        "since": now - timedelta(hours=5),
        "times": 12_345,
        "client_ip": "2001:db8:1234:5678:9abc:def0:1:2",
    }
    RefusalRecord.objects.create(
        **many, request_id="0" * 32, path="/boerse/" + "x" * 60, status=404, code=900906,
        message="Not Found", description="The requested resource is not available.",
    )  # fmt: skip
    RefusalRecord.objects.create(
        **many, **whose, request_id="1" * 32, path="/boerse", status=429, code=900800,
        message="Message throttled out", description="You have exceeded your quota",
    )  # fmt: skip
    place = {"worker_id": uuid.uuid4(), "context": api.context, "version": api.version, "client_ip": "192.0.2.1"}
    person = {"owner_id": str(application.owner_id), "subscriber": application.owner.username}
    ConnectionRecord.objects.create(
        id="2" * 32, **place, **whose, **names, **person, **counted, plan="Gold", key_type="PRODUCTION",
        topic="/trades", expires_at=now, started_at=now - timedelta(hours=1), ended_at=now - timedelta(minutes=1),
        ended_by="backend",
        client_code=1011, backend_code=1006, reason="Überlastungsschutzeinrichtung",
    )  # fmt: skip
    begins = int(now.timestamp()) // 3600 * 3600 - 3600
    ids = (whose["api_id"], whose["application_id"])
    alike = ("h", begins, "", *ids, "Gold", "PRODUCTION", "/boerse/{teilnehmer}")
    figures.add(TrafficFigures, {alike: (37, 36, 7_200_000, *counted.values())})
    figures.add(EventFigures, {("h", begins, *ids, "refusal", "429 900800"): (12_345,)})
    MonthlyStatement.objects.create(
        month="2025-12", opened=37, milliseconds=7_200_000, frozen_at=now, **whose, **names, **counted
    )
    what = {**whose, "topic": "/boerse/{teilnehmer}", "sender": "client"}
    ViolationCount.objects.create(
        **what, application_name=application.name, subscriber="carol", times=12_345, first_at=now, last_at=now
    )
    ViolationSample.objects.create(
        **what, at=now, is_closed=False, message="Wertpapierhandelsnachricht", path="/teilnehmer/0/kennung",
        problem="12 is not of type “string”", payload='{"teilnehmer": [{"kennung": 12}]}', octets=33,
    )  # fmt: skip


def recorded(api: Api, application: str) -> str:
    """A recording that is on, with a message of every kind."""
    now = timezone.now()
    owner = Application.objects.get(pk=application)
    row = start_recording(api=api, application=owner, seconds=3600, megabytes=5, actor=_named("bob"), now=now)
    long = json.dumps({"Lieferkettenbenachrichtigung": ["أسعار كل شيء", "x" * 300], "ok": True}, ensure_ascii=False)
    said = [
        ("client", True, long.encode(), 2, ""),
        ("backend", False, bytes(range(256)), 0, ""),
        ("backend", True, b"y" * 2000, 0, ""),
        ("client", True, None, 0, NOT_JSON),
    ]
    RecordedMessage.objects.bulk_create(
        RecordedMessage(
            recording=row,
            connection_id="c" * 32,
            at=now + timedelta(milliseconds=number),
            sender=sender,
            is_text=is_text,
            octets=len(payload or b""),
            payload=payload,
            fields=fields,
            problem=problem,
        )
        for number, (sender, is_text, payload, fields, problem) in enumerate(said)
    )
    Recording.objects.filter(pk=row.pk).update(messages=len(said), octets=3000, missed=12)
    return str(row.pk)


def administered(administrator: User) -> dict[str, str]:
    """Somebody who is kept out, and a program with an account of its own."""
    by = {"actor": administrator, "now": timezone.now()}
    devportal.add_deny_policy(kind="USER", value="mallory", is_active=False, **by)
    devportal.add_deny_policy(kind="IPRANGE", value="2001:db8:1234:5678::/64", **by)
    name = "Veröffentlichungspipeline-der-Wetterbeobachtungsstationen"
    made = create_service_account(name=name, roles=[Role.CREATOR, Role.PUBLISHER], **by)
    Application.objects.filter(pk=application("carol", BACKWARDS)["application"]).update(approval="CREATED")
    asked = define_attribute(
        name="Kostenstelle der Verkehrsgesellschaft",
        description="مركز التكلفة: who pays for what the application sends.",
        is_required=False,
        is_hidden=False,
        **by,
    )
    return {"service_client": str(made.client.pk), "attribute": str(asked.pk)}


def written_about(api: Api) -> dict[str, str]:
    """Documents of every kind, a thread, a scope of the API's own, a shared one and one that nobody has described."""
    alice, now = _named("alice"), timezone.now()
    text = "# Verbindungsaufbau\n\n| Feld | بيان |\n|---|---|\n| `raum` | الغرفة |\n\n> Nur lesen.\n\n1. a\n2. b\n"
    fields = {"name": "Schnelleinstieg für Börsenteilnehmerinnen", "summary": "كيف تبدأ", "content": text}
    guide = documents.create_document(api=api, fields=fields, actor=alice, now=now)
    upload = Upload("Nachrichtenformatbeschreibungsdokument.txt", b"text")
    fields = {"name": "دليل", "type": "OTHER", "other_type": "Versionshinweise", "visibility": "PRIVATE"}
    documents.create_document(api=api, fields=fields, upload=upload, actor=alice, now=now)
    fields = {"name": "Forum", "type": "PUBLIC_FORUM", "source": "URL", "url": f"https://a.test/{'forum' * 20}"}
    documents.create_document(api=api, fields=fields, actor=alice, now=now)
    said = {"api": api, "entry_point": EntryPoint.DEVPORTAL, "now": now}
    thread = comments.create_comment(text=BACKWARDS * 6, actor=_named("carol"), **said)
    comments.create_comment(text="Donaudampfschifffahrtsgesellschaft" * 5, parent=thread, actor=alice, **said)
    by = {"actor": _named("admin"), "now": now}
    fields = {"name": "marktdaten:lesen", "description": "Kurse lesen أسعار", "roles": ["creator", "subscriber"]}
    scope = scopes.create_scope(api=api, fields=fields, **by)
    shared = scopes.create_scope(api=None, fields={"name": "gemeinsam:schreiben", "display_name": "كتابة"}, **by)
    asked = [scope.name, shared.name, "unbeschrieben:" + "x" * 60]
    topics = [*api.topics, {"target": "/boerse/{teilnehmer}", "verbs": ["subscribe"], "scopes": asked}]
    publisher.update_api(api=api, changes={"topics": topics}, actor=alice, now=now)
    return {"document": str(guide.pk), "scope": str(scope.pk), "shared": str(shared.pk)}


ACTIONS: dict[str, Callable[..., Any]] = {
    action.__name__: action
    for action in (
        person,
        plan,
        used,
        cast,
        command,
        furnish,
        publish,
        transition,
        redeploy,
        ask_for,
        violate,
        discuss,
        runtime,
        redesign,
        deploy,
        application,
        another_token,
        live_shortly,
        subscribe,
        unsubscribe,
        set_subscription_state,
        revoke_token,
        revoke_all_tokens,
    )
}


def main() -> None:
    """Do what each line of standard input asks for, and answer each with a line."""
    for line in sys.stdin:
        action, given = json.loads(line)
        try:
            answer = ["done", ACTIONS[action](**given)]
        except Exception:
            answer = ["error", traceback.format_exc()]
        sys.stdout.write(json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


def _named(name: str) -> User:
    return User.objects.get(username=name)


if __name__ == "__main__":
    main()
