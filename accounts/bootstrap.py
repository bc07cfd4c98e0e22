"""What a first start needs before anybody can sign in."""

from datetime import datetime

from django.db import transaction

from accounts.default_password import FIRST_PASSWORD, FIRST_USERNAME
from accounts.models import RoleGrant, User
from accounts.roles import EVERY_ROLE
from core.audit import record_change


@transaction.atomic
def ensure_administrator(*, now: datetime) -> bool:
    """Create `admin` with password `admin` and every role if there is nobody yet; True if it did."""
    if User.objects.exists():
        return False
    user = User(username=FIRST_USERNAME, date_joined=now, must_change_password=True)
    user.set_password(FIRST_PASSWORD)
    user.save()
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role.value) for role in sorted(EVERY_ROLE))
    record_change(user, "created", actor=None, now=now, roles=sorted(user.roles))
    return True
