"""Revisions as a person meets them: what differs, which one goes, and deleting one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.models import User
from publisher import operations
from publisher.models import Api, Revision
from tests.devportal import builders
from tests.publisher.builders import NOW, make_api
from tests.publisher.test_pages import address, browse, text_of


def test_the_comparison_starts_with_what_is_deployed_and_the_design(admin: User) -> None:
    api = make_api(admin, publish=True)
    changes = {"topics": [{"target": "/новости", "verbs": ["subscribe"]}], "query_token": False}
    operations.update_api(api=api, changes=changes, actor=admin, now=NOW)
    page = text_of(browse(admin).get(address("comparison", api)))
    assert "/новости Topics not there directions subscribe" in page
    assert "Tokens in the address API yes no" in page


def test_any_two_revisions_are_compared_and_equal_ones_said_to_be(alice: User) -> None:
    api = make_api(alice)
    first = operations.create_revision(api=api, actor=alice, now=NOW)
    api = operations.update_api(api=api, changes={"production": {"url": "ws://new:1"}}, actor=alice, now=NOW)
    second = operations.create_revision(api=api, actor=alice, now=NOW)
    browser, page = browse(alice), address("comparison", api)
    assert "ws://new:1" in text_of(browser.get(page, {"before": str(first.pk), "after": str(second.pk)}))
    assert "Nothing differs" in text_of(browser.get(page, {"before": str(second.pk), "after": ""}))


def test_a_comparison_with_no_revision_or_a_foreign_one(alice: User) -> None:
    api, other = make_api(alice), make_api(alice, name="Other", context="/other")
    assert "Nothing differs" in text_of(browse(alice).get(address("comparison", api)))
    foreign = operations.create_revision(api=other, actor=alice, now=NOW)
    for wrong in (foreign.pk, "nonsense"):
        assert browse(alice).get(address("comparison", api), {"before": str(wrong)}).status_code == 404


def test_secrets_are_not_on_the_comparison(admin: User) -> None:
    api = make_api(admin, publish=True)
    options = {**api.endpoint_options, "secret_headers": {"X-Key": "hunter2hunter2"}}
    operations.update_api(api=api, changes={"endpoint_options": options}, actor=admin, now=NOW)
    body = browse(admin).get(address("comparison", api)).content.decode()
    assert "X-Key" in body
    assert "hunter2" not in body
    assert "gAAAA" not in body


def test_the_page_says_beforehand_that_one_goes_and_asks_which(bob: User, alice: User) -> None:
    api = make_api(alice)
    made = [operations.create_revision(api=api, actor=alice, now=NOW) for _ in range(5)]
    page = browse(bob).get(address("deployments", api))
    assert "The revision that goes" in text_of(page)
    body = {"description": "Sechste", "goes": str(made[3].pk)}
    browse(bob).post(address("revisions", api), body)
    assert sorted(api.revisions.values_list("number", flat=True)) == [1, 2, 3, 5, 6]


def test_a_revision_is_deleted_on_the_page_but_not_the_deployed_one(admin: User) -> None:
    api = make_api(admin, publish=True)
    spare = operations.create_revision(api=api, actor=admin, now=NOW)
    browser = browse(admin)
    for row in (spare, api.deployed_revision):
        assert row
        browser.post(reverse("publisher:revision-deletion", args=[api.pk, row.pk]), follow=True)
    assert list(Revision.objects.all()) == [api.deployed_revision]


# --- versions and the Overview -------------------------------------------------------------------------------


def test_every_version_is_listed_with_its_state_and_the_default_one_switched(admin: User, observer: User) -> None:
    api = make_api(admin, publish=True)
    newer = operations.create_version(api=api, version="2.0.0", actor=admin, now=NOW)
    page = text_of(browse(observer).get(address("versions", api)))
    assert "2.0.0 Created" in page
    assert "1.0.0 this one Published revision 1" in page
    browse(admin).post(address("default-version", newer))
    browse(admin).post(address("default-version", api))
    assert [each.version for each in Api.objects.filter(is_default_version=True)] == ["1.0.0"]
    assert "Make default" not in browse(observer).get(address("versions", api)).content.decode()


def test_the_versions_cost_the_same_however_many_there_are(
    admin: User, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    api, browser = make_api(admin), browse(admin)
    browser.get(address("versions", api))
    with django_assert_max_num_queries(30) as few:
        browser.get(address("versions", api))
    for number in range(2, 8):
        operations.create_version(api=api, version=f"{number}.0", actor=admin, now=NOW)
    with django_assert_num_queries(len(few)):
        browser.get(address("versions", api))


def test_the_overview_names_the_newest_five_subscribers(admin: User, carol: User) -> None:
    api = make_api(admin, publish=True)
    assert "Nobody yet." in text_of(browse(admin).get(address("api", api)))
    for number in range(6):
        builders.subscription(builders.application(carol, f"Client {number}"), api)
    page = text_of(browse(admin).get(address("api", api)))
    assert page.count("under Gold") == 5
