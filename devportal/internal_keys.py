"""Keys of the Publisher: tokens with which the people of an API try it out. Pure.

Such a token belongs to a hidden application of the person, and its one scope says for which API it is. The scope counts
on tokens of hidden applications only.
"""

SCOPE = "internal:"
SECONDS = 15 * 60


def scope_for(api_id: object) -> str:
    """The scope of a key for this API."""
    return f"{SCOPE}{api_id}"


def api_of(scopes: str) -> str:
    """The id of the API that a key is for; empty where its scopes name none."""
    return next((scope.removeprefix(SCOPE) for scope in scopes.split() if scope.startswith(SCOPE)), "")
