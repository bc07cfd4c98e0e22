"""How often somebody may try what costs something: above all the hash of a password, by address whatever the names.

Guessing at one name is throttled by axes besides. Counted per process, or for all together when the cache is shared.
"""

from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.http import HttpRequest

from accounts.hashers import TooManyPasswords
from accounts.installation import lacks_second_factor
from accounts.models import User
from core import durations
from core.client_address import counted
from core.errors import NotAllowed, TooOften
from core.translating import gettext as _

SIGN_IN_SECONDS, SIGN_UP_SECONDS = 900, 3600


class TooManyAttempts(TooOften):
    """Somebody has tried too often."""


@dataclass(frozen=True)
class Attempt:
    """One attempt, counted before it costs anything. One that was no fault is taken back."""

    key: str

    @classmethod
    def begin(cls, who: str, *, kind: str, most: int, seconds: int, refusal: str) -> "Attempt":
        """Count an attempt of `who`. Raises TooManyAttempts after `most` in so many seconds.

        `refusal` says then how long to wait, where `%(wait)s` stands in it.
        """
        attempt = cls(f"attempts:{kind}:{who}")
        if (cache.get_or_set(attempt.key, 0, seconds) or 0) >= most:
            raise TooManyAttempts(refusal % {"wait": durations.in_words(seconds)}, seconds)
        attempt.count(1)
        return attempt

    def count(self, number: int) -> None:
        """Count it; with -1 do not count it after all."""
        with suppress(ValueError):  # the time was over between the two calls
            cache.incr(self.key, number)


def address_of(request: HttpRequest) -> str:
    """The address under which attempts are counted."""
    return counted(request.META.get("REMOTE_ADDR") or "")


class SecondStepNeeded(NotAllowed):
    """The password was right, and is not enough: there is no page here that could ask for more."""

    sentence = (
        "Your account has, or needs, a second factor, so a name and a password open nothing here. Use the token of a "
        "service account, or a client that was registered before and its own secret; or sign in to a portal."
    )


def person_of(request: HttpRequest, *, username: str, password: str, second_step_follows: bool = False) -> User | None:
    """The person of this name and password; None whatever was wrong. Raises TooManyAttempts.

    Where no second step follows, raises SecondStepNeeded for those whom their password alone does not let in.
    """
    refusal = _("Too many names or passwords were wrong from your address. Wait %(wait)s, then try again.")
    most = settings.FAILED_SIGN_INS_PER_ADDRESS
    attempt = Attempt.begin(address_of(request), kind="sign-in", most=most, seconds=SIGN_IN_SECONDS, refusal=refusal)
    try:
        person = authenticate(request, username=username, password=password)
    except TooManyPasswords:
        attempt.count(-1)
        raise
    if not isinstance(person, User) or person.is_service:
        return None
    attempt.count(-1)
    if not second_step_follows and (person.has_second_factor or lacks_second_factor(person)):
        raise SecondStepNeeded
    return person
