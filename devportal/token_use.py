"""When access tokens were last used to connect. The gateway knows; it registers whom to ask at start."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from core.registry import Registry

Reader = Callable[[Sequence[str]], dict[str, datetime]]
readers: Registry[Reader] = Registry()
register = readers.register
"""Add who knows when tokens, by the ids of their rows, last opened a connection."""


def last_used(token_ids: Iterable[object]) -> dict[str, datetime]:
    """When each of these tokens last opened a connection, by its id. One that never did is not in it."""
    ids = [str(each) for each in token_ids]
    known: dict[str, datetime] = {}
    for reader in readers if ids else ():
        known |= reader(ids)
    return known
