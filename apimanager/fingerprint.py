"""What all machines of an installation must be set to alike, and the row by which each of them knows.

A machine with another signing key issues tokens that the others refuse, and one with another store counts its quotas
apart; neither shows until a client complains. So the first start leaves a digest of each of these settings in the
database, and who differs does not start. The digests are salted and slow: who reads the database learns no secret.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.db import transaction

from apimanager.preflight import CannotStart
from core import audit
from core.models import SharedSettings
from core.text import listed

log = logging.getLogger("apimanager")


def check() -> None:
    """Raise CannotStart when this machine is set otherwise than the others. The first one leaves how it is set.

    SQLite is one machine's alone: there what differs has been changed since the last start, and is taken over.
    """
    row, _ = SharedSettings.objects.get_or_create(pk=1, defaults=_fresh())
    here = digests(row.salt)
    if here.keys() - row.digests.keys():  # those that a new release has come to compare
        SharedSettings.objects.filter(pk=1).update(digests={**here, **row.digests})
    if not (names := _differing(row, here)):
        return
    if settings.ON_SQLITE:
        log.info("Changed since the last start: %s.", listed(names))
        SharedSettings.objects.filter(pk=1).update(digests=here)
        return
    be, it = ("is", "it") if len(names) == 1 else ("are", "them")
    raise CannotStart(
        f"{listed(names)} {be} not what the other machines on this database have: set {it} as they have {it}. To "
        f"change {it} on purpose, set {it} alike on all of them, run `manage.py setup --new-settings` on one and "
        "restart the others."
    )


def renew(now: datetime, *, only: str = "") -> list[str]:
    """Take over how this machine is set, in everything or `only` in one setting, for all of them.

    Returns the names of the settings that have changed.
    """
    with transaction.atomic():
        SharedSettings.objects.get_or_create(pk=1, defaults=_fresh())
        row = SharedSettings.objects.select_for_update().get(pk=1)
        here = {name: digest for name, digest in digests(row.salt).items() if only in ("", name)}
        if names := _differing(row, here):
            row.digests |= here
            row.save(update_fields=["digests"])
            audit.record(
                actor=None, verb="settings.changed", kind="settings", object_id=row.pk, now=now, detail={"names": names}
            )
    return names


def digests(salt: str) -> dict[str, str]:
    """A digest of each setting, by name. Raises CannotStart when one cannot be read.

    What counts is not how a key is written, nor with which password the same store is reached.
    """
    store = urlsplit(settings.REDIS_URL)
    number = store.path.rstrip("/") or f"/{parse_qs(store.query).get('db', ['0'])[0]}"
    shared = {
        "APIM_SIGNING_KEY": _public_part(settings.SIGNING_KEY),
        "APIM_SECRET_KEY": settings.SECRET_KEY,
        "APIM_VAULT_KEY_FILE": settings.VAULT_KEY_FILE.read_text().partition("\n")[0].strip(),
        "APIM_PORTAL_URL": settings.OAUTH_ISSUER,
        "APIM_ACCESS_TOKEN_AUDIENCE": settings.ACCESS_TOKEN_AUDIENCE,
        "REDIS_URL": f"{store.hostname or ''}:{store.port or 6379}{number}" if settings.REDIS_URL else "",
    }
    return {
        name: hashlib.scrypt(value.encode(), salt=f"{salt}{name}".encode(), n=2**12, r=8, p=1, dklen=32).hex()
        for name, value in shared.items()
    }


def _public_part(pem: str) -> str:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise CannotStart(
            "APIM_SIGNING_KEY is not a private key in PEM form, which begins with -----BEGIN PRIVATE KEY-----: "
            "give it whole, or unset it to have one made."
        ) from error
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def _fresh() -> dict[str, object]:
    salt = secrets.token_hex(16)
    return {"salt": salt, "digests": digests(salt)}


def _differing(row: SharedSettings, here: dict[str, str]) -> list[str]:
    return sorted(name for name, digest in here.items() if row.digests.get(name, digest) != digest)
