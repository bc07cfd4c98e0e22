"""Why a connection would be refused, in sentences a developer can act on."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from devportal import documented_codes
from devportal.attempts import RefusedAttempt
from devportal.deny_policies import DenyCondition
from devportal.models import Application, KeyType, Subscription
from devportal.subscription_states import SubscriptionState
from publisher import snapshots
from publisher.lifecycle import SERVED, State
from publisher.models import Api

_SUBSCRIPTION = {
    SubscriptionState.ON_HOLD: gettext_lazy(
        "The subscription waits for the publisher's approval. Tokens work as soon as it is given."
    ),
    SubscriptionState.REJECTED: gettext_lazy(
        "The publisher rejected the subscription. Ask them why, or choose another plan."
    ),
    SubscriptionState.BLOCKED: gettext_lazy("The publisher blocked the subscription. Ask them to unblock it."),
}


_UNREACHED = {
    KeyType.PRODUCTION: gettext_lazy(
        "The API has no production endpoint, so production keys reach nothing. Use the other keys or ask its publisher."
    ),
    KeyType.SANDBOX: gettext_lazy(
        "The API has no sandbox endpoint, so sandbox keys reach nothing. Use the other keys or ask its publisher."
    ),
}
_DENIED = {
    DenyCondition.API: gettext_lazy("An administrator has blocked the API. Ask them."),
    DenyCondition.APPLICATION: gettext_lazy("An administrator has blocked this application. Ask them."),
    DenyCondition.USER: gettext_lazy("An administrator has blocked you from calling APIs. Ask them."),
}


def reasons(
    *,
    api: Api,
    application: Application,
    subscription: Subscription | None,
    key_type: str,
    live_tokens: int,
    denied: Iterable[str] = (),
) -> list[str]:
    """What stands in the way of a connection with these keys now; nothing if all is well on this side.

    `denied` are the conditions of the deny policies against it.
    """
    found = [str(_DENIED[DenyCondition(each)]) for each in sorted(set(denied))]
    if State(api.state) is State.BLOCKED:
        found.append(_("The publisher has blocked the API for the time being. Try again later."))
    elif State(api.state) not in SERVED or api.deployed_revision is None:
        found.append(_("The API is not deployed on the gateway at the moment. Ask its publisher."))
    if subscription is None:
        about = {"application": application, "api": api}
        found.append(_("%(application)s is not subscribed to %(api)s. Subscribe it first.") % about)
    elif subscription.state == SubscriptionState.PROD_ONLY_BLOCKED and key_type == KeyType.PRODUCTION:
        found.append(_("The publisher blocked the subscription for production keys. Sandbox keys still work."))
    elif sentence := _SUBSCRIPTION.get(SubscriptionState(subscription.state)):
        found.append(str(sentence))
    if api.deployed_revision and key_type not in snapshots.key_types_served(api):
        found.append(str(_UNREACHED[KeyType(key_type)]))
    if not live_tokens:
        found.append(_("No token of these keys is valid any more. Generate another one."))
    return found


_BEHIND = gettext_lazy(
    "Your token and your subscription are good: what is wrong lies behind the gateway. Tell the API's publisher."
)
_WAYS_OUT = {
    101503: _BEHIND,
    101504: _BEHIND,
    303001: gettext_lazy(
        "Your token and your subscription are good: what is wrong lies behind the gateway. Tell the API's publisher. "
        "The gateway tries the backend again by itself."
    ),
    900906: gettext_lazy("Compare the address with the one this page came with."),
    900912: gettext_lazy("Take the token or ticket out of the address: the console brings one of its own."),
}


def of_refusal(refused: RefusedAttempt) -> list[str]:
    """What the gateway answered to an attempt, and what to do about it.

    The gateway speaks English; to who reads another language its words are explained, where that is known.
    """
    about = {"status": refused.status, "description": refused.description}
    found = [_("The gateway answered %(status)s. %(description)s") % about]
    known = next((each for each in documented_codes.REFUSALS if each.code == refused.code), None)
    if known and get_language() != settings.LANGUAGE_CODE:
        found += [f"{_(known.cause)}.", _(known.way_out)]
    elif refused.code in _WAYS_OUT:
        found.append(str(_WAYS_OUT[refused.code]))
    return found
