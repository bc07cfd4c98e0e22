"""What a first start needs before anybody can sign in."""

from datetime import datetime

from django.db import transaction

from accounts.default_password import FIRST_PASSWORD, FIRST_USERNAME
from accounts.models import RoleGrant, User
from accounts.roles import EVERY_ROLE
from core import audit


@transaction.atomic
def ensure_administrator(*, now: datetime) -> bool:
    """Create `admin` with password `admin` and every role if there is nobody yet; True if it did."""
    if User.objects.exists():
        return False
    user = User(username=FIRST_USERNAME, date_joined=now, must_change_password=True)
    user.set_password(FIRST_PASSWORD)
    user.save()
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role.value) for role in sorted(EVERY_ROLE))
    audit.record(actor=None, verb="user.created", kind="user", object_id=user.pk, now=now, detail=detail_of(user))
    return True


def detail_of(user: User) -> dict[str, object]:
    """What the audit log says about the new administrator."""
    return {"user_id": user.pk, "username": user.username, "roles": sorted(user.roles)}
