"""Creating, changing and deleting applications."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import installation
from accounts.models import User
from accounts.roles import Role
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import is_seen
from core.values import BadValue, clean_line, invalid, refuse
from devportal import news, queries, tokens
from devportal.bootstrap import DEFAULT_APPLICATION_PLAN
from devportal.errors import ApplicationNotFound
from devportal.models import LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_REASON, Application, ApplicationPlan
from devportal.operations.attributes import checked_attributes
from devportal.operations.members import leave_all, set_groups
from devportal.permissions import require_approve_applications, require_develop, require_use_application
from devportal.sharing import Right


class ApplicationNameTaken(Conflict):
    """The owner has another application of this name."""

    field = "name"
    sentence = gettext_noop("You already have an application named “{name}”. Choose another name, or use that one.")


class ApplicationDecided(Conflict):
    """Somebody else has decided meanwhile, or there was nothing to decide."""

    sentence = gettext_noop("This application does not wait for approval any more. Reload to see how it stands.")


class NotApproved(Conflict):
    """No keys for an application that is not approved."""


class NoMoreApplications(Conflict):
    """The owner has as many applications as one person may."""


def create_application(
    *,
    name: str,
    actor: User,
    now: datetime,
    description: str = "",
    plan: ApplicationPlan | None = None,
    token_type: str = Application.TokenType.JWT,
    groups: Iterable[str] = (),
    attributes: Mapping[str, str] | None = None,
) -> Application:
    """Create an application that belongs to `actor`.

    Without `plan` the default one is taken; `groups` says with whom it is shared, see `members.set_groups`. Attributes
    that administrators ask for must be among `attributes`, unless it is None: then nobody was asked.
    Raises RoleRequired, Invalid (fields), NameTaken or NoMoreApplications.
    """
    require_develop(actor)
    _check(name, description, token_type)
    application = Application(
        owner=actor,
        name=name.strip(),
        description=description.strip(),
        plan=plan or ApplicationPlan.objects.get(name=DEFAULT_APPLICATION_PLAN),
        token_type=token_type,
        approval=_first_approval(actor),
        attributes={} if attributes is None else checked_attributes(attributes),
        created_at=now,
        updated_at=now,
    )
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # of two at once, both would be the last
        most = settings.APPLICATIONS_PER_PERSON
        if Application.objects.filter(owner=actor).count() >= most > 0:
            raise NoMoreApplications(
                _("You have %(most)d applications, as many as one person may. Delete one of them first.")
                % {"most": most}
            )
        _hold(application.plan)
        rows.save(application, taken=lambda: ApplicationNameTaken(name=name.strip()))
        record_change(application, "created", actor=actor, now=now)
        set_groups(application=application, groups=groups, actor=actor, now=now)
        if application.approval == Application.Approval.WAITING:
            news.application_waits(application, now)
    return application


def update_application(
    *,
    application: Application,
    name: str,
    description: str,
    plan: ApplicationPlan,
    token_type: str,
    actor: User,
    now: datetime,
    groups: Iterable[str] | None = None,
    attributes: Mapping[str, str] | None = None,
) -> Application:
    """Change all that can be changed. Tokens that were issued before keep the type they have.

    One that was rejected waits for another decision. Only its owner changes with whom it is shared (`groups`); `groups`
    and `attributes` stay where they are None. Raises NotYourApplication, ApplicationNotFound, Invalid (fields) or
    ApplicationNameTaken.
    """
    require_use_application(actor, application)
    _check(name, description, token_type)
    values = application.attributes if attributes is None else checked_attributes(attributes)
    with transaction.atomic():
        row = lock(application)
        _hold(plan)
        row.name, row.description = name.strip(), description.strip()
        row.plan, row.token_type, row.attributes, row.updated_at = plan, token_type, values, now
        asks_again = row.approval == Application.Approval.REJECTED
        if asks_again:
            row.approval, row.decision = _first_approval(row.owner), ""
        rows.save(row, taken=lambda: ApplicationNameTaken(name=name.strip()))
        record_change(row, "updated", actor=actor, now=now)
        if asks_again and row.approval == Application.Approval.WAITING:
            news.application_waits(row, now)
        if groups is not None:
            set_groups(application=row, groups=groups, actor=actor, now=now)
    return row


def delete_applications_of(user: User, now: datetime) -> None:
    """Delete all applications of somebody who deletes their account. Call it in that transaction."""
    leave_all(user, now)
    with tokens.attributed(actor=user, now=now):
        for row in Application.objects.filter(owner=user):
            record_change(row, "deleted", actor=user, now=now)
            row.delete()


def decide_application(
    *, application: Application, is_approved: bool, reason: str = "", actor: User, now: datetime
) -> Application:
    """Approve or reject an application that waits; its owner is told, with the `reason`.

    Raises RoleRequired, ApplicationDecided, ApplicationNotFound, or Invalid (reason).
    """
    require_approve_applications(actor)
    said = clean_reason(reason)
    with transaction.atomic():
        row = lock(application)
        open_to = (
            {Application.Approval.WAITING, Application.Approval.REJECTED}
            if is_approved
            else {Application.Approval.WAITING}
        )
        if row.approval not in open_to:
            raise ApplicationDecided
        row.approval = Application.Approval.APPROVED if is_approved else Application.Approval.REJECTED
        row.decision, row.updated_at = said, now
        row.save(update_fields=["approval", "decision", "updated_at"])
        record_change(row, "approved" if is_approved else "rejected", actor=actor, now=now, reason=said)
        news.application_decided(row, now)
    return row


def require_approved(application: Application) -> None:
    """Raise NotApproved for an application that waits, or was rejected."""
    if application.reason:
        raise NotApproved(application.reason)


def clean_reason(reason: str) -> str:
    """What is said with a decision. Raises Invalid."""
    try:
        return clean_line(reason, LONGEST_REASON, _("A reason"))
    except BadValue as error:
        raise invalid(reason=str(error)) from None


def delete_application(*, application: Application, actor: User, now: datetime) -> None:
    """Delete an application with its subscriptions, keys and tokens; open connections of it are closed.

    Raises NotYourApplication, or ApplicationNotFound if somebody was faster.
    """
    require_use_application(actor, application, Right.OWN)
    with transaction.atomic(), tokens.attributed(actor=actor, now=now):
        row = lock(application)
        counts = {
            "subscriptions": row.subscriptions.count(),
            "tokens": queries.count_active_tokens(row, now),
        }
        record_change(row, "deleted", actor=actor, now=now, **counts)
        row.delete()


def lock(application: Application) -> Application:
    """The row as it is now, kept still until the transaction ends. Raises ApplicationNotFound if it is gone."""
    return rows.lock(application, gone=ApplicationNotFound, no_key=True)


def _first_approval(owner: User) -> str:
    asked = installation.current().approve_applications and not owner.has_role(Role.ADMIN)
    return Application.Approval.WAITING if asked else Application.Approval.APPROVED


def _hold(plan: ApplicationPlan) -> None:
    """Keep the plan from being deleted until the transaction ends."""
    if ApplicationPlan.objects.select_for_update(no_key=True).filter(pk=plan.pk).first() is None:
        sentence = _("%(plan)s has been deleted meanwhile. Choose another plan.") % {"plan": plan}
        raise invalid(plan=sentence)


def _check(name: str, description: str, token_type: str) -> None:
    problems = {}
    if not name.strip():
        problems["name"] = _("Give the application a name, so that you find it again.")
    if not is_seen(name.strip()):
        problems["name"] = _("A name cannot contain line ends or characters that are not seen. Type it anew.")
    if len(name.strip()) > LONGEST_NAME:
        numbers = {"limit_value": LONGEST_NAME, "show_value": len(name.strip())}
        problems["name"] = _("A name has at most %(limit_value)d characters; this one has %(show_value)d.") % numbers
    if len(description.strip()) > LONGEST_DESCRIPTION:
        most = {"most": LONGEST_DESCRIPTION}
        problems["description"] = _("A description has at most %(most)d characters.") % most
    if token_type not in Application.TokenType.values:
        problems["token_type"] = _("Choose JWT or OAuth.")
    refuse(problems, _("The application cannot be saved like this."))
