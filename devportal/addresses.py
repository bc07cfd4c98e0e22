"""Where an API answers at the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from publisher import versions
from publisher.models import Api
from publisher.queries import deployed_versions_of
from publisher.validation import VERSION_PLACEHOLDER, served_path

SHORT_SEGMENTS = 2


@dataclass(frozen=True)
class Addresses:
    """Where one version answers, unencrypted (`ws`) and encrypted (`wss`). Paths begin with a slash.

    `full_path` names the version exactly; `short_path` is the tutorial's two-segment form, which commands use, and
    equals it where the short form would reach another version.
    """

    full_path: str
    short_path: str
    default_path: str
    ws: str
    wss: str
    ws_short: str
    wss_short: str


def addresses_of(api: Api) -> Addresses:
    """The addresses of `api`, given what else is deployed under its context."""
    others = [each.version for each in deployed_versions_of(api) if each.pk != api.pk]
    full_path = served_path(api.context, api.version)
    short_path = served_path(api.context, short_version(api.version, others))
    return Addresses(
        full_path,
        short_path,
        default_path=api.context if api.is_default_version and VERSION_PLACEHOLDER not in api.context else "",
        ws=settings.GATEWAY_WS_URL + full_path,
        wss=settings.GATEWAY_WSS_URL + full_path,
        ws_short=settings.GATEWAY_WS_URL + short_path,
        wss_short=settings.GATEWAY_WSS_URL + short_path,
    )


def takes_token_in_url(api: Api) -> bool:
    """Whether the gateway takes a token as `?access_token=` for `api`, as it is deployed."""
    deployed = api.deployed_revision
    return settings.QUERY_TOKENS and (deployed is None or deployed.snapshot.get("query_token", True))


def short_version(version: str, others: Iterable[str]) -> str:
    """ "1.0" for "1.0.0" if that reaches it among the `others`; what has two segments or fewer stays whole."""
    has_more = version.count(".") >= SHORT_SEGMENTS
    return (versions.shorter(version, others) if has_more else "") or version
