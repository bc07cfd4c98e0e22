"""What Python's enumerations lack. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

E = TypeVar("E", bound=type[Enum])


def at_hand(enumeration: E) -> E:
    """Have its members found in the class itself, as from Python 3.12 on: 3.11 calls a function for each time that one
    is named, which for the states of a connection comes to more than what they decide."""
    for name, member in enumeration.__members__.items():
        type.__setattr__(enumeration, name, member)
    return enumeration
