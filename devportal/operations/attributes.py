"""What administrators want to know of each application."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.values import BadValue, clean_line, invalid
from devportal.errors import AttributeNotFound
from devportal.models import Application, ApplicationAttribute
from devportal.permissions import require_define_attributes

MOST_ATTRIBUTES = 20
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_VALUE = 60, 300, 300


class AttributeNameTaken(Conflict):
    """There is an attribute of this name."""


class TooManyAttributes(Conflict):
    """There are as many attributes as there may be."""

    sentence = f"Applications have {MOST_ATTRIBUTES} attributes at most. Delete one first."


def define_attribute(
    *, name: str, description: str, is_required: bool, is_hidden: bool, actor: User, now: datetime
) -> ApplicationAttribute:
    """Ask for something of each application from now on. Those that are there are asked when they are saved.

    Raises RoleRequired, Invalid (name, description, is_hidden), AttributeNameTaken or TooManyAttributes.
    """
    require_define_attributes(actor)
    try:
        called = clean_line(name, LONGEST_NAME, "A name", missing="Give the attribute a name.")
    except BadValue as error:
        raise invalid(name=str(error)) from None
    row = ApplicationAttribute(name=called)
    _put(row, description, is_required, is_hidden)
    with transaction.atomic():
        if ApplicationAttribute.objects.count() >= MOST_ATTRIBUTES:
            raise TooManyAttributes
        rows.save(row, taken=lambda: AttributeNameTaken(f"There is an attribute called {called} already."))
        record_change(row, "created", actor=actor, now=now)
    return row


def redefine_attribute(
    *,
    attribute: ApplicationAttribute,
    description: str,
    is_required: bool,
    is_hidden: bool,
    actor: User,
    now: datetime,
) -> ApplicationAttribute:
    """Change what is said of an attribute; its name stays, for programs send it.

    Raises RoleRequired, Invalid (description, is_hidden) or AttributeNotFound.
    """
    require_define_attributes(actor)
    with transaction.atomic():
        row = rows.lock(attribute, gone=AttributeNotFound)
        _put(row, description, is_required, is_hidden)
        row.save()
        record_change(row, "updated", actor=actor, now=now)
    return row


def delete_attribute(*, attribute: ApplicationAttribute, actor: User, now: datetime) -> int:
    """Ask for it no more, and forget what was answered; returns of how many applications that was.

    Raises RoleRequired or AttributeNotFound.
    """
    require_define_attributes(actor)
    with transaction.atomic():
        row = rows.lock(attribute, gone=AttributeNotFound)
        answered = list(Application.objects.select_for_update(no_key=True).filter(attributes__has_key=row.name))
        for application in answered:
            del application.attributes[row.name]
        Application.objects.bulk_update(answered, ["attributes"], batch_size=500)
        record_change(row, "deleted", actor=actor, now=now, applications=len(answered))
        row.delete()
    return len(answered)


def checked_attributes(given: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the attributes of an application: those that say something. Raises Invalid (attributes)."""
    known = {row.name: row for row in ApplicationAttribute.objects.all()}
    problems = [_("There is no attribute %(name)s.") % {"name": name} for name in given if name not in known]
    values = {}
    for name, row in known.items():
        try:
            missing = _("%(name)s is asked for by your administrators.") % {"name": name}
            if value := clean_line(
                given.get(name, ""), LONGEST_VALUE, name, missing=missing if row.is_required else ""
            ):
                values[name] = value
        except BadValue as error:
            problems.append(str(error))
    if problems:
        raise invalid(attributes=" ".join(problems))
    return values


def _put(row: ApplicationAttribute, description: str, is_required: bool, is_hidden: bool) -> None:
    try:
        row.description = clean_line(description, LONGEST_DESCRIPTION, "A description")
    except BadValue as error:
        raise invalid(description=str(error)) from None
    if is_required and is_hidden:
        raise invalid(is_hidden="Nobody could fill in what is hidden: choose one of the two.")
    row.is_required, row.is_hidden = is_required, is_hidden
