"""The comments on an API: visitors read, people who are signed in write."""

from __future__ import annotations

from uuid import UUID

from rest_framework import permissions

from devportal import queries
from publisher.api import comments
from publisher.comment_terms import EntryPoint
from publisher.models import Api


class OfAPublishedApi(comments.CommentsResource):
    """As the Developer Portal shows comments."""

    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    entry_point = EntryPoint.DEVPORTAL

    def api(self, api_id: UUID) -> Api:
        """An API that whoever asks finds. Raises ApiNotFound."""
        return queries.api_for(self.request.user, api_id)


class CommentsOfDevelopers(OfAPublishedApi, comments.Comments):
    """The threads."""


class CommentOfDevelopers(OfAPublishedApi, comments.OneComment):
    """One comment or reply."""


class RepliesOfDevelopers(OfAPublishedApi, comments.Replies):
    """The replies to a comment."""
