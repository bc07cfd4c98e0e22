"""What became of one attempt to connect. The gateway knows; it registers whom to ask at start."""

from collections.abc import Callable
from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """How the gateway answered: HTTP status, its own code and words. The application is empty where it is not known."""

    status: int
    code: int
    message: str
    description: str
    application_id: str = ""


Reader = Callable[[str], RefusedAttempt | None]
readers: Registry[Reader] = Registry()
register = readers.register
"""Add somebody who may know an attempt by its id."""


def refusal_of(attempt: str) -> RefusedAttempt | None:
    """How the attempt of this id was refused; None while nobody knows that it was."""
    found = (reader(attempt) for reader in readers)
    return next((refused for refused in found if refused), None) if attempt else None
