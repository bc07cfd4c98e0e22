"""Every write of the developer portal. Keyword-only; `actor` and `now` are passed in; atomic; in the audit log."""

from devportal.operations.application_plans import (
    create_application_plan,
    delete_application_plan,
    update_application_plan,
)
from devportal.operations.applications import (
    create_application,
    decide_application,
    delete_application,
    update_application,
)
from devportal.operations.blocks import carry_blocks_over, lift_block
from devportal.operations.deny_policies import add_deny_policy, delete_deny_policy, switch_deny_policy
from devportal.operations.internal_keys import (
    NothingDeployed,
    issue_internal_key,
    issue_internal_ticket,
)
from devportal.operations.key_mapping import map_keys
from devportal.operations.keys import GeneratedKeys, decide_keys, generate_keys, update_keys
from devportal.operations.members import add_member, change_right, remove_member
from devportal.operations.opinions import follow_api, rate_api, unfollow_api, unrate_api
from devportal.operations.registrations import register_client
from devportal.operations.secrets import add_secret, end_secret, regenerate_secret
from devportal.operations.starts import Start, start
from devportal.operations.subscriptions import (
    carry_subscriptions_over,
    change_plan,
    move_subscriptions,
    set_subscription_state,
    subscribe,
    unsubscribe,
)
from devportal.operations.tickets import issue_ticket
from devportal.operations.tokens import IssuedToken, generate_token, revoke_token, revoke_tokens_of
from devportal.operations.transfers import TransferRefused, transfer_application

__all__ = [
    "GeneratedKeys",
    "IssuedToken",
    "NothingDeployed",
    "Start",
    "TransferRefused",
    "add_deny_policy",
    "add_member",
    "add_secret",
    "carry_blocks_over",
    "carry_subscriptions_over",
    "change_plan",
    "change_right",
    "create_application",
    "create_application_plan",
    "decide_application",
    "decide_keys",
    "delete_application",
    "delete_application_plan",
    "delete_deny_policy",
    "end_secret",
    "follow_api",
    "generate_keys",
    "generate_token",
    "issue_internal_key",
    "issue_internal_ticket",
    "issue_ticket",
    "lift_block",
    "map_keys",
    "move_subscriptions",
    "rate_api",
    "regenerate_secret",
    "register_client",
    "remove_member",
    "revoke_token",
    "revoke_tokens_of",
    "set_subscription_state",
    "start",
    "subscribe",
    "switch_deny_policy",
    "transfer_application",
    "unfollow_api",
    "unrate_api",
    "unsubscribe",
    "update_application",
    "update_application_plan",
    "update_keys",
]
