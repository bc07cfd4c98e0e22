"""Every write of the developer portal. Keyword-only; `actor` and `now` are passed in; atomic; on the trail."""

from devportal.operations.applications import create_application, delete_application, update_application
from devportal.operations.keys import GeneratedKeys, generate_keys, regenerate_secret, update_keys
from devportal.operations.subscriptions import (
    carry_subscriptions_over,
    change_plan,
    set_subscription_state,
    subscribe,
    unsubscribe,
)
from devportal.operations.tokens import IssuedToken, generate_token, revoke_token, revoke_tokens_of

__all__ = [
    "GeneratedKeys",
    "IssuedToken",
    "carry_subscriptions_over",
    "change_plan",
    "create_application",
    "delete_application",
    "generate_keys",
    "generate_token",
    "regenerate_secret",
    "revoke_token",
    "revoke_tokens_of",
    "set_subscription_state",
    "subscribe",
    "unsubscribe",
    "update_application",
    "update_keys",
]
