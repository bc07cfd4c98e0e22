"""Which scopes there are, and which of them a client may ask for."""

from typing import Any

from django.conf import settings
from oauth2_provider.scopes import BaseScopes

from devportal import queries
from devportal.models import OAuthClient
from devportal.rest_scopes import SCOPES
from publisher import scoping

OWN: dict[str, str] = settings.OAUTH_SCOPES


class Described(dict[str, str]):
    """Descriptions of scopes; one that only APIs know is looked up, and where nobody described it, it is its name."""

    def __missing__(self, scope: str) -> str:
        return scoping.descriptions_of([scope]).get(scope, scope)


class Scopes(BaseScopes):
    """The product's own scopes, and those that the topics of subscribed APIs ask for."""

    def get_all_scopes(self) -> dict[str, str]:
        """Every scope with a description."""
        return Described(OWN | {name: scope.says for name, scope in SCOPES.items()})

    def get_available_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        """What `application` (the client) may ask for; without one, what the metadata announces.

        Which of it a person gets is for their roles to say: see `Validator.validate_scopes`.
        """
        if application is None:
            return list(OWN)
        if application.application is None:  # a client of the REST API
            return [*OWN, *SCOPES]
        return [*OWN, *queries.scopes_asked_for(application.application)]

    def get_default_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        """What a request without a scope is given."""
        return [queries.DEFAULT_SCOPE]
