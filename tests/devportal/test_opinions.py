"""Stars for an API, following it, and what its page says beside: plans in a table, similar APIs."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Notification, User
from core.errors import Invalid, NotFound
from core.models import AuditEntry
from devportal import news, operations, plan_table, queries
from devportal.models import Follow, Rating
from publisher.lifecycle import Action
from publisher.models import Api, DeployedChange
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser


@pytest.fixture
def api(bob: User) -> Api:
    return builders.api(bob, tags=["chat", "talk"])


def rate(api: Api, by: User, stars: Any) -> Rating:
    return operations.rate_api(api=api, stars=stars, actor=by, now=NOW)


def test_the_last_stars_of_each_person_count_and_can_be_taken_back(api: Api, carol: User, mallory: User) -> None:
    rate(api, carol, 1)
    rate(api, carol, 5)
    rate(api, mallory, 4)
    assert queries.stars_of(api) == (4.5, 2)
    operations.unrate_api(api=api, actor=mallory, now=NOW)
    operations.unrate_api(api=api, actor=mallory, now=NOW)
    assert queries.stars_of(api) == (5.0, 1)
    verbs = AuditEntry.objects.filter(kind="rating").values_list("verb", flat=True).order_by("pk")
    assert list(verbs) == ["rating.given"] * 3 + ["rating.withdrawn"]


@pytest.mark.parametrize("stars", [0, 6, -1, True])
def test_stars_are_one_to_five(api: Api, carol: User, stars: Any) -> None:
    with pytest.raises(Invalid, match="1 to 5 stars"):
        rate(api, carol, stars)


def test_nobody_has_an_opinion_on_what_they_do_not_find(bob: User, carol: User) -> None:
    draft = builders.api(bob, "Draft", state="CREATED")
    for opinion in (lambda: rate(draft, carol, 5), lambda: operations.follow_api(api=draft, actor=carol, now=NOW)):
        with pytest.raises(NotFound):
            opinion()


def test_the_page_shows_and_takes_stars(api: Api, carol: User, browser: Browser) -> None:
    client, address = browser(carol), reverse("devportal:ratings", args=[api.pk])
    assert "nobody has rated it" in client.get(reverse("devportal:api", args=[api.pk])).content.decode()
    page = client.post(address, {"stars": "3"}, follow=True).content.decode()
    assert page.count("★") == 3
    assert "3.0 of 5 · 1" in page
    assert "A rating is 1 to 5 stars." in client.post(address, {"stars": "٣x"}, follow=True).content.decode()
    assert "nobody has rated it" in client.post(address, {"stars": "0"}, follow=True).content.decode()


def test_who_follows_is_told_of_versions_ends_and_breaks_and_of_nothing_after_that(
    api: Api, bob: User, carol: User, mallory: User, browser: Browser
) -> None:
    address = reverse("devportal:follows", args=[api.pk])
    page = browser(carol).post(address, {"follow": "1"}, follow=True).content.decode()
    assert "Stop following" in page
    newer = builders.api(bob, context=api.context, version="2.0.0")
    change = DeployedChange(api=api, revision=2, before=1, breaking=["Gone."])

    def happens() -> list[str]:
        news.api_moved(api=newer, action=Action.PUBLISH, now=NOW, previous=[api])
        news.api_moved(api=api, action=Action.DEPRECATE, now=NOW)
        news.tell_followers(api=api, change=change, now=NOW)
        return list(Notification.objects.filter(user=carol).values_list("kind", flat=True).order_by("pk"))

    assert happens() == ["versions", "versions", "breaking"]
    assert not Notification.objects.filter(user=mallory).exists()
    Notification.objects.all().delete()
    browser(carol).post(address, {"follow": "0"})
    assert happens() == []


def test_who_follows_but_finds_it_no_more_is_told_nothing(api: Api, carol: User) -> None:
    operations.follow_api(api=api, actor=carol, now=NOW)
    Api.objects.update(visibility="PRIVATE")
    assert news.followers_of(Api.objects.get(pk=api.pk)) == []
    assert Follow.objects.count() == 1


def test_similar_apis_share_tags_the_most_first_each_once(api: Api, bob: User, carol: User) -> None:
    builders.api(bob, "Both", tags=["talk", "chat"])
    builders.api(bob, "Both", context="/both", version="2.0.0", tags=["talk", "chat"], published_at=NOW.replace(day=9))
    builders.api(bob, "One", tags=["chat"])
    builders.api(bob, "None", tags=["chats"])
    builders.api(bob, "Hidden", tags=["chat"], visibility="PRIVATE")
    found = [(each.name, each.version) for each in queries.similar_to(carol, api)]
    assert found == [("Both", "2.0.0"), ("One", "1.0.0")]


def test_plans_stand_side_by_side_and_what_none_limits_is_left_out(db: None) -> None:
    gold = builders.plan("Gold", quota=50_000, quota_period="hour", rate=100)
    silver = builders.plan("Silver", requires_approval=True, billing="COMMERCIAL")
    rows = dict(plan_table.side_by_side([gold, silver]))
    assert rows["Messages, or bytes"] == ["50\u202f000 an hour", "no limit"]
    assert rows["Messages that are too fast"] == ["wait", "–"]
    assert rows["Approval"] == ["none: it works at once", "by the publisher"]
    assert rows["Price"] == ["free", "commercial"]
    assert "Largest message" not in rows


def test_rest_speaks_of_ratings_with_wso2s_names(api: Api, carol: User, mallory: User, browser: Browser) -> None:
    base, client = f"/api/am/devportal/v3/apis/{api.pk}", browser(carol)
    rate(api, mallory, 2)
    assert client.get(f"{base}/user-rating").json()["rating"] == 0
    answer = client.put(f"{base}/user-rating", {"rating": 5}, content_type="application/json")
    assert answer.json()["ratedBy"] == "carol"
    listed = browser(None).get(f"{base}/ratings").json()
    assert (listed["avgRating"], listed["userRating"], listed["count"]) == ("3.5", 0, 2)
    assert client.get(f"{base}/ratings").json()["userRating"] == 5
    assert client.delete(f"{base}/user-rating").status_code == 200
    refused = client.put(f"{base}/user-rating", {"rating": 6}, content_type="application/json")
    assert refused.status_code == 400
