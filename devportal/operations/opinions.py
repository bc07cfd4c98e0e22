"""What a person thinks of an API, and whether they want to hear of it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.audit import record_change
from core.values import invalid
from devportal import queries
from devportal.models import MOST_STARS, Follow, Rating
from publisher.models import Api


@transaction.atomic
def rate_api(*, api: Api, stars: int, actor: User, now: datetime) -> Rating:
    """Give an API one to five stars in place of those given before. Raises ApiNotListed, Invalid (field `rating`)."""
    api = queries.api_for(actor, api.pk)
    if isinstance(stars, bool) or not 1 <= stars <= MOST_STARS:
        raise invalid(rating=_("A rating is 1 to %(most)s stars.") % {"most": MOST_STARS})
    row, _is_new = Rating.objects.update_or_create(api=api, by=actor, defaults={"stars": stars, "updated_at": now})
    record_change(row, "given", actor=actor, now=now)
    return row


@transaction.atomic
def unrate_api(*, api: Api, actor: User, now: datetime) -> None:
    """Take one's stars back; without any there is nothing to do."""
    row = Rating.objects.filter(api=api, by=actor).first()
    if row:
        record_change(row, "withdrawn", actor=actor, now=now)
        row.delete()


@transaction.atomic
def follow_api(*, api: Api, actor: User, now: datetime) -> Follow:
    """Have the person told of new versions, deprecation and what breaks clients. Raises ApiNotListed."""
    api = queries.api_for(actor, api.pk)
    row, is_new = Follow.objects.get_or_create(api=api, by=actor, defaults={"since": now})
    if is_new:
        record_change(row, "begun", actor=actor, now=now)
    return row


@transaction.atomic
def unfollow_api(*, api: Api, actor: User, now: datetime) -> None:
    """Tell the person nothing more of it, unless an application of theirs is subscribed."""
    row = Follow.objects.filter(api=api, by=actor).first()
    if row:
        record_change(row, "ended", actor=actor, now=now)
        row.delete()
