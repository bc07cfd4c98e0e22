"""How a program asks for tokens with each grant of its keys, as curl commands. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from core.translating import gettext as _
from devportal.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN


@dataclass(frozen=True)
class GrantCommand:
    """What one tab says: its title, and the text to copy. The secret is a word to be replaced."""

    id: str
    title: str
    text: str


def commands(*, grants: Collection[str], portal: str, client_id: str, callback: str) -> list[GrantCommand]:
    """One for each grant that the keys have, in the order in which they are used."""
    token = f"curl {portal}/oauth2/token -u {client_id}:$SECRET"
    query = urlencode(
        {"response_type": "code", "client_id": client_id, "redirect_uri": callback, "scope": "default", "state": "xyz"}
    )
    texts = {
        CLIENT_CREDENTIALS: (_("Client credentials"), f"{token} -d grant_type=client_credentials -d scope=default"),
        AUTHORIZATION_CODE: (
            _("Authorization code"),
            "VERIFIER=$(openssl rand -hex 32)\n"
            "CHALLENGE=$(printf %s $VERIFIER | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)\n"
            "# 1. Open this in a browser; it comes back to the callback URL with ?code=…\n"
            f'echo "{portal}/oauth2/authorize?{query}&code_challenge_method=S256&code_challenge=$CHALLENGE"\n'
            "# 2. Change the code for tokens, within a minute:\n"
            f"{token} -d grant_type=authorization_code -d code=$CODE -d code_verifier=$VERIFIER \\\n"
            f"  --data-urlencode redirect_uri={callback}",
        ),
        REFRESH_TOKEN: (
            _("Refresh token"),
            f"{token} -d grant_type=refresh_token -d refresh_token=$REFRESH_TOKEN",
        ),
    }
    return [GrantCommand(f"curl-{name}", *texts[name]) for name in texts if name in grants]
