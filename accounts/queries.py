"""What administrators may read about accounts; who else asks is turned away by the edges."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit_log import AuditLogFilters
from accounts.models import (
    Invitation,
    Notification,
    NotificationChoice,
    Passkey,
    RecoveryCode,
    SecondFactor,
    SignIn,
    User,
)
from accounts.notification_kinds import TERMS, NotificationKind
from accounts.permissions import Viewer, require_manage_users, require_read_audit_log
from accounts.roles import Role
from core.errors import NotFound
from core.models import AuditEntry
from core.searching import words_of


class UserNotFound(NotFound):
    """There is no such account."""

    sentence = "There is no such user."


def search_users(viewer: Viewer, *, text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """The accounts whose user name, full name or e-mail holds every word of `text`.

    `role` narrows to those who hold it, `state` to the "enabled" or the "disabled". Raises RoleRequired, and Invalid
    for more words than a search may hold.
    """
    require_manage_users(viewer)
    users = User.objects.prefetch_related("role_grants")
    for word in words_of(text):
        named = Q(first_name_key__contains=word) | Q(last_name_key__contains=word) | Q(email_key__contains=word)
        users = users.filter(named | Q(username_key__contains=word))
    if role in set(Role):
        users = users.filter(role_grants__role=role)
    if state in ("enabled", "disabled"):
        users = users.filter(is_active=state == "enabled")
    return users.order_by("username")


def get_user(viewer: Viewer, pk: int) -> User:
    """One account. Raises RoleRequired or UserNotFound."""
    user = search_users(viewer).filter(pk=pk).first()
    if user is None:
        raise UserNotFound
    return user


def changes_of(viewer: Viewer, user: User) -> QuerySet[AuditEntry]:
    """What was done to an account, the newest first. Raises RoleRequired."""
    require_manage_users(viewer)
    return AuditEntry.objects.filter(kind=User.audit_kind, object_id=str(user.pk)).order_by("-pk")


def user_named(username: str) -> User:
    """The account of this name, in any case. Raises UserNotFound."""
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        raise UserNotFound(f"There is no user called {username}.") from None


def invitations(viewer: Viewer) -> QuerySet[Invitation]:
    """Who was invited and has not come yet, the latest first. Raises RoleRequired."""
    require_manage_users(viewer)
    return Invitation.objects.select_related("invited_by").order_by("-sent_at", "-pk")


MOST_COUNTED = 100


def notifications_of(user: User) -> QuerySet[Notification]:
    """What somebody was told, the newest first."""
    return Notification.objects.filter(user=user).order_by("-pk")


def unread_of(user: User) -> int:
    """How many of somebody's notifications are unread; MOST_COUNTED for so many or more."""
    return Notification.objects.filter(user=user, read_at=None).order_by()[:MOST_COUNTED].count()


def notification_choices_of(user: User) -> dict[NotificationKind, tuple[bool, bool]]:
    """For each kind whether somebody is told of it in the portal, and whether by e-mail."""
    chosen = {row.kind: (row.in_portal, row.by_mail) for row in NotificationChoice.objects.filter(user=user)}
    return {kind: chosen.get(kind.value, (True, terms.by_mail)) for kind, terms in TERMS.items()}


def waiting_sign_ups(viewer: Viewer) -> QuerySet[User]:
    """Those who made an account and wait to be let in, the oldest first. Raises RoleRequired."""
    require_manage_users(viewer)
    return User.objects.filter(awaits_approval=True).order_by("date_joined")


def audit_log(viewer: Viewer, filters: AuditLogFilters) -> QuerySet[AuditEntry]:
    """The audit log, the newest first. Raises RoleRequired."""
    require_read_audit_log(viewer)
    wanted = Q()
    if filters.actor:  # as their account spells it, or as it was written down of somebody who has none
        theirs = User.objects.filter(username_key=filters.actor)
        wanted &= Q(actor__in=theirs) | Q(actor_name__iexact=filters.actor)
    for lookup, value in filters.lookups():
        wanted &= Q(**{lookup: value})
    return AuditEntry.objects.filter(wanted).order_by("-pk")


def sign_ins_of(user: User) -> QuerySet[SignIn]:
    """Somebody's sessions that go on, the latest used first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return SignIn.objects.filter(user=user, session__in=alive).order_by("-used_at")


@dataclass(frozen=True)
class SecondFactors:
    """What somebody signs in with beside the password: their app, their passkeys, how many recovery codes are left."""

    app: SecondFactor | None
    passkeys: list[Passkey]
    codes: int


def second_factors_of(user: User) -> SecondFactors:
    """Somebody's own, the oldest passkey first."""
    app = SecondFactor.objects.filter(user=user).exclude(sealed="").first()
    codes = RecoveryCode.objects.filter(user=user).count()
    return SecondFactors(app, list(Passkey.objects.filter(user=user).order_by("pk")), codes)
