"""Around every request: refusals become pages, too much is refused, what comes first is asked for, drafts are kept."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import ResolverMatch, reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from accounts import default_password, drafts, installation, languages, operations, portals
from accounts.access import came_from, turn_away
from accounts.attempts import Attempt, TooManyAttempts, address_of
from accounts.models import User
from accounts.operations.sign_ins import NOTED, USE_IS_NOTED
from accounts.roles import Role
from accounts.sessions import at_rest
from core.errors import DomainError
from core.middleware import Middleware
from core.rest.refusals import refusal_body

REFUSED = "errors/refused.html"
FAILED = frozenset({400, 409, 429})
DOORS = frozenset({"accounts:sign-in", "accounts:sign-up"})
ALWAYS_OPEN = frozenset({"accounts:password", "accounts:sign-in", "accounts:sign-out", "accounts:theme"})
SETTING_UP = frozenset(
    f"accounts:{page}" for page in ("second-factor", "app", "recovery-codes", "passkeys", "challenges", "confirmation")
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CHANGE_SECONDS = 3600
NOTED_SECONDS = int(USE_IS_NOTED.total_seconds())


class DomainErrorMiddleware(MiddlewareMixin):
    """Turn an operation's refusal that no view has handled into a page with the right status and its sentence."""

    async_capable = False

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render the page of an anticipated refusal, whose class may name a `template`; leave the rest to Django."""
        return refusal_page(request, error) if isinstance(error, DomainError) else None


def refusal_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A page with the refusal's status, headers and sentence, or a notice where only a fragment was asked for."""
    if request.headers.get("HX-Request") == "true":  # the rest of the page stays
        answer = render(request, "errors/toast.html", {"error": error}, status=error.status)
        answer["HX-Retarget"], answer["HX-Reswap"] = ".toasts", "beforeend"
        return answer
    came = came_from(request)
    back = "" if urlsplit(came).path == request.path else came  # no way back to the very page that was refused
    template, context = getattr(error, "template", REFUSED), {"error": error, "back": back}
    page = render(request, template, context, status=error.status)
    for name, value in error.headers.items():
        page[name] = value
    return page


class ChangesMiddleware(Middleware):
    """Bounds how much one address may change in an hour, whoever it says it is: accounts cost a stranger nothing.

    What is refused or fails does not count, nor what people do who were given a role.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Count what is not only read."""
        if request.method in SAFE or is_trusted(request):
            return self.get_response(request)
        most = settings.CHANGES_PER_ADDRESS
        refusal = _("Too much was changed from your address. Wait %(wait)s, then try again.")
        try:
            attempt = Attempt.begin(
                address_of(request), kind="change", most=most, seconds=CHANGE_SECONDS, refusal=refusal
            )
        except TooManyAttempts as error:  # said as whatever was asked says it: OAuth (RFC 6749 §5.2), REST, a page
            if request.path.startswith("/oauth2/") and request.path != "/oauth2/authorize":  # which is a page
                body = {"error": "temporarily_unavailable", "error_description": str(error)}
                return JsonResponse(body, status=error.status, headers={**error.headers, "Cache-Control": "no-store"})
            if request.path.startswith(("/api/", "/client-registration/")):
                return JsonResponse(refusal_body(error), status=error.status, headers=error.headers)
            return refusal_page(request, error)
        answer = self.get_response(request)
        if answer.status_code >= HTTPStatus.BAD_REQUEST or is_trusted(request):  # a token says only now whose it is
            attempt.count(-1)
        return answer


def is_trusted(request: HttpRequest) -> bool:
    """Whether whoever asks holds a role that nobody gets by signing up."""
    user = getattr(request, "user", None)
    return isinstance(user, User) and bool(user.roles - {Role.SUBSCRIBER})


class FirstThingsMiddleware(MiddlewareMixin):
    """What somebody has to do before any other page opens to them: a password of their own, then a second factor.

    The REST API refuses such a person itself (`accounts.rest`).
    """

    async_capable = False

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Lead to the page on which it is done, and on from there, instead of to any other."""
        match, user = request.resolver_match, request.user
        if match is None or not isinstance(user, User) or match.view_name in ALWAYS_OPEN or not is_page(match):
            return None
        if default_password.must_choose_another(user):
            page = "accounts:password"
        elif match.view_name not in SETTING_UP and installation.lacks_second_factor(user):
            page = "accounts:second-factor"
        else:
            return None
        portal = portals.of_path(request.path)
        wanted = request.get_full_path() if request.method == "GET" else portal.home
        address = f"{reverse(page, args=[portal])}?{urlencode({'next': wanted})}"
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(headers={"HX-Redirect": address})
        return HttpResponseRedirect(address)


def is_page(match: ResolverMatch) -> bool:
    """Whether people look at what is there: it is neither the REST API nor where programs ask for tokens."""
    if match.namespace.startswith("oauth2_provider"):
        return match.url_name == "authorize"
    return not hasattr(match.func, "cls")  # as Django REST framework marks its views


class LanguageMiddleware(Middleware):
    """Speaks the browser's language, if it is one of ours, until it is known who asks (see PresenceMiddleware)."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Around what people read in their own language; everything else is in English."""
        if not languages.is_translated(request.path):
            return self.get_response(request)
        with translation.override(languages.spoken_at(request)):
            answer = self.get_response(request)
        patch_vary_headers(answer, ["Accept-Language"])
        return answer


class PresenceMiddleware(Middleware):
    """Speaks the person's own language, writes exact times in their time zone, and notes that their session is used."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Around everything that is answered to somebody who is signed in."""
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        key = request.session.session_key
        if key and NOTED in request.session and cache.add(f"session-used:{at_rest(key)}", 1, NOTED_SECONDS):
            operations.note_use(session_key=key, now=timezone.now())
        language = languages.spoken_at(request, user.language)
        with timezone.override(user.time_zone or None), translation.override(language):
            return self.get_response(request)


class MembersOnlyMiddleware(MiddlewareMixin):
    """Asks everybody to sign in to the Developer Portal where administrators have closed it to passers-by."""

    async_capable = False

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Turn a passer-by away from the catalogue, in the browser and over REST."""
        match = request.resolver_match
        rooms = {"devportal", "api:devportal-api"}
        if match is None or match.namespace not in rooms or isinstance(request.user, User):
            return None
        if installation.current().anonymous_browsing:
            return None
        if is_page(match):
            return turn_away(request, ())
        if request.headers.get("Authorization", "").lower().startswith("bearer "):  # REST will see whose it is
            return None
        body = {"code": 900401, "message": "Unauthorized", "description": "Sign in first.", "error": []}
        return JsonResponse(body, status=401, headers={"WWW-Authenticate": "Bearer"})


class DraftMiddleware(Middleware):
    """Nothing typed is lost, and Back asks nobody whether to send a form again.

    A page that is opened with a draft gets it as `request.draft`, which `core.forms.sent` hands to its form; if it was
    a dialog, or one of several forms on the page, as `request.reopened`, for `core.forms.reopened`. A form that failed
    is answered by sending the browser to an address of its own, where the answer is shown: so it has a place in the
    history like any other page.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and drafts.QUERY in request.GET:
            found = drafts.read(request)
            if found and found[0].status:
                return HttpResponse(found[1], status=found[0].status)
            if isinstance(request.user, User):  # others are asked to sign in first, and come back with the draft
                if not found:
                    return HttpResponseRedirect(drafts.address(request.get_full_path(), None))
                typed = QueryDict(found[1])
                setattr(request, "reopened" if drafts.FORM in typed else "draft", typed)
                messages.info(request, "What you typed is here again. Nothing has been sent yet.")
        answer = self.get_response(request)
        if not _is_failed_form(request, answer):
            return answer
        kept = drafts.write(request, answer.content, status=answer.status_code)
        if kept is None:
            return answer
        moved = HttpResponseRedirect(drafts.address(request.get_full_path(), kept))
        moved.status_code = 303
        drafts.keep(request, moved, kept)
        return moved


def _is_failed_form(request: HttpRequest, answer: HttpResponse) -> bool:
    """Whether a browser, and no program, was sent a page that says what is wrong with its form.

    A page that nothing may keep is shown where it is, unless it is one of those doors: they show nothing secret.
    """
    if (
        request.method != "POST"
        or answer.status_code not in FAILED
        or request.headers.get("Sec-Fetch-Mode") != "navigate"
        or answer.streaming
    ):
        return False
    is_door = request.resolver_match is not None and request.resolver_match.view_name in DOORS
    return is_door or (isinstance(request.user, User) and not answer.has_header("Cache-Control"))
