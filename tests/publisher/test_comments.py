"""Comments on an API: threads that both portals show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.models import AuditEntry
from publisher import discussion
from publisher.comment_terms import EntryPoint
from publisher.models import Api, Comment
from publisher.operations import comments as operations
from publisher.permissions import NotYourComment
from tests.devportal import builders
from tests.publisher.builders import LATER, NOW


@pytest.fixture
def api(alice: User) -> Api:
    """A published API."""
    return builders.api(alice)


def say(api: Api, actor: User, text: str = "How long is a session?", **fields: Any) -> Comment:
    given = {"entry_point": EntryPoint.DEVPORTAL, "now": NOW, **fields}
    return operations.create_comment(api=api, text=text, actor=actor, **given)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_comment_and_its_replies_are_one_thread_in_the_order_they_were_said(
    api: Api, alice: User, carol: User
) -> None:
    first = say(api, carol)
    second = say(api, carol, "And a day?", now=LATER)
    reply = say(api, alice, "An hour.", parent=first, entry_point=EntryPoint.PUBLISHER)

    threads = list(discussion.threads_of(api))

    assert threads == [second, first]
    assert list(threads[1].replies.all()) == [reply]
    assert AuditEntry.objects.filter(kind="comment", verb="comment.created").count() == 3


@pytest.mark.parametrize("text", ["", " \n ", "x" * 513, "a\0b"])
def test_what_is_no_comment_is_refused_at_its_field(api: Api, carol: User, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        say(api, carol, text)

    assert list(refused.value.fields) == ["text"]


def test_512_characters_of_any_script_are_a_comment(api: Api, carol: User) -> None:
    assert say(api, carol, "𝒜" * 512).text == "𝒜" * 512


def test_a_reply_is_not_answered_itself(api: Api, carol: User) -> None:
    reply = say(api, carol, parent=say(api, carol))

    with pytest.raises(Invalid, match="cannot be answered"):
        say(api, carol, parent=reply)


def test_a_thread_has_a_bound(api: Api, carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_REPLIES", 1)
    thread = say(api, carol)
    say(api, carol, parent=thread)

    with pytest.raises(operations.ThreadIsFull):
        say(api, carol, parent=thread)


def test_one_person_writes_so_many_comments_in_a_minute_and_others_as_many(
    api: Api, carol: User, mallory: User
) -> None:
    for _ in range(10):
        say(api, mallory)

    with pytest.raises(operations.TooManyComments) as refused:
        say(api, mallory, now=NOW + timedelta(seconds=59))
    assert refused.value.headers == {"Retry-After": "60"}
    assert say(api, carol)
    assert say(api, mallory, now=NOW + timedelta(seconds=60))


def test_only_who_wrote_a_comment_changes_it(api: Api, carol: User, mallory: User, admin: User) -> None:
    comment = say(api, carol)

    for other in (mallory, admin):
        with pytest.raises(NotYourComment):
            operations.update_comment(comment=comment, text="No", actor=other, now=LATER)
    saved = operations.update_comment(comment=comment, text="Or a day?", actor=carol, now=LATER)
    assert (saved.text, saved.updated_at) == ("Or a day?", LATER)


def test_a_comment_is_deleted_by_who_wrote_it_or_a_publisher_with_the_replies_to_it(
    api: Api, alice: User, bob: User, carol: User, mallory: User
) -> None:
    mine, other = say(api, carol), say(api, carol)
    say(api, mallory, parent=mine)

    for stranger in (mallory, alice):
        with pytest.raises(RoleRequired):
            operations.delete_comment(comment=other, actor=stranger, now=LATER)
    operations.delete_comment(comment=mine, actor=carol, now=LATER)
    operations.delete_comment(comment=other, actor=bob, now=LATER)

    assert not Comment.objects.exists()


def test_observers_write_nothing(api: Api, observer: User) -> None:
    with pytest.raises(RoleRequired):
        say(api, observer)


# --- the pages -----------------------------------------------------------------------------------------------

PORTALS = ["publisher", "devportal"]


def address(portal: str, name: str, *args: Any) -> str:
    return reverse(f"{portal}:{name}", args=args)


def test_both_portals_show_the_same_threads(api: Api, alice: User, carol: User) -> None:
    signed_in(carol).post(address("devportal", "comments", api.pk), {"text": "How long is a <b>session</b>?"})
    thread = Comment.objects.get()
    signed_in(alice).post(address("publisher", "comments", api.pk), {"text": "An hour.", "parent": thread.pk})

    for portal, person in (("publisher", alice), ("devportal", carol)):
        page = signed_in(person).get(address(portal, "comments", api.pk)).content.decode()
        assert "How long is a &lt;b&gt;session&lt;/b&gt;?" in page
        assert "An hour." in page
        assert "2 comments" in page
    assert list(Comment.objects.order_by("created_at").values_list("entry_point", flat=True)) == [
        "devPortal",
        "publisher",
    ]


def test_a_visitor_reads_comments_and_signs_in_to_write(api: Api, carol: User) -> None:
    say(api, carol)
    where = address("devportal", "comments", api.pk)

    page = Client().get(where)

    assert b"How long is a session?" in page.content
    assert b"Sign in" in page.content
    assert Client().post(where, {"text": "Hello"})["Location"].startswith("/devportal/sign-in")


@pytest.mark.parametrize("portal", PORTALS)
def test_a_refused_comment_keeps_what_was_typed_where_it_was_typed(
    portal: str, api: Api, carol: User, admin: User
) -> None:
    thread = say(api, carol)
    browser = signed_in(admin)

    page = browser.post(address(portal, "comments", api.pk), {"text": "y" * 513, "parent": thread.pk})

    assert page.status_code == 400
    assert page.content.decode().count("y" * 513) == 1
    assert b"A comment has at most 512 characters; this one has 513." in page.content
    assert b"<details open>" in page.content


def test_the_eleventh_comment_in_a_minute_is_told_to_wait_and_kept(api: Api, carol: User) -> None:
    for _ in range(10):
        say(api, carol, now=timezone.now())

    page = signed_in(carol).post(address("devportal", "comments", api.pk), {"text": "One more"})

    assert page.status_code == 429
    assert b"You may write 10 comments a minute." in page.content
    assert b"One more" in page.content


def test_carol_edits_and_deletes_on_the_page(api: Api, carol: User) -> None:
    comment, browser = say(api, carol), signed_in(carol)

    browser.post(address("devportal", "comment", api.pk, comment.pk), {"text": "Or a day?"})
    assert Comment.objects.get().text == "Or a day?"
    assert b"edited" in browser.get(address("devportal", "comments", api.pk)).content
    browser.post(address("devportal", "comment-deletions", api.pk, comment.pk))
    assert not Comment.objects.exists()


def test_a_comment_on_another_api_is_not_found(api: Api, alice: User, carol: User) -> None:
    comment = say(builders.api(alice, "Other"), carol)
    browser = signed_in(carol)

    assert browser.post(address("devportal", "comment", api.pk, comment.pk), {"text": "x"}).status_code == 404
    assert (
        browser.post(address("devportal", "comments", api.pk), {"text": "x", "parent": comment.pk}).status_code == 404
    )


@pytest.mark.parametrize("portal", PORTALS)
def test_the_page_asks_the_same_number_of_questions_however_many_comments_there_are(
    portal: str, api: Api, admin: User, carol: User, django_assert_num_queries: Any
) -> None:
    browser, where = signed_in(admin), address(portal, "comments", api.pk)
    say(api, carol, parent=say(api, carol))
    with CaptureQueriesContext(connection) as few:
        browser.get(where)
    for number in range(30):
        said = say(api, carol, now=NOW + timedelta(hours=1, minutes=number))
        say(api, admin, parent=said, now=NOW + timedelta(hours=1, minutes=number))

    with django_assert_num_queries(len(few)):
        browser.get(where)
