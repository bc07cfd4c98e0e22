"""Deny policies, for administrators, and what they say against somebody's calls."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from devportal.deny_policies import DenyCondition
from devportal.errors import DenyPolicyNotFound
from devportal.models import Application, DenyPolicy
from devportal.queries.rows import one_of
from publisher.models import Api


def deny_policies() -> QuerySet[DenyPolicy]:
    """Every deny policy, the newest first. For administrators, which the edges see to."""
    return DenyPolicy.objects.order_by("-created_at", "pk")


def conditions_against(application: Application, api: Api) -> list[str]:
    """The conditions of the active deny policies against an application's calls to an API, addresses aside."""
    named = Q(kind=DenyCondition.API, subject=str(api.pk)) | Q(
        kind=DenyCondition.APPLICATION, subject=str(application.pk)
    )
    against = DenyPolicy.objects.filter(
        named | Q(kind=DenyCondition.USER, subject=str(application.owner_id)), is_active=True
    )
    return list(against.values_list("kind", flat=True))


def get_deny_policy(pk: UUID | str) -> DenyPolicy:
    """One deny policy; raises DenyPolicyNotFound."""
    return one_of(DenyPolicy.objects.all(), pk, DenyPolicyNotFound)
