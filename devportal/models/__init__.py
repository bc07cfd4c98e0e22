"""Rows and constraints of the Developer Portal.

applications    a developer's programs, and the quotas that they share
subscriptions   what these may call, and who is kept out of which API
members         with whom applications are shared
keys            OAuth clients, their secrets, tokens and tickets
deny_policies   whom administrators keep out
opinions        stars, and who follows an API
wizard_runs     where people have got to in the wizard
"""

from devportal.models.applications import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_REASON,
    Application,
    ApplicationAttribute,
    ApplicationPlan,
)
from devportal.models.deny_policies import DenyPolicy
from devportal.models.keys import LONGEST_TOKEN_NAME, ClientSecret, KeyType, OAuthClient, Ticket, TokenName, TokenRate
from devportal.models.members import Membership, TokenMaker
from devportal.models.opinions import MOST_STARS, Follow, Rating
from devportal.models.subscriptions import OwnerBlock, Subscription
from devportal.models.wizard_runs import WizardRun

__all__ = [
    "LONGEST_DESCRIPTION",
    "LONGEST_NAME",
    "LONGEST_REASON",
    "LONGEST_TOKEN_NAME",
    "MOST_STARS",
    "Application",
    "ApplicationAttribute",
    "ApplicationPlan",
    "ClientSecret",
    "DenyPolicy",
    "Follow",
    "KeyType",
    "Membership",
    "OAuthClient",
    "OwnerBlock",
    "Rating",
    "Subscription",
    "Ticket",
    "TokenMaker",
    "TokenName",
    "TokenRate",
    "WizardRun",
]
