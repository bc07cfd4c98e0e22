"""Operations on comments. Whether the actor sees the API is for the edge to ask, since each portal has its own rule."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, TooOften
from core.values import clean, invalid
from publisher import discussion, permissions
from publisher.comment_terms import MOST_REPLIES, RATES, EntryPoint, clean_text
from publisher.models import Api, Comment

CATEGORY_LENGTH = 30


class TooManyComments(TooOften):
    """The person has written as much as one may in a while."""


class ThreadIsFull(Conflict):
    """A comment has as many answers as it may have."""

    sentence = gettext_noop("A comment has at most {most} replies. Begin a new comment.")


@transaction.atomic
def create_comment(
    *,
    api: Api,
    text: str,
    parent: Comment | None = None,
    category: str = "general",
    entry_point: EntryPoint,
    actor: User,
    now: datetime,
) -> Comment:
    """Say something about an API, or answer what somebody has said.

    Raises RoleRequired, Invalid (`text`, `parent`), TooManyComments, ThreadIsFull, or CommentNotFound where the comment
    that is answered is gone.
    """
    permissions.require_comment(actor)
    said = clean({"text": text}, {"text": clean_text})["text"]
    if not category.isprintable() or not 0 < len(category) <= CATEGORY_LENGTH:
        raise invalid(category=f"A category is one to {CATEGORY_LENGTH} characters, such as general.")
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)  # one after the other, so that none is counted late
    for most, span, what in RATES:
        if Comment.objects.filter(author=actor, created_at__gt=now - span).count() >= most:
            raise TooManyComments(gettext(what) % {"most": most}, int(span.total_seconds()))
    if parent:
        thread = rows.lock(parent, gone=discussion.CommentNotFound, no_key=True)
        if thread.parent_id:
            raise invalid(parent=gettext("A reply cannot be answered itself. Answer the comment above it."))
        if discussion.replies_to(thread).count() >= MOST_REPLIES:
            raise ThreadIsFull(most=MOST_REPLIES)
    comment = Comment(
        api=api, parent=parent, text=said, category=category, entry_point=entry_point, author=actor, created_at=now
    )
    comment.save(force_insert=True)
    record_change(comment, "created", actor=actor, now=now)
    return comment


@transaction.atomic
def update_comment(*, comment: Comment, text: str, actor: User, now: datetime) -> Comment:
    """Say it otherwise. Raises NotYourComment, RoleRequired, Invalid (`text`) or CommentNotFound."""
    permissions.require_edit_comment(actor, comment)
    said = clean({"text": text}, {"text": clean_text})["text"]
    row = rows.lock(comment, gone=discussion.CommentNotFound)
    if row.text != said:
        row.text, row.updated_at = said, now
        row.save(update_fields=["text", "updated_at"])
        record_change(row, "updated", actor=actor, now=now)
    return row


@transaction.atomic
def delete_comment(*, comment: Comment, actor: User, now: datetime) -> None:
    """Take a comment back, with the replies to it. Raises RoleRequired or CommentNotFound."""
    permissions.require_delete_comment(actor, comment)
    row = rows.lock(comment, gone=discussion.CommentNotFound)
    record_change(row, "deleted", actor=actor, now=now, replies=discussion.replies_to(row).count())
    row.delete()
