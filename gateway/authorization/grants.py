"""What an access token grants, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from devportal.subscription_states import SubscriptionState
from gateway.quotas.limits import UNLIMITED, PlanLimits
from publisher.runtime import RESIDENT


@dataclass(frozen=True, slots=True)
class SubscriptionGrant:
    """One subscription of an application: `state` is by WSO2's words, `limits` are what its `plan` allows."""

    id: str
    plan: str
    state: str
    limits: PlanLimits = UNLIMITED

    def lets(self, key_type: str) -> bool:
        """Whether keys of this type may call under it now."""
        return self.state == SubscriptionState.UNBLOCKED or (
            self.state == SubscriptionState.PROD_ONLY_BLOCKED and key_type != "PRODUCTION"
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """What one access token proves. Ids are text; `expires_at` is in seconds since the epoch.

    `owner_*` is who owns the application; `user_*` who allowed the token, empty for client credentials; `maker_id` who
    generated it by hand, where the application is shared with them. `internal_api`
    is the one API that a key of the Publisher is for, to try it out; it needs no subscription there and opens nothing
    else. `internal_copy` is the copy of its design that the key is for in place of what is deployed. `subscriptions`
    are those to the APIs that were asked about, by API id, however many more the application has. `limits` are what the
    application's `plan` allows all its tokens together. `key_manager` is who issued it.
    """

    token_id: str
    client_id: str
    application_id: str
    application_name: str
    owner_id: str
    owner_name: str
    key_type: str
    scopes: frozenset[str]
    expires_at: float
    subscriptions: Mapping[str, SubscriptionGrant]
    user_id: str = ""
    user_name: str = ""
    plan: str = ""
    limits: PlanLimits = UNLIMITED
    internal_api: str = ""
    key_manager: str = RESIDENT
    internal_copy: str = ""
    maker_id: str = ""

    def about(self, api_id: str) -> Grant:
        """The same as far as it concerns one API of those that were asked about."""
        held = self.subscriptions
        if held.keys() <= {api_id}:
            return self
        return replace(self, subscriptions={api_id: held[api_id]} if api_id in held else {})


class TokenError(Enum):
    """Why a token grants nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    TICKET = "ticket"
    SERVICE_ACCOUNT = "service account"
    DISABLED = "disabled"
    NO_DEVELOPER = "no developer"
    NO_PUBLISHER = "no publisher"
    UNAVAILABLE = "unavailable"


def people_behind(grant: Grant) -> tuple[str, str]:
    """The ids of who owns the application and of who allowed the token, the latter perhaps empty."""
    return (grant.owner_id, grant.user_id)


@dataclass(frozen=True, slots=True)
class TicketGrant:
    """What a one-use ticket was made for, once it is used up: an API, a token, an id, and a page's origin if any."""

    api_id: str
    token_id: str
    connection_id: str
    origin: str
