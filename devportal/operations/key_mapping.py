"""An OAuth client that somebody has registered already becomes the keys of their application."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core import rows
from core.audit import record_change
from core.values import invalid
from devportal import news
from devportal.errors import KeysNotFound
from devportal.models import Application, KeyType, OAuthClient
from devportal.operations.applications import lock, require_approved
from devportal.operations.keys import KeysExist, first_approval
from devportal.operations.secrets import is_secret_of
from devportal.operations.tokens import end_tokens_of
from devportal.permissions import require_use_application


def map_keys(
    *, application: Application, key_type: str, client_id: str, secret: str, actor: User, now: datetime
) -> OAuthClient:
    """Make a client that `actor` has registered the production or sandbox keys of `application`; its secret proves it.

    It keeps its secret, grants and callbacks. Its tokens end: they spoke for a person in the REST API, and the keys of
    an application do not. Raises NotYourApplication, NotApproved, Invalid (fields) or KeysExist.
    """
    require_use_application(actor, application)
    require_approved(application)
    if key_type not in KeyType.values:
        raise invalid(key_type=_("Choose PRODUCTION or SANDBOX."))
    mine = OAuthClient.objects.filter(user=actor, application=None, user__is_service=False)
    client = mine.filter(client_id=client_id.strip()).first()
    if client is None or not is_secret_of(client, secret, now):
        sentence = _("You have registered no client with this consumer key and secret. Copy both anew.")
        raise invalid(client_id=sentence)
    with transaction.atomic():
        held, label = lock(application), KeyType(key_type).lower()
        row: OAuthClient = rows.lock(client, gone=KeysNotFound)
        end_tokens_of(row, actor=actor, now=now)
        row.application, row.key_type, row.is_mapped = held, key_type, True
        row.user, row.secret_by, row.name = held.owner, actor, f"{held.name} ({label})"
        row.approval = first_approval(key_type, actor)
        about = {"application": application, "keys": KeyType(key_type).keys}
        sentence = _("%(application)s has %(keys)s already. An application has one set of each type.") % about
        rows.save(row, taken=lambda: KeysExist(sentence))
        record_change(row, "mapped", actor=actor, now=now)
        if row.approval == Application.Approval.WAITING:
            news.keys_wait(row, now)
    return row
