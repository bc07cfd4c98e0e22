"""What a password may not be, beyond Django's own rules. AUTH_PASSWORD_VALIDATORS names it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from core.lookalikes import looks
from core.translating import gettext as _

LEAST_BESIDE_THE_NAME = 8  # characters, as many as a whole password has at least
SHORTEST_NAME = 3


class NameIsNoPassword:
    """Refuses the user name with a few signs around it, backwards, or in letters that look like its own.

    What is left of a password without the name has to be long enough for a password of its own.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError with what to do."""
        known = [user.username, user.first_name, user.last_name, (user.email or "").partition("@")[0]] if user else []
        names = {looks(name) for name in known if len(name) >= SHORTEST_NAME}
        guessed = looks(password)
        for name in names | {name[::-1] for name in names}:
            if name in guessed and len(guessed.replace(name, "")) < LEAST_BESIDE_THE_NAME:
                raise ValidationError(self.get_help_text(), code="password_near_name")

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        return _("This password is little more than your name. Choose one that has nothing to do with it.")
