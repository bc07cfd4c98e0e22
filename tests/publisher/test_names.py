"""Names of APIs, applications and people are one's own, and are found, in any case and spelling, on any database."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts import operations as people
from accounts.audit_log import AuditLogFilters
from accounts.models import User
from accounts.queries import audit_log, search_users
from core.errors import Conflict, Invalid
from devportal import operations as developing
from devportal import queries as catalogue
from devportal.models import Application, DenyPolicy
from devportal.operations import service_accounts
from publisher import operations, queries
from publisher.lifecycle import Action
from publisher.models import Api
from tests.devportal import builders
from tests.publisher.builders import NOW, make_api, plans

SPELLINGS = ["ökostrom", "ÖKOSTROM", "O\u0308kostrom", "Ｏ\u0308kostrom"]
PASSWORD = "correct horse battery staple"
ROOT = Path(__file__).parent.parent.parent
IN_ANY_CASE = re.compile(r"(\w+)__(?:iexact|icontains|istartswith|iendswith|iregex)\b")
# Contexts, versions and scopes are checked to be; kinds and verbs are words of ours.
ALWAYS_ASCII = {"context", "api__context", "version", "kind", "verb", "topics", "deployed_revision__snapshot"}
BESIDE_A_FOLDED_ONE = {"actor_name"}  # in the audit log, which is never written anew


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_api_has_its_name_alone(alice: User, name: str) -> None:
    make_api(alice, name="Ökostrom")
    with pytest.raises((Conflict, Invalid)):
        operations.create_api(name=name, context="/other", version="1.0.0", actor=alice, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Api.objects.create(name=name, context="/other", version="1.0.0", provider=alice, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize("name", SPELLINGS)
def test_an_application_has_its_name_alone_among_its_owners(carol: User, mallory: User, name: str) -> None:
    builders.application(carol, name="Ökostrom")
    with pytest.raises(Conflict):
        developing.create_application(name=name, actor=carol, now=NOW)
    assert developing.create_application(name=name, actor=mallory, now=NOW).owner == mallory


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["cédric", "CÉDRIC", "Ce\u0301dric", "Ｃédric"])
def test_nobody_takes_another_persons_name_for_themselves_or_a_program(name: str) -> None:
    people.sign_up(username="Cédric", password=PASSWORD, now=NOW)
    with pytest.raises(people.UsernameTaken):
        people.sign_up(username=name, password=PASSWORD, now=NOW)
    with pytest.raises(service_accounts.ServiceNameTaken):
        service_accounts.create_service_account(name=name, roles=["observer"], actor=None, now=NOW)
    assert User.objects.get_by_natural_key(name).username == "Cédric"


@pytest.mark.parametrize("word", ["ökostrom", "ÖKO", "o\u0308kostrom", "ÜBERALL", "ＧＲÜＮ", "grün"])
def test_every_search_for_an_api_finds_it(alice: User, admin: User, word: str) -> None:
    plans()
    api = make_api(alice, name="Ökostrom", description="Überall im Land", tags=["Grün"])
    operations.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW)
    assert list(queries.search_apis(alice, text=word)) == [api]
    assert list(catalogue.catalogue_for(alice, text=word)) == [api]


def test_a_tag_is_found_as_a_whole_in_any_case(alice: User, admin: User) -> None:
    plans()
    api = make_api(alice, tags=["Grün", "Strom"])
    operations.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW)
    assert list(catalogue.catalogue_for(alice, tag="GRÜN")) == [api]
    assert not catalogue.catalogue_for(alice, tag="GR").exists()
    assert not catalogue.catalogue_for(alice, tag="Grün Strom").exists()


def test_searches_for_applications_and_people_fold_too(carol: User, admin: User, alice: User) -> None:
    application = builders.application(carol, name="Ökostrom", description="Für Übungen")
    assert list(catalogue.applications_of(carol, text="ÖKO übungen")) == [application]
    User.objects.filter(pk=carol.pk).update(last_name="Ångström")
    assert list(search_users(admin, text="åNGSTRÖM")) == [carol]


def test_a_folded_column_follows_however_its_column_is_written(alice: User, carol: User) -> None:
    api = make_api(alice)
    operations.update_api(api=api, changes={"description": "Ärger", "tags": ["Öl"]}, actor=alice, now=NOW)
    api.refresh_from_db()
    assert (api.description_key, api.tags_key) == ("ärger", "\nöl\n")
    application = builders.application(carol)
    application.name = "Älter"
    application.save(update_fields=["name"])
    assert Application.objects.get(name_key="ÄLTER") == application
    people.update_profile(user=carol, first_name="Ümit", last_name="", email="ümit@İş.test", actor=carol, now=NOW)
    assert User.objects.get(first_name_key="ümit", email_key="ÜMIT@İŞ.test") == carol


@pytest.mark.parametrize("word", ["Åsa", "ÅSA@", "åsa", "ÖKO", "ko.Ｅxample"])
def test_people_are_found_by_their_e_mail_in_any_case(admin: User, carol: User, word: str) -> None:
    asa = people.sign_up(username="asa", password=PASSWORD, email="åsa@öko.example", now=NOW)
    assert list(search_users(admin, text=word)) == [asa]


def test_a_tag_in_two_spellings_is_counted_as_it_is_found(alice: User, admin: User) -> None:
    plans()
    for number, tags in enumerate([["Grün"], ["GRÜN", "grün"], ["Grün"]]):
        api = make_api(alice, name=f"Api {number}", context=f"/{number}", tags=tags)
        operations.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW)
    assert catalogue.tags_for(admin) == [("Grün", 3)]
    assert catalogue.catalogue_for(admin, tag="Grün").count() == 3


def test_the_audit_log_is_searched_for_its_actor_in_any_case(admin: User) -> None:
    zoe = people.sign_up(username="Zoë", password=PASSWORD, now=NOW)
    assert [entry.actor for entry in audit_log(admin, AuditLogFilters(actor="ZOË"))] == [zoe]


def test_rows_of_before_are_folded_once(carol: User, admin: User) -> None:
    people.update_profile(user=carol, first_name="", last_name="", email="Åsa@Öko.example", actor=carol, now=NOW)
    policy = developing.add_deny_policy(kind="USER", value="carol", actor=admin, now=NOW)
    QuerySet(User).update(email_key="")  # as the migrations' new column is, and no manager would leave it
    QuerySet(DenyPolicy).update(value_key="")
    for name in ("accounts.migrations.0010_emails_in_any", "devportal.migrations.0019_deny_policies_in_any"):
        import_module(f"{name}_spelling").fill(apps, SimpleNamespace(connection=connection))
    assert User.objects.get(email_key="åsa@öko.example") == carol
    assert DenyPolicy.objects.get(value_key="CAROL") == policy


@pytest.mark.parametrize("room", ["accounts", "core", "devportal", "gateway", "publisher"])
def test_only_what_is_always_ascii_is_left_to_the_databases_idea_of_cases(room: str) -> None:
    sources = [path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts]
    found = {name for path in sources for name in IN_ANY_CASE.findall(path.read_text())}
    assert found <= ALWAYS_ASCII | BESIDE_A_FOLDED_ONE
