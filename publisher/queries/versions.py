"""The versions of an API: those that share its context."""

from __future__ import annotations

from publisher import versions
from publisher.lifecycle import SERVED
from publisher.models import Api


def versions_of(api: Api) -> list[Api]:
    """All versions of the API, itself included, newest version first."""
    family = list(Api.objects.select_related("deployed_revision").filter(context__iexact=api.context))
    return sorted(family, key=lambda each: versions.sort_key(each.version), reverse=True)


def older_versions_of(api: Api) -> list[Api]:
    """The versions before this one, newest first."""
    mine = versions.sort_key(api.version)
    return [each for each in versions_of(api) if versions.sort_key(each.version) < mine]


def deployed_versions_of(api: Api) -> list[Api]:
    """The versions that the gateway serves."""
    served = {state.value for state in SERVED}
    return [each for each in versions_of(api) if each.deployed_revision_id and each.state in served]


def default_version_of(api: Api) -> Api | None:
    """The version that answers at the context alone: of those deployed as the default, the one deployed last."""
    claims = [
        (each.deployed_at, each)
        for each in deployed_versions_of(api)
        if each.deployed_revision and each.deployed_revision.snapshot["is_default_version"] and each.deployed_at
    ]
    return max(claims, key=lambda claim: claim[0])[1] if claims else None


def context_is_open(api: Api) -> bool:
    """Whether the context may still change: no revision and no other version depends on it."""
    return not (api.revisions_made or api.revisions.exists()) and len(versions_of(api)) == 1
