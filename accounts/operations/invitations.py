"""People who are invited by e-mail: a link that lets them choose a name and a password, once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.models import INVITED_FOR, Invitation, User
from accounts.operations.mail import post_mail
from accounts.operations.recovery import LinkOver
from accounts.operations.users import admit, new_user
from accounts.permissions import require_manage_users
from accounts.roles import Role, in_order
from core import rows
from core.audit import record_change
from core.errors import Conflict, NotFound
from core.text import listed
from core.values import invalid

SALT = "accounts.invitation"
MOST_INVITED = 500
KNOWN = "This address was invited already. Send it another link below."


class InvitationNotFound(NotFound):
    """Nobody of this number waits to come."""

    sentence = "There is no such invitation. It was accepted or withdrawn meanwhile."


class TooManyInvited(Conflict):
    """More wait than anybody looks through."""

    sentence = f"{MOST_INVITED} invitations wait already. Withdraw some that nobody will accept."


def invite(*, email: str, roles: Iterable[Role], actor: User, now: datetime) -> tuple[Invitation, str]:
    """Invite somebody to an account with these roles. Returns the link where it has to be handed over: without e-mail.

    Raises RoleRequired, TooManyInvited, or Invalid for an address that has an account or was invited already.
    """
    require_manage_users(actor)
    given = in_order(roles)
    if not given:
        raise invalid(roles="Tick at least one role.")
    if has_it := User.objects.filter(email_key=email).first():
        raise invalid(email=f"{has_it.username} has this address. Change their roles instead.")
    with transaction.atomic():
        if Invitation.objects.count() >= MOST_INVITED:
            raise TooManyInvited
        wanted = Invitation(email=email, roles=[role.value for role in given], invited_by=actor, sent_at=now)
        invitation = rows.save(wanted, lambda: invalid(email=KNOWN))
        record_change(invitation, "sent", actor=actor, now=now, roles=invitation.roles)
        return invitation, _send(invitation, now)


@transaction.atomic
def invite_again(*, pk: int, actor: User, now: datetime) -> tuple[Invitation, str]:
    """Send another link, for as long as the first; that one is void. As `invite`. Raises InvitationNotFound."""
    require_manage_users(actor)
    invitation = Invitation.objects.select_for_update().filter(pk=pk).first()
    if invitation is None:
        raise InvitationNotFound
    invitation.round, invitation.sent_at = invitation.round + 1, now
    invitation.save(update_fields=["round", "sent_at"])
    record_change(invitation, "sent", actor=actor, now=now, roles=invitation.roles)
    return invitation, _send(invitation, now)


@transaction.atomic
def withdraw_invitation(*, pk: int, actor: User, now: datetime) -> Invitation:
    """Let the link be void. Raises RoleRequired or InvitationNotFound."""
    require_manage_users(actor)
    invitation = Invitation.objects.select_for_update().filter(pk=pk).first()
    if invitation is None:
        raise InvitationNotFound
    record_change(invitation, "withdrawn", actor=actor, now=now)
    invitation.delete()
    invitation.pk = pk
    return invitation


def whose_invitation(token: str) -> tuple[Invitation, bool]:
    """The invitation that a link belongs to, and whether the link came by e-mail. Raises LinkOver."""
    try:
        said = signing.loads(token, salt=SALT, max_age=INVITED_FOR)
    except signing.BadSignature:
        raise LinkOver from None
    invitation = Invitation.objects.filter(pk=said["invitation"], round=said["round"]).first()
    if invitation is None:
        raise LinkOver
    return invitation, said["mailed"]


def accept_invitation(*, token: str, username: str, password: str, now: datetime) -> User:
    """Make the account of somebody who was invited. Raises LinkOver, UsernameTaken, WeakPassword or Invalid.

    Where the link came by e-mail, the address is theirs.
    """
    invitation, came_by_mail = whose_invitation(token)
    user = new_user(username=username, email=invitation.email, password=password, now=now)  # slow: without a lock
    user.confirmed_email = invitation.email if came_by_mail else ""
    with transaction.atomic():
        if not Invitation.objects.filter(pk=invitation.pk, round=invitation.round).delete()[0]:
            raise LinkOver
        roles = {Role(name) for name in invitation.roles}
        admit(user, roles, actor=user, now=now)
        record_change(invitation, "accepted", actor=user, now=now, user_id=user.pk)
    return user


def _send(invitation: Invitation, now: datetime) -> str:
    """Write to whoever is invited; where there is no e-mail, the link to hand over."""
    said: dict[str, Any] = {"invitation": invitation.pk, "round": invitation.round, "mailed": settings.MAIL}
    path = reverse("accounts:invitation", args=[signing.dumps(said, salt=SALT)])
    link = f"{settings.PORTAL_URL}{path}"
    host = invitation.invited_by.display_name if invitation.invited_by else "An administrator"
    text = (
        f"{host} invites you to the API manager at {settings.PORTAL_URL}, as {listed(invitation.roles)}.\n\n"
        f"Open this link within {INVITED_FOR.days} days to choose a name and a password:\n\n{link}\n\n"
        "It works once. If you do not know of it, do nothing.\n"
    )
    return "" if post_mail(to=[invitation.email], subject="You are invited", text=text, now=now) else link
