"""Creating, changing and deleting applications."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from devportal import queries, tokens
from devportal.errors import ApplicationNotFound
from devportal.models import Application, ApplicationPlan
from devportal.permissions import can_develop, can_use_application

LONGEST_NAME = 100  # characters
LONGEST_DESCRIPTION = 512  # characters


class NotADeveloper(NotAllowed):
    """The person lacks the role that the developer portal's writes need."""

    def __init__(self) -> None:
        super().__init__("This needs the subscriber role. Ask an administrator to give it to you.")


class NotYourApplication(NotAllowed):
    """Only the owner may change an application."""

    def __init__(self) -> None:
        super().__init__("Only the owner of an application may change it.")


class ApplicationNameTaken(Conflict):
    """The owner has another application of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You already have an application named “{name}”. Choose another name, or use that one.")
        self.fields = {"name": str(self)}


def create_application(
    *,
    name: str,
    actor: User,
    now: datetime,
    description: str = "",
    plan: ApplicationPlan | None = None,
    token_type: str = Application.TokenType.JWT,
) -> Application:
    """Create an application that belongs to `actor`.

    Without `plan` the default one is taken. Raises NotADeveloper, Invalid (fields) or NameTaken.
    """
    if not can_develop(actor):
        raise NotADeveloper
    _check(name, description, token_type)
    application = Application(
        owner=actor,
        name=name.strip(),
        description=description.strip(),
        plan=plan or queries.default_application_plan(),
        token_type=token_type,
        created_at=now,
        updated_at=now,
    )
    with transaction.atomic():
        _hold(application.plan)
        _save_named(application)
        _record("created", application, actor, now)
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
) -> Application:
    """Change all that can be changed. Tokens that were issued before keep the type they have.

    Raises NotYourApplication, ApplicationNotFound, Invalid (fields) or NameTaken.
    """
    require_owner(actor, application)
    _check(name, description, token_type)
    with transaction.atomic():
        row = lock(application)
        _hold(plan)
        row.name, row.description = name.strip(), description.strip()
        row.plan, row.token_type, row.updated_at = plan, token_type, now
        _save_named(row)
        _record("updated", row, actor, now)
    return row


def delete_application(*, application: Application, actor: User, now: datetime) -> None:
    """Delete an application with its subscriptions, keys and tokens; open connections of it are closed.

    Raises NotYourApplication, or ApplicationNotFound if somebody was faster.
    """
    require_owner(actor, application)
    with transaction.atomic(), tokens.attributed(actor=actor, now=now):
        row = lock(application)
        counts = {
            "subscriptions": row.subscriptions.count(),
            "tokens": queries.count_active_tokens(row, now),
        }
        _record("deleted", row, actor, now, **counts)
        row.delete()


def require_owner(actor: User, application: Application) -> None:
    """Raise NotYourApplication or NotADeveloper unless `actor` may change `application`."""
    if application.owner_id != actor.pk:
        raise NotYourApplication
    if not can_use_application(actor, application):
        raise NotADeveloper


def lock(application: Application) -> Application:
    """The row as it is now, kept still until the transaction ends. Raises ApplicationNotFound if it is gone."""
    row = Application.objects.select_for_update(no_key=True).filter(pk=application.pk).first()
    if row is None:
        raise ApplicationNotFound
    return row


def _hold(plan: ApplicationPlan) -> None:
    """Keep the plan from being deleted until the transaction ends."""
    if ApplicationPlan.objects.select_for_update(no_key=True).filter(pk=plan.pk).first() is None:
        sentence = f"{plan} has been deleted meanwhile. Choose another plan."
        raise Invalid(sentence, {"plan": sentence})


def _check(name: str, description: str, token_type: str) -> None:
    problems = {}
    if not name.strip():
        problems["name"] = "Give the application a name, so that you find it again."
    if not name.strip().isprintable():
        problems["name"] = "A name cannot contain line ends or characters that are not seen. Type it anew."
    if len(name.strip()) > LONGEST_NAME:
        problems["name"] = f"A name has at most {LONGEST_NAME} characters; this one has {len(name.strip())}."
    if len(description.strip()) > LONGEST_DESCRIPTION:
        problems["description"] = f"A description has at most {LONGEST_DESCRIPTION} characters."
    if token_type not in Application.TokenType.values:
        problems["token_type"] = "Choose JWT or OAuth."  # noqa: S105 - a sentence
    if problems:
        raise Invalid("The application cannot be saved like this.", problems)


def _save_named(application: Application) -> None:
    try:
        with transaction.atomic():
            application.save()
    except IntegrityError:
        raise ApplicationNameTaken(application.name) from None


def _record(what: str, application: Application, actor: User, now: datetime, **more: int) -> None:
    audit.record(
        actor=actor,
        verb=f"application.{what}",
        kind="application",
        object_id=application.pk,
        detail={"application_id": str(application.pk), "name": application.name, **more},
        now=now,
    )
