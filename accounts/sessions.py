"""Django's sessions in the database, under a digest of their keys: who reads the table can be nobody.

A key holds 160 random bits, so a plain digest is enough. SESSION_ENGINE names this module.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone


def at_rest(session_key: str) -> str:
    """What the table holds in place of a session's key: as much as its column takes."""
    return blake2b(session_key.encode(), digest_size=20).hexdigest()


class SessionStore(db.SessionStore):
    """One session. Its name has to stay: Django makes the salt out of it with which a session's content is signed."""

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return super().exists(at_rest(session_key))

    def delete(self, session_key: str | None = None) -> None:
        """Forget the session of this key, or this one."""
        if key := session_key or self.session_key:
            super().delete(at_rest(key))

    def create_model_instance(self, data: Any) -> AbstractBaseSession:
        """The row that is written."""
        row = super().create_model_instance(data)
        row.session_key = at_rest(row.session_key)
        return row

    def _get_session_from_db(self) -> Session | None:
        key = at_rest(self.session_key or "")
        row = Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row

    # Django asks in these ways where a view waits for a session; none of ours does, and none may find the key in clear.

    aexists = sync_to_async(exists)  # type: ignore[arg-type]
    adelete = sync_to_async(delete)  # type: ignore[arg-type]
    acreate_model_instance = sync_to_async(create_model_instance)  # type: ignore[arg-type]
    _aget_session_from_db = sync_to_async(_get_session_from_db)
