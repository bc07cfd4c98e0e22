"""Keeping callers out: deny policies are added, switched and taken away. They act within a second."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.values import BadValue, invalid
from devportal.deny_policies import ABOUT_ADDRESSES, DenyCondition, clean_address, read_span
from devportal.errors import DenyPolicyNotFound
from devportal.models import Application, DenyPolicy
from devportal.permissions import require_deny
from publisher.models import Api
from publisher.validation import served_path


class DeniedAlready(Conflict):
    """There is such a policy; switch it on if it is off."""

    field = "value"


class NothingToSwitch(Conflict):
    """The policy is already as it was asked to be."""


def add_deny_policy(
    *, kind: str, value: str, invert: bool = False, is_active: bool = True, actor: User, now: datetime
) -> DenyPolicy:
    """Keep out what `value` names, see `devportal.deny_policies`; open connections of it are closed with 4006.

    Raises RoleRequired, Invalid (fields `kind`, `value`, `invert`) or DeniedAlready.
    """
    require_deny(actor)
    if kind not in set(DenyCondition):
        raise invalid(kind=f"Choose one of {', '.join(DenyCondition)}.")
    if invert and kind not in ABOUT_ADDRESSES:
        raise invalid(invert="Only conditions about addresses can be turned round.")
    try:
        written, subject = _named(DenyCondition(kind), value.strip())
    except BadValue as error:
        raise invalid(value=str(error)) from None
    policy = DenyPolicy(kind=kind, value=written, subject=subject, invert=invert, is_active=is_active)
    policy.created_at = policy.updated_at = now

    def denied_already() -> DeniedAlready:
        present = DenyPolicy.objects.get(kind=kind, value=written, invert=invert)
        stands = "is active" if present.is_active else "exists and is switched off"
        return DeniedAlready(f"A deny policy for {present.value} {stands} already.")

    with transaction.atomic():
        rows.save(policy, taken=denied_already)
        record_change(policy, "created", actor=actor, now=now)
    return policy


def switch_deny_policy(*, policy: DenyPolicy, is_active: bool, actor: User, now: datetime) -> DenyPolicy:
    """Switch a policy on or off. Raises RoleRequired, NothingToSwitch or DenyPolicyNotFound."""
    require_deny(actor)
    with transaction.atomic():
        row = rows.lock(policy, gone=DenyPolicyNotFound)
        if row.is_active == is_active:
            raise NothingToSwitch(f"The deny policy for {row.value} is {'active' if is_active else 'off'} already.")
        row.is_active, row.updated_at = is_active, now
        row.save(update_fields=["is_active", "updated_at"])
        record_change(row, "updated", actor=actor, now=now)
    return row


def delete_deny_policy(*, policy: DenyPolicy, actor: User, now: datetime) -> None:
    """Take a policy away. Raises RoleRequired or DenyPolicyNotFound."""
    require_deny(actor)
    with transaction.atomic():
        row = rows.lock(policy, gone=DenyPolicyNotFound)
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def _named(kind: DenyCondition, value: str) -> tuple[str, str]:
    """The value as it is written, and the id of what it names, if anything. Raises BadValue."""
    if kind in ABOUT_ADDRESSES:
        return (clean_address(value) if kind is DenyCondition.IP else str(read_span(value))), ""
    if kind is DenyCondition.USER:
        user = User.objects.filter(username_key=value).first()
        if user is None:
            raise BadValue(f"There is nobody called {value}. Write a user name.")
        return user.username, str(user.pk)
    try:
        pk = uuid.UUID(value)
    except ValueError:
        pk = uuid.UUID(int=0)  # which nothing has
    if kind is DenyCondition.API:
        return _api(pk, value)
    owner, _, name = value.partition(":")
    rows = Application.objects.select_related("owner").order_by("is_internal")  # two of one name: theirs before ours
    found = rows.filter(pk=pk).first() or rows.filter(owner__username_key=owner, name_key=name).first()
    if found is None:
        raise BadValue(f"There is no application {value}. Write owner and name, such as carol:Chat client.")
    return f"{found.owner.username}:{found.name}", str(found.pk)


def _api(pk: uuid.UUID, value: str) -> tuple[str, str]:
    """An API by its id, or by its path, which the rows do not hold whole: the context may have the version in it."""
    wanted = f"/{value.strip('/')}".lower()
    by_id = Api.objects.filter(pk=pk)
    candidates = by_id or Api.objects.filter(version__iexact=wanted.rpartition("/")[2]) | Api.objects.filter(
        context__contains="{version}"
    )
    for api in candidates:
        path = served_path(api.context, api.version)
        if by_id or path.lower() == wanted:
            return path, str(api.pk)
    raise BadValue(f"There is no API at {value}. Write context and version, such as /echowebsocket/1.0.0.")
