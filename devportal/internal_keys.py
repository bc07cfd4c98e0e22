"""Keys of the Publisher: tokens with which the people of an API try it out. Pure.

Such a token belongs to a hidden application of the person, and its one scope says for which API it is, or for which
copy of its design. The scope counts on tokens of hidden applications only.
"""

SCOPE = "internal:"
SECONDS = 15 * 60


def scope_for(api_id: object, copy_id: object = "") -> str:
    """The scope of a key for this API as it is deployed, or for this copy of its design."""
    return f"{SCOPE}{api_id}:{copy_id}" if copy_id else f"{SCOPE}{api_id}"


def named_by(scopes: str) -> tuple[str, str]:
    """The ids of the API that a key is for, and of the working copy if it is for one; empty where no scope says."""
    named = next((scope.removeprefix(SCOPE) for scope in scopes.split() if scope.startswith(SCOPE)), "")
    api_id, _, copy_id = named.partition(":")
    return api_id, copy_id
