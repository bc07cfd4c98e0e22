"""Live checks while somebody types: is this value allowed, and does this endpoint answer? Both answer fragments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.attempts import Attempt, TooManyAttempts
from accounts.roles import Role
from core.errors import Invalid
from core.values import BadValue, refuse
from publisher import queries, validation
from publisher.endpoint import HIDDEN, EndpointOptions, read_options
from publisher.endpoint_check import EndpointCheck, try_endpoint
from publisher.forms import EndpointForm, TryForm, in_words
from publisher.operations.common import why_context_is_taken

CLEANERS: dict[str, Callable[[str], str]] = {
    "name": validation.clean_name,
    "context": validation.clean_context,
    "version": validation.clean_version,
    "endpoint": validation.clean_endpoint_url,
}
USUAL_VERSION = "1.0.0"
MOST_TESTS = 20  # of one person, a minute
KEPT_BACK = "Secrets that are stored were not sent: type their values to try with them."
ADDRESSES = ("endpoint", "production_url", "sandbox_url")
MATTERS_TO_A_HANDSHAKE = (
    *("connect_timeout", "verify_tls", "ca_certificate", "client_certificate", "secret_key", "host", "server_name"),
    *("headers", "secret_headers", "secret_query"),
)


@require_safe
@requires(Role.CREATOR)
def field_check(request: HttpRequest) -> HttpResponse:
    """Whether `value` would do for `field` of a new API: nothing when it would, else the sentence why not.

    A context is judged with the `version` that stands beside it: together they make the API's addresses.
    """
    field, value = request.GET.get("field", ""), request.GET.get("value", "")
    if field not in CLEANERS:
        return HttpResponseBadRequest("There is no such field.")
    try:
        clean, sentence = CLEANERS[field](value), ""
        if field == "name" and (holder := queries.holder_of_name(clean)):
            sentence = f"There is an API called {holder.name} already. Choose another name."
        if field == "context":
            version = USUAL_VERSION
            with suppress(BadValue):  # nobody has typed one yet
                version = validation.clean_version(request.GET.get("version", ""))
            sentence = why_context_is_taken(clean, version, since=timezone.now())
    except BadValue as error:
        sentence = in_words(error)
    return render(request, "publisher/apis/_verdict.html", {"field": field, "sentence": sentence})


@require_POST
@requires(Role.CREATOR)
def endpoint_test(request: HttpRequest) -> HttpResponse:
    """Dial the address in the form field named by `test` with the options typed beside it; say what it answered.

    That is what a client of the API would be told, for no other addresses than the gateway dials, and only so often.
    """
    named = request.POST.get("test", "")
    form = TryForm({"address": request.POST.get(named if named in ADDRESSES else ADDRESSES[0], "")})
    if not form.is_valid():
        answer = EndpointCheck(False, str(form.errors["address"][0]))
    else:
        url, who = form.cleaned_data["address"], str(current_user(request).pk)
        refusal = f"You have tested {MOST_TESTS} times within a minute. Wait %(wait)s, then try again."
        try:
            Attempt.begin(who, kind="endpoint-test", most=MOST_TESTS, seconds=60, refusal=refusal)
            answer = _tried(url, request)
            if url != form.data["address"].strip():  # it held letters beyond ASCII
                answer = replace(answer, sentence=f"{answer.sentence} · sent as {url}")
        except TooManyAttempts as error:
            answer = EndpointCheck(False, str(error))
    return render(request, "publisher/apis/_answer.html", {"answer": answer})


def _tried(url: str, request: HttpRequest) -> EndpointCheck:
    """The answer to the options on the page, or to the defaults on a page that has no advanced configuration."""
    options, form = EndpointOptions(), EndpointForm(request.POST)
    try:
        if "connect_timeout" in request.POST:
            refuse({name: str(form.errors[name][0]) for name in MATTERS_TO_A_HANDSHAKE if name in form.errors})
            options = read_options({name: form.cleaned_data[name] for name in MATTERS_TO_A_HANDSHAKE})
    except Invalid as error:
        return EndpointCheck(False, f"The advanced configuration cannot be used: {error}")
    headers, query = (
        {name: value for name, value in each.items() if value != HIDDEN}
        for each in (options.secret_headers, options.secret_query)
    )
    tried = replace(options, headers={**options.headers, **headers}, secret_headers={}, secret_query=query)
    if is_kept_back := options.secret_key == HIDDEN:
        tried = replace(tried, client_certificate="", secret_key="")
    answer = try_endpoint(url, tried)
    if not is_kept_back and (len(headers), len(query)) == (len(options.secret_headers), len(options.secret_query)):
        return answer
    return replace(answer, sentence=f"{answer.sentence} {KEPT_BACK}")
