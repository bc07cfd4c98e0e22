"""Two people at the same moment: one wins, the other is told, and nothing is half done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from core.errors import Conflict
from core.models import AuditEntry
from publisher import operations, queries
from publisher.lifecycle import Action, State
from publisher.models import Api, Revision
from tests.publisher.builders import LATER, NOW, make_api, plans

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Run each deed in a thread of its own, all let go together; what each returned or raised."""
    gate, results = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(index: int) -> None:
        try:
            gate.wait(10)
            results[index] = deeds[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def one_won(results: list[Any]) -> bool:
    """Exactly one deed succeeded, and every other one was told of a conflict."""
    lost = [result for result in results if isinstance(result, Exception)]
    return len(lost) == len(results) - 1 and all(isinstance(error, Conflict) for error in lost)


def test_one_name_is_given_once(admin: User) -> None:
    offered = plans("Gold")

    def create(version: str) -> Callable[[], Api]:
        return lambda: make_api(admin, version=version, plans=offered, publish=True)

    results = at_once(create("1"), create("2"), create("3"))
    assert one_won(results)
    assert (Api.objects.count(), Revision.objects.count()) == (1, 1)


def test_one_version_is_made_once(admin: User) -> None:
    api = make_api(admin)

    def copy() -> Api:
        return operations.create_version(api=api, version="2", actor=admin, now=NOW)

    assert one_won(at_once(copy, copy, copy))
    assert Api.objects.count() == 2


def test_one_state_is_left_once(admin: User) -> None:
    api = make_api(admin, publish=True)

    def take(action: Action) -> Callable[[], Api]:
        return lambda: operations.transition_api(api=api, action=action, actor=admin, now=NOW)

    results = at_once(take(Action.BLOCK), take(Action.DEPRECATE), take(Action.DEMOTE))
    assert one_won(results)
    winner = next(result for result in results if isinstance(result, Api))
    row = AuditEntry.objects.filter(verb="api.transitioned").latest("id")
    assert Api.objects.get().stage.value == winner.state == row.detail["to"]
    assert AuditEntry.objects.filter(verb="api.transitioned").count() == 2


def test_one_of_two_edits_of_the_same_page_is_kept(admin: User) -> None:
    api = make_api(admin)

    def edit(text: str) -> Callable[[], Api]:
        changes = {"description": text}
        return lambda: operations.update_api(api=api, changes=changes, seen=api.updated_at, actor=admin, now=LATER)

    assert one_won(at_once(edit("one"), edit("two")))
    assert AuditEntry.objects.filter(verb="api.updated").count() == 1


def test_two_edits_of_different_fields_at_once_are_both_kept(admin: User) -> None:
    api = make_api(admin)
    base = queries.base_of(api)

    def edit(**mine: Any) -> Callable[[], Api]:
        changes = {"description": "", "tags": [], **mine}
        return lambda: operations.update_api(api=api, changes=changes, base=base, actor=admin, now=LATER)

    results = at_once(edit(description="one"), edit(tags=["two"]))
    assert not any(isinstance(result, Exception) for result in results)
    api.refresh_from_db()
    assert (api.description, api.tags) == ("one", ["two"])


def test_revisions_made_at_once_have_numbers_of_their_own(admin: User) -> None:
    api = make_api(admin)

    def revise() -> Revision:
        return operations.create_revision(api=api, actor=admin, now=NOW)

    numbers = sorted(result.number for result in at_once(revise, revise, revise))
    assert numbers == [1, 2, 3]


def test_only_one_version_becomes_the_default(admin: User) -> None:
    one = make_api(admin)
    two = operations.create_version(api=one, version="2", actor=admin, now=NOW)

    def choose(api: Api) -> Callable[[], Api]:
        changes = {"is_default_version": True}
        return lambda: operations.update_api(api=api, changes=changes, actor=admin, now=LATER)

    results = at_once(choose(one), choose(two))
    assert not any(isinstance(result, Exception) for result in results)
    assert Api.objects.filter(is_default_version=True).count() == 1
    assert {api.stage for api in Api.objects.all()} == {State.CREATED}
