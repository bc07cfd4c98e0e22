"""Who may open a page: the door in front of a view."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View

from accounts import drafts, portals
from accounts.models import Draft, User
from accounts.permissions import require_role
from accounts.roles import Role

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def requires(*roles: Role) -> Callable[[Page[P]], Page[P]]:
    """Let a view be opened by whoever holds one of `roles` (administrators always); without roles by anyone signed in.

    Strangers are sent to the sign-in page of the portal they knocked at and come back afterwards; people without the
    role get RoleRequired (403), whose page says which role is needed and whom to ask.
    """

    def around(view: Page[P]) -> Page[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if refusal := turn_away(request, roles):
                return refusal
            return view(request, *args, **kwargs)

        return guarded

    return around


class RequiresRole(View):
    """The same door for a class-based view: name the roles in `required_roles`."""

    required_roles: Iterable[Role] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Open the page, or turn the visitor away as `requires` does."""
        return turn_away(request, self.required_roles) or super().dispatch(request, *args, **kwargs)


def turn_away(request: HttpRequest, roles: Iterable[Role]) -> HttpResponse | None:
    """The answer for a visitor without a session, None for one who may enter; raises RoleRequired for the others."""
    if isinstance(request.user, User):
        if needed := tuple(roles):
            require_role(request.user, *needed, to="Opening this page")
        return None
    # A request for a fragment makes the whole page go to the portal's sign-in.
    fragment = request.headers.get("HX-Request") == "true"
    back = request.headers.get("HX-Current-URL", "/") if fragment else request.get_full_path()
    portal = portals.of_path(request.path)
    draft = None
    if request.method != "GET" and not fragment:
        draft = draft_of(request)
        back = drafts.address(request, draft) if draft else came_from(request) or portal.home
    address = f"{reverse('accounts:sign-in', args=[portal])}?{urlencode({'next': back})}"
    answer = HttpResponse(headers={"HX-Redirect": address}) if fragment else HttpResponseRedirect(address)
    if draft:
        drafts.keep(request, answer, draft)
    return answer


def draft_of(request: HttpRequest) -> Draft | None:
    """What a form sent in vain, if it stood on the very page that it was sent to: there it can be filled in again."""
    page = urlsplit(came_from(request)).path
    return drafts.write(request, drafts.body_of(request)) if request.POST and page == request.path else None


def came_from(request: HttpRequest) -> str:
    """The page of this server that the visitor came from, or nothing. A form that was sent stood on it."""
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.get_host():
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


def current_user(request: HttpRequest) -> User:
    """Who is asking, on a page whose door has sent everybody else away."""
    return cast(User, request.user)
