"""The comments on an API, as the Developer Portal shows them: visitors read, people who are signed in write."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts.access import turn_away
from devportal import queries
from publisher.comment_terms import EntryPoint
from publisher.models import Api
from publisher.views.comments import CommentsPage, Deletions, Listing, One, names_in


class InTheDeveloperPortal(CommentsPage):
    """As the Developer Portal shows comments."""

    entry_point = EntryPoint.DEVPORTAL
    names = names_in("devportal")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who writes signs in first."""
        refusal = turn_away(request, ()) if request.method == "POST" else None
        return refusal or super().dispatch(request, *args, **kwargs)

    def api(self) -> Api:
        """An API that the visitor finds."""
        return queries.api_for(self.request.user, self.kwargs["pk"])

    def show(self, api: Api, context: dict[str, Any], status: int) -> HttpResponse:
        """Among the API's pages."""
        return render(self.request, "devportal/comments/list.html", {"api": api, **context}, status=status)


class DeveloperComments(InTheDeveloperPortal, Listing):
    """The threads in the Developer Portal."""


class DeveloperComment(InTheDeveloperPortal, One):
    """One comment in the Developer Portal."""


class DeveloperCommentDeletions(InTheDeveloperPortal, Deletions):
    """A comment deleted in the Developer Portal."""
