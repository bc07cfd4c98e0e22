"""Who may open a page: the door in front of a view."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views import View

from accounts import drafts, portals
from accounts.models import Draft, User
from accounts.permissions import require_role
from accounts.roles import Role
from core.translating import gettext_noop

FRESH, FRESH_SECONDS = "confirmed_at", 900
"""The moment, in the session, at which somebody last showed who they are."""

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


def freshly(view: Page[P]) -> Page[P]:
    """Let a view be opened by who has signed in, or shown who they are once more, in the last quarter of an hour.

    Others are asked for their password first and come back to the page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if refusal := turn_away(request, ()):
            return refusal
        if timezone.now().timestamp() - request.session.get(FRESH, 0) < FRESH_SECONDS:
            return view(request, *args, **kwargs)
        portal = portals.of_path(request.path)
        back = request.get_full_path() if request.method in ("GET", "HEAD") else came_from(request)
        query = urlencode({"next": back or reverse("accounts:account", args=[portal])})
        return HttpResponseRedirect(f"{reverse('accounts:confirmation', args=[portal])}?{query}")

    return guarded


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
            require_role(request.user, *needed, to=gettext_noop("Opening this page"))
        return None
    # A request for a fragment makes the whole page go to the portal's sign-in.
    fragment = request.headers.get("HX-Request") == "true"
    portal, back, draft = portals.of_path(request.path), request.get_full_path(), None
    if request.method != "GET" or fragment:
        back, draft = typed_on(request)
    sign_in = reverse("accounts:sign-in", args=[portal])
    address = f"{sign_in}?{urlencode({'next': back or portal.home})}"
    answer = HttpResponse(headers={"HX-Redirect": address}) if fragment else HttpResponseRedirect(address)
    if draft:
        drafts.keep(request, answer, draft)
    return answer


def typed_on(request: HttpRequest) -> tuple[str, Draft | None]:
    """The page on which a form stood that was sent in vain, and what it sent if it can be filled in there again.

    It can be where the page is the one that it was sent to, where it says which of the page's forms it is, and where
    a part of the page has sent the whole of it. The page is empty where another site sent the form.
    """
    page = came_from(request)
    path, of_fragment = urlsplit(page).path, request.headers.get("HX-Request") == "true"
    if not page or not request.POST or not (path == request.path or drafts.FORM in request.POST or of_fragment):
        return page, None
    draft = drafts.write(request, path=path)
    return drafts.address(page, draft), draft


def came_from(request: HttpRequest) -> str:
    """The page of this server that the visitor came from, or nothing. A form that was sent stood on it."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if page.netloc != request.get_host():
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


def current_user(request: HttpRequest) -> User:
    """Who is asking, on a page whose door has sent everybody else away."""
    return cast(User, request.user)
