"""How passwords of people are hashed: slow for who guesses, and never so many at once that others go short."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import BoundedSemaphore
from typing import Any, Final

from django.contrib.auth.hashers import Argon2PasswordHasher

from core.errors import DomainError
from core.translating import gettext_noop

MEMORY_KIB: Final = 19 * 1024
"""OWASP's least for Argon2id is 19 MiB, two passes and one lane (Password Storage Cheat Sheet)."""
PASSES: Final = 2
AT_ONCE: Final = 4
WAITING: Final = 100
PATIENCE_SECONDS: Final = 5.0


class TooManyPasswords(DomainError):
    """More passwords wait to be hashed than can be soon."""

    status = 503
    code = 900503
    headers = {"Retry-After": "5"}
    sentence = gettext_noop("Very many people are signing in at this moment. Try again in a few seconds.")


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's least parameters, a few at once; an older hash is made anew when its person signs in.

    All together need at most `AT_ONCE` times `MEMORY_KIB`. Hashes from before need 100 MB: of them one at a time.
    Raises TooManyPasswords where one would wait for too long.
    """

    time_cost = PASSES
    memory_cost = MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash of a new password."""
        return str(_in_turn(partial(super().encode, password, salt)))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether this is the password."""
        large = self.decode(encoded)["memory_cost"] > MEMORY_KIB
        return bool(_in_turn(partial(super().verify, password, encoded), large=large))


places = BoundedSemaphore(AT_ONCE + WAITING)
large_places = BoundedSemaphore(1)
# Threads of their own, because the C library keeps what was freed for the thread that had it, up to 16 times over.
threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


def _in_turn(work: Callable[[], Any], *, large: bool = False) -> Any:
    """Do the work when there is a place among those that are hashed now. Raises TooManyPasswords."""
    with _held(places, 0), _held(large_places if large else None, PATIENCE_SECONDS):
        turn = threads.submit(work)
        try:
            return turn.result(PATIENCE_SECONDS)
        except TimeoutError:
            turn.cancel()
            raise TooManyPasswords from None


def _begin_anew() -> None:
    """A forked process has none of the threads."""
    global threads
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def _held(semaphore: BoundedSemaphore | None, seconds: float) -> Iterator[None]:
    if semaphore is None:
        yield
        return
    if not semaphore.acquire(blocking=seconds > 0, timeout=seconds or None):
        raise TooManyPasswords
    try:
        yield
    finally:
        semaphore.release()
