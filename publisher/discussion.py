"""What may be read of the comments on an API. Whoever sees the API, in either portal, reads all of them."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext_noop

from core.errors import NotFound
from publisher.models import Api, Comment


class CommentNotFound(NotFound):
    """The API has no such comment."""

    code = 900408
    sentence = gettext_noop("There is no such comment. It may have been deleted.")


def threads_of(api: Api) -> QuerySet[Comment]:
    """The comments that answer none, newest first, each with its `replies`, oldest first, and `reply_count`."""
    replies = Prefetch("replies", Comment.objects.select_related("author").order_by("created_at", "pk"))
    rows = Comment.objects.filter(api=api, parent=None).select_related("author").prefetch_related(replies)
    return rows.annotate(reply_count=Count("replies")).order_by("-created_at", "pk")


def replies_to(comment: Comment) -> QuerySet[Comment]:
    """The answers to a comment, oldest first."""
    return Comment.objects.filter(parent=comment).select_related("author").order_by("created_at", "pk")


def get_comment(api: Api, pk: uuid.UUID | str) -> Comment:
    """One comment on this API, an answer too; raises CommentNotFound."""
    try:
        return Comment.objects.select_related("author", "api", "parent").get(api=api, pk=pk)
    except (Comment.DoesNotExist, ValidationError):
        raise CommentNotFound from None
