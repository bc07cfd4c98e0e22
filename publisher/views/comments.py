"""The comments on an API. The Developer Portal shows the same threads with the same views: see `CommentsPage`."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.utils.translation import gettext
from django.views import View

from accounts.access import RequiresRole, current_user
from core.errors import Conflict, Invalid
from core.forms import sent, show_refusal, status_of
from publisher import discussion, permissions, queries
from publisher.comment_terms import EntryPoint
from publisher.forms.comments import CommentForm
from publisher.models import Api, Comment
from publisher.operations import comments as operations
from publisher.views.common import api_page

THREADS_A_PAGE = 20
REFUSALS = (Invalid, Conflict, operations.TooManyComments)


def names_in(portal: str) -> dict[str, str]:
    """What the addresses of comments are called in a portal."""
    return {
        "list": f"{portal}:comments",
        "one": f"{portal}:comment",
        "deletions": f"{portal}:comment-deletions",
    }


class CommentsPage(View, ABC):
    """What the two portals share: `api` finds the API as one of them shows it, `show` draws its page."""

    entry_point: ClassVar[EntryPoint]
    names: ClassVar[Mapping[str, str]]

    @abstractmethod
    def api(self) -> Api:
        """The API that is commented on. Raises NotFound for those who may not know of it."""

    @abstractmethod
    def show(self, api: Api, context: dict[str, Any], status: int) -> HttpResponse:
        """The page with the threads."""

    def page(
        self, api: Api, form: CommentForm, *, answering: object = None, editing: Comment | None = None
    ) -> HttpResponse:
        """The threads, with `form` where it was used: below a comment that is answered or edited, or above them all."""
        viewer = self.request.user
        page = Paginator(discussion.threads_of(api), THREADS_A_PAGE).get_page(self.request.GET.get("page"))
        comments = [each for thread in page for each in (thread, *thread.replies.all())]
        context = {
            "page": page,
            "typed": form["text"].value() or "",
            "wrong": " ".join(str(each) for errors in form.errors.values() for each in errors),
            "answering": str(answering or ""),
            "editing": str(editing.pk) if editing else "",
            "may_comment": permissions.can_comment(viewer),
            "mine": [each.pk for each in comments if permissions.can_edit_comment(viewer, each)],
            "deletable": [each.pk for each in comments if permissions.can_delete_comment(viewer, each)],
            "total": api.comments.count(),
            "names": self.names,
        }
        return self.show(api, context, status_of(form))

    def back(self, api: Api, comment: Comment | None = None) -> HttpResponse:
        """To the list, at the comment that was just written."""
        response = redirect(self.names["list"], pk=api.pk)
        if comment:
            response["Location"] += f"#comment-{comment.pk}"
        return response


class Listing(CommentsPage):
    """Every thread; POST writes a comment or a reply."""

    def get(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The newest threads first."""
        form = CommentForm(sent(request))
        return self.page(self.api(), form, answering=form["parent"].value())

    def post(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Write, and come back to what was written."""
        api, form = self.api(), CommentForm(request.POST)
        permissions.require_comment(request.user)
        if form.is_valid():
            parent = form.cleaned_data["parent"]
            try:
                comment = operations.create_comment(
                    api=api,
                    text=form.cleaned_data["text"],
                    parent=discussion.get_comment(api, parent) if parent else None,
                    entry_point=self.entry_point,
                    actor=current_user(request),
                    now=now(),
                )
                return self.back(api, comment)
            except REFUSALS as refusal:
                show_refusal(form, refusal)
        return self.page(api, form, answering=form["parent"].value())


class One(CommentsPage):
    """POST changes what a comment says."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: uuid.UUID, comment: uuid.UUID) -> HttpResponse:
        """Save, and come back to it."""
        api, form = self.api(), CommentForm(request.POST)
        found = discussion.get_comment(api, comment)
        permissions.require_edit_comment(request.user, found)
        if form.is_valid():
            try:
                text = form.cleaned_data["text"]
                operations.update_comment(comment=found, text=text, actor=current_user(request), now=now())
                return self.back(api, found)
            except REFUSALS as refusal:
                show_refusal(form, refusal)
        return self.page(api, form, editing=found)


class Deletions(CommentsPage):
    """POST deletes a comment with the replies to it."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, pk: uuid.UUID, comment: uuid.UUID) -> HttpResponse:
        """Delete, and come back to the list."""
        api = self.api()
        found = discussion.get_comment(api, comment)
        operations.delete_comment(comment=found, actor=current_user(request), now=now())
        messages.success(request, gettext("The comment is deleted."))
        return self.back(api, found.parent)


class InThePublisher(RequiresRole, CommentsPage):
    """As the Publisher shows comments."""

    entry_point = EntryPoint.PUBLISHER
    names = names_in("publisher")

    def api(self) -> Api:
        """Any API, for people of the Publisher."""
        return queries.get_api_for(current_user(self.request), self.kwargs["pk"])

    def show(self, api: Api, context: dict[str, Any], status: int) -> HttpResponse:
        """Inside the API's pages."""
        return api_page(self.request, api, "comments/list.html", status=status, **context)


class PublisherComments(InThePublisher, Listing):
    """The threads in the Publisher."""


class PublisherComment(InThePublisher, One):
    """One comment in the Publisher."""


class PublisherCommentDeletions(InThePublisher, Deletions):
    """A comment deleted in the Publisher."""
