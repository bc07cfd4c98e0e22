"""Who may call what, one module because a handshake and an open connection share every step and every sentence. Pure.

| what | decision |
|---|---|
| no such context, version or topic; API created, retired or not deployed | 404, 900906 |
| API blocked | 503 with `Retry-After`, 900907 |
| deny policy against the API or the client's address | 403, 900805 |
| the web page's origin is not on the API's list | 403, 900403 |
| no credential; an unusable one | 401, 900902 / 900901 |
| token unknown or revoked, of a service account, of a disabled user | 401, 900901 |
| token expired | 401, 900903 |
| ticket unknown, used or run out; made for another API or origin | 401, 900901 |
| deny policy against the application or a person behind it | 403, 900805 |
| tokens cannot be checked now | 503 with `Retry-After`, 900900 |
| a key to try an API out, shown to another API | 403, 900908 |
| not subscribed (where the API is published or deprecated) | 403, 900908 |
| subscription blocked, wholly or for production keys | 403, 900907 |
| subscription waiting for approval, or rejected | 403, 900909 |
| none of the topic's scopes in the token, or none but `openid` | 403, 900910 |
| the API has no endpoint for keys of this type, or takes none | 403, 900905 |

An API that is created and deployed is served to the Publisher's own keys for it alone, which need neither subscription
nor scope; to everybody else it is not there. A pre-released (prototyped) API asks for no subscription; one that is
blocked still counts.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import NamedTuple

from devportal.deny_policies import ActiveDenyPolicies
from devportal.subscription_states import SubscriptionState
from gateway.authorization.grants import Grant, SubscriptionGrant, TicketGrant, TokenError, people_behind
from gateway.handshake.request import Credential, CredentialSource, Handshake
from gateway.refusals import REALM, Refusal, forbidden, nothing_here, retry_after, unauthorized
from gateway.routing.deployment import Deployment
from gateway.routing.table import Match, Route, route_to
from publisher.endpoint import Endpoint
from publisher.runtime import EVERY_KEY_MANAGER

BLOCKED_RETRY_SECONDS = 60
UNAVAILABLE_RETRY_SECONDS = 2
NEEDS_SUBSCRIPTION = frozenset({"PUBLISHED", "DEPRECATED"})
OTHER_TOKEN = forbidden(
    900905,
    "Wrong token",
    "A connection goes on only with a token of the same application, key type and person that opened it.",
)
"""The refusal for a token that is good, but not for this connection."""


class Place(NamedTuple):
    """Where a client connects from: its address, and the origin of the web page if it is one."""

    client_ip: str
    origin: str | None
    is_console: bool = False


@dataclass(frozen=True, slots=True)
class Allow:
    """The client may connect. `subscription` is None only on a pre-released API.

    `client_ip`, `origin` and `is_console` are where the handshake came from. `connection_id` is set where the id of the
    connection was given away before it was made, with a ticket.
    """

    route: Route
    grant: Grant
    subscription: SubscriptionGrant | None
    endpoint: Endpoint
    client_ip: str = ""
    origin: str | None = None
    connection_id: str = ""
    is_console: bool = False


class Decided(NamedTuple):
    """Who was let in, under what its grant is kept, and the versions of what that rests on besides grant and time."""

    allowed: Allow
    key: tuple[str, tuple[str, ...]]
    routes: object
    deny_policies: object


def authorize(
    handshake: Handshake,
    match: Match | None,
    grant: Grant | TokenError | None,
    now: float,
    deny_policies: ActiveDenyPolicies | None = None,
) -> Allow | Refusal:
    """Decide about a handshake.

    `match` is what the route table found for its path, `grant` what the routing state says of its credential (None when
    there was none), `now` the time in seconds since the epoch. A prefix of a version is settled here, because it
    depends on what the caller is subscribed to.
    """
    if match is None:
        return nothing_here("No API is served at this address. Check its context and version in the Developer Portal.")
    preferred: tuple[Container[str], ...] = ()
    if isinstance(grant, Grant):  # what it may call by subscription, then what has the better refusal
        held = grant.subscriptions
        callable_now = {api_id for api_id, subscription in held.items() if subscription.lets(grant.key_type)}
        preferred = ({grant.internal_api},) if grant.internal_api else (callable_now, held)
    route = match.route(*preferred)
    if route is None:
        return nothing_here("This version of the API has no such topic. Its topics are listed in the Developer Portal.")
    shown, origins = handshake.credential, route.deployment.design.origins
    is_console = bool(shown and origins and origins.is_console(shown.token, handshake.console_pass))
    place = Place(handshake.client_ip, handshake.origin, is_console)
    return (
        _refuse_state(route.deployment, grant)
        or _refuse_place(route, place, deny_policies)
        or _refuse_credential(handshake.credential, route)
        or _decide(route, place, grant, now, deny_policies)
    )


def settle_ticket(admitted: Allow, ticket: TicketGrant) -> Allow | Refusal:
    """Hold a decision against what its ticket is bound to. The ticket is used up either way."""
    if ticket.api_id != admitted.route.api_id:
        return unauthorized(900901, "Invalid credentials", "This ticket was made for another API. Ask for a new one.")
    if ticket.origin != (admitted.origin or ""):
        made_for = f"the origin {ticket.origin}" if ticket.origin else "a client that sends no Origin header"
        sentence = f"This ticket was made for {made_for}. Ask for one with the page's own origin."
        return unauthorized(900901, "Invalid credentials", sentence)
    return replace(admitted, connection_id=ticket.connection_id)


def reauthenticate(
    admitted: Allow,
    deployment: Deployment | None,
    grant: Grant,
    now: float,
    deny_policies: ActiveDenyPolicies | None = None,
) -> Allow | Refusal:
    """Decide about an open connection whose client hands over another token, which must be of the same kind."""
    was = admitted.grant
    if (grant.application_id, grant.key_type, grant.user_id) != (was.application_id, was.key_type, was.user_id):
        return OTHER_TOKEN
    decision = reconsider(admitted, deployment, grant, now, deny_policies)
    assert decision is not None  # noqa: S101  a grant always decides
    return decision


def is_denied(admitted: Allow, deny_policies: ActiveDenyPolicies) -> bool:
    """Whether a deny policy is against an open connection."""
    if not deny_policies:
        return False
    of_place = deny_policies.of_place(admitted.route.api_id, admitted.client_ip)
    return (
        of_place or deny_policies.of_caller(admitted.grant.application_id, people_behind(admitted.grant))
    ) is not None


def reconsider(
    admitted: Allow,
    deployment: Deployment | None,
    grant: Grant | TokenError,
    now: float,
    deny_policies: ActiveDenyPolicies | None = None,
) -> Allow | Refusal | None:
    """Decide again about an open connection, given what is now known of its API and token.

    None: nothing can be said now, because tokens cannot be checked; the connection stays as it is. It keeps the version
    and the backend it was opened to; what is asked again is the right to be there.
    """
    if grant is TokenError.UNAVAILABLE:
        return None
    if deployment and admitted.grant.internal_copy:
        deployment = deployment.working_copy
    if deployment and deployment.is_on_trial and isinstance(grant, TokenError):
        return refuse_token_error(grant)
    if deployment is None or not (deployment.is_served or tries_out(grant, deployment)):
        return nothing_here("The API is no longer served.")
    route = route_to(deployment, admitted.route.rest)
    if route is None:
        return nothing_here("The API no longer has this topic.")
    place = Place(admitted.client_ip, admitted.origin, admitted.is_console)
    return (
        _refuse_state(deployment, grant)
        or _refuse_place(route, place, deny_policies)
        or _decide(route, place, grant, now, deny_policies)
    )


def tries_out(grant: Grant | TokenError | None, deployment: Deployment) -> bool:
    """Whether this is the key of the Publisher for an API that is deployed and not published yet."""
    return isinstance(grant, Grant) and deployment.is_on_trial and grant.internal_api == deployment.api_id


def _refuse_state(deployment: Deployment, grant: Grant | TokenError | None) -> Refusal | None:
    if not deployment.is_served and not tries_out(grant, deployment):
        return nothing_here("The API is not served. Ask its publisher when it will be.")
    if deployment.state == "BLOCKED":
        return Refusal(
            503,
            900907,
            "API blocked",
            "Its publisher has blocked this API for the time being. Try again later.",
            retry_after(BLOCKED_RETRY_SECONDS),
        )
    return None


def _refuse_place(route: Route, place: Place, deny_policies: ActiveDenyPolicies | None) -> Refusal | None:
    if deny_policies and (policy := deny_policies.of_place(route.api_id, place.client_ip)):
        return forbidden(900805, "Denied", _DENIED[str(policy.kind)])
    origins = route.deployment.design.origins
    if origins is None or origins.allow(place.origin, is_from_console=place.is_console):
        return None
    return forbidden(
        900403,
        "Origin not allowed",
        "Web pages of this origin may not call the API. Its publisher can add the origin under Allowed origins on the "
        "API's Runtime page.",
    )


def _refuse_credential(credential: Credential | None, route: Route) -> Refusal | None:
    if credential is None:
        return unauthorized(900902, "Missing credentials", _how_to_show(route), error="")
    if credential.source in _NAMES:
        name = _NAMES[credential.source]
        return unauthorized(900901, "Invalid credentials", f"{name} is not accepted here. {_how_to_show(route)}")
    if credential.source is CredentialSource.QUERY and not route.deployment.query_token:
        return unauthorized(
            900901,
            "Invalid credentials",
            f"This API takes no token in the query string. {_how_to_show(route)}",
        )
    if not credential.token:
        return unauthorized(900902, "Missing credentials", f"The token is empty. {_how_to_show(route)}")
    return None


_NAMES = {
    CredentialSource.BASIC: "Basic authentication",
    CredentialSource.API_KEY: "An API key",
    CredentialSource.OTHER: "This authentication scheme",
}


def _how_to_show(route: Route) -> str:
    query = " or ?access_token=<access token> in the URL" if route.deployment.query_token else ""
    return f"Send the header Authorization: Bearer <access token>{query}."


def _decide(
    route: Route, place: Place, grant: Grant | TokenError | None, now: float, deny_policies: ActiveDenyPolicies | None
) -> Allow | Refusal:
    if not isinstance(grant, Grant):
        return refuse_token_error(grant)
    if grant.expires_at <= now:
        return refuse_token_error(TokenError.EXPIRED)
    if deny_policies and (policy := deny_policies.of_caller(grant.application_id, people_behind(grant))):
        return forbidden(900805, "Denied", _DENIED[str(policy.kind)])
    design = route.deployment.design
    if not {EVERY_KEY_MANAGER, grant.key_manager} & design.key_managers:
        sentence = f"This API takes no tokens of the {grant.key_manager}. Its publisher chooses under Key managers."
        return unauthorized(900901, "Invalid credentials", sentence)
    subscription = grant.subscriptions.get(route.api_id)
    if grant.internal_api not in ("", route.api_id):
        sentence = "This key is for trying out another API. Get one on the API's own page."
        return forbidden(900908, "Not subscribed", sentence)
    if not grant.internal_api and (
        refusal := _refuse_subscription(route.deployment, subscription, grant.key_type) or _refuse_scope(route, grant)
    ):
        return refusal
    endpoint = design.endpoints.get(grant.key_type)
    is_allowed = grant.key_type in design.key_types
    if endpoint is None or not is_allowed:
        kind, other = ("sandbox", "production") if grant.key_type == "SANDBOX" else ("production", "sandbox")
        why = f"The API has no {kind} endpoint" if is_allowed else f"The API takes no {kind} keys"
        return forbidden(900905, "Wrong key type", f"{why}. Use a token of the application's {other} keys.")
    about = grant.about(route.api_id)
    return Allow(route, about, subscription, endpoint, place.client_ip, place.origin, is_console=place.is_console)


_DENIED = {
    "API": "An administrator has blocked this API. Ask the administrator of the gateway.",
    "APPLICATION": "An administrator has blocked this application. Ask the administrator of the gateway.",
    "USER": "An administrator has blocked the person behind this application. Ask the administrator of the gateway.",
    "IP": "An administrator has blocked your address. Ask the administrator of the gateway.",
    "IPRANGE": "An administrator has blocked your address. Ask the administrator of the gateway.",
}


def refuse_token_error(error: TokenError | None) -> Refusal:
    """The refusal for a token that grants nothing."""
    if error is TokenError.UNAVAILABLE:
        return Refusal(
            503,
            900900,
            "Tokens cannot be checked",
            "The gateway cannot look up access tokens at the moment. Try again in a few seconds.",
            retry_after(UNAVAILABLE_RETRY_SECONDS),
        )
    if error is TokenError.EXPIRED:
        return unauthorized(900903, "Access token expired", "The access token has expired. Get a new one.")
    return unauthorized(900901, "Invalid credentials", _TOKEN_ERRORS.get(error, _TOKEN_ERRORS[TokenError.UNKNOWN]))


_TOKEN_ERRORS: dict[TokenError | None, str] = {
    TokenError.UNKNOWN: "The access token is not known or was revoked. Get a new one.",
    TokenError.TICKET: "The ticket is not known, was used already or is older than 30 seconds. Ask for a new one.",
    TokenError.SERVICE_ACCOUNT: "This token belongs to a service account, which may use the REST API only. "
    "Use a token of an application.",
    TokenError.DISABLED: "The account behind this token is disabled. Ask an administrator.",
    TokenError.NO_PUBLISHER: "Whoever made this key no longer has a role of the Publisher. Ask an administrator.",
    TokenError.NO_DEVELOPER: "Whoever owns the application of this token no longer has the subscriber role. "
    "Ask an administrator.",
}


def _refuse_subscription(
    deployment: Deployment, subscription: SubscriptionGrant | None, key_type: str
) -> Refusal | None:
    if subscription is None:
        if deployment.state not in NEEDS_SUBSCRIPTION:
            return None
        sentence = "The application is not subscribed to this API. Subscribe in the Developer Portal."
        return forbidden(900908, "Not subscribed", sentence)
    if subscription.state == SubscriptionState.BLOCKED:
        return forbidden(900907, "Subscription blocked", "The publisher has blocked this subscription.")
    if subscription.state == SubscriptionState.PROD_ONLY_BLOCKED and key_type == "PRODUCTION":
        return forbidden(
            900907, "Subscription blocked", "The publisher has blocked this subscription for production keys."
        )
    if deployment.state not in NEEDS_SUBSCRIPTION or subscription.lets(key_type):
        return None
    sentence = _INACTIVE.get(subscription.state, f"The subscription is {subscription.state}.")
    return forbidden(900909, "Subscription inactive", sentence)


_INACTIVE: dict[str, str] = {
    SubscriptionState.ON_HOLD: "The subscription waits for approval. Try again when it has been approved.",
    SubscriptionState.REJECTED: "The subscription was rejected. Ask the API's publisher, or choose another plan.",
}


IDENTITY_SCOPES = frozenset({"openid"})  # they reveal who signed in, and let nobody call anything


def _refuse_scope(route: Route, grant: Grant) -> Refusal | None:
    scopes = route.topic.scopes if route.topic else frozenset[str]()
    if grant.scopes and grant.scopes <= IDENTITY_SCOPES:
        wanted = "default"
        description = "This token only tells who signed in. Get one with the scope default."
    elif scopes and not scopes & grant.scopes:
        wanted = " ".join(sorted(scopes))
        description = f"This topic asks for one of these scopes: {wanted}. Get a token that has it."
    else:
        return None
    challenge = f'{REALM}, error="insufficient_scope", scope="{wanted}"'  # RFC 6750 §3.1
    return Refusal(403, 900910, "Scope missing", description, (("WWW-Authenticate", challenge),))
