"""What a request says, as the protocol engine reads it."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore


class Backend(OAuthLibCore):
    """The toolkit's reading, in which a parameter without a value counts as left out (RFC 6749 §3.1 and §3.2)."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The form's fields that have a value."""
        return [(name, value) for name, value in super().extract_body(request) if value]

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        parts = urlsplit(super()._get_escaped_full_path(request))
        query = urlencode(parse_qsl(parts.query))  # drops what has no value
        return str(urlunsplit(parts._replace(query=query)))
