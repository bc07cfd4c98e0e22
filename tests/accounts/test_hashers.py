"""How passwords are hashed, and how many at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Event

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

from accounts import hashers
from accounts.hashers import AT_ONCE, MEMORY_KIB, TooManyPasswords
from apimanager import settings as product

LARGEST_KIB = 200_000_000 // 1024


@pytest.fixture(autouse=True)
def _hashers_of_the_product(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS


def test_a_password_is_hashed_with_owasps_least_parameters() -> None:
    stored = make_password("correct horse")

    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password("correct horse", stored)
    assert not check_password("wrong horse", stored)


def test_a_hash_from_before_is_understood_and_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 60.0)  # it needs 100 MB, and the machine may be busy
    before = Argon2PasswordHasher().encode("correct horse", "a" * 22)
    renewed: list[str] = []

    assert check_password("correct horse", before, setter=lambda raw: renewed.append(make_password(raw)))
    assert "m=19456" in renewed[0]


def test_all_that_are_hashed_at_once_need_no_more_than_200_mb() -> None:
    old = Argon2PasswordHasher.memory_cost

    assert MEMORY_KIB * AT_ONCE <= LARGEST_KIB
    assert old + MEMORY_KIB * (AT_ONCE - 1) <= LARGEST_KIB


def test_who_would_wait_for_too_long_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "places", places := BoundedSemaphore(1))
    with places, pytest.raises(TooManyPasswords, match="Try again"):
        make_password("correct horse")
    assert make_password("correct horse")
    assert make_password("correct horse"), "places are given back"


def test_a_few_are_hashed_at_once_and_the_next_waits_though_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, end = make_password("correct horse"), Event()
    busy = [hashers.threads.submit(end.wait, 60) for _ in range(AT_ONCE - 1)]
    assert check_password("correct horse", stored), "there is a place left"

    busy.append(hashers.threads.submit(end.wait, 60))
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(TooManyPasswords):
        make_password("correct horse")
    with pytest.raises(TooManyPasswords):
        check_password("correct horse", stored)
    monkeypatch.undo()
    end.set()
    assert all(each.result(60) for each in busy)


def test_of_hashes_from_before_there_is_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before, stored = Argon2PasswordHasher().encode("correct horse", "a" * 22), make_password("correct horse")
    with hashers.large_places:
        assert check_password("correct horse", stored), "others go on"
        monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 0.01)
        with pytest.raises(TooManyPasswords):
            check_password("correct horse", before, setter=None)
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 60)
    assert check_password("correct horse", before, setter=None)


def test_a_forked_process_hashes_too() -> None:
    make_password("correct horse")
    child = os.fork()
    if not child:
        os._exit(0 if make_password("correct horse") else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_everybody_who_waits_gets_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "PATIENCE_SECONDS", 60)  # however busy the machine is
    stored = make_password("correct horse")

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(lambda _: check_password("correct horse", stored), range(24)))
