"""The quick way of the relay: in C where the extension could be built, else the same in Python.

loop        asyncio's event loop, with the extension's engine as its selector
twins       contexts of Python's `ssl`, and what the extension has for them
build       compiles `src/` with the machine's compiler; called by scripts/environment
wheel       the same as wheels, for machines without a compiler
fuzz        changed frames and heads for what reads them, under sanitizers
sanitized   tests over an extension with sanitizers
pure        the same in Python: what every machine has, and what the extension is held to
src         scanner, meter, leg: the state that C and Python share; engine, transport, closing, tls: its sockets

Both hold the same state under the same names: base classes of the relay's and the plans' own. Nothing is decided here:
what the quick way does not pass is for `gateway.relay.side`. `RELAY` says which of the two is in use, `REASON` why it
is not the extension. `APIM_GATEWAY_RELAY=python` forces pure Python.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from gateway.native import build, pure

SETTING: Final = "APIM_GATEWAY_RELAY"
NATIVE, PYTHON = "native", "python"
REASON = ""

NAMES: Final = (
    *("Engine", "LegBase", "MeterBase", "ScannerBase", "SourceBase", "Tls", "Transport"),
    *("part_request", "part_switch", "proof_of", "read_request", "read_switch"),
)


def find_extension() -> ModuleType | None:
    """The extension, as it was built in this tree or comes from a wheel that was made of the same sources."""
    with suppress(ImportError):
        if build.is_current():
            return import_module("gateway.native._native")
    with suppress(ImportError):
        made_of = import_module("apim_native").SOURCES
        if made_of == build.sources():
            _trust_whom_python_trusts()
            return import_module("apim_native._native")
    return None


def _trust_whom_python_trusts() -> None:
    """OpenSSL in a wheel looks for the system's authorities where Debian keeps them: name the place of this system."""
    paths = ssl.get_default_verify_paths()
    for name, path in ((paths.openssl_cafile_env, paths.cafile), (paths.openssl_capath_env, paths.capath)):
        if path:
            os.environ.setdefault(name, path)


if TYPE_CHECKING:
    from gateway.native._native import (
        Engine,
        LegBase,
        MeterBase,
        ScannerBase,
        SourceBase,
        Tls,
        Transport,
        part_request,
        part_switch,
        proof_of,
        read_request,
        read_switch,
    )
else:
    _made = None
    if os.environ.get(SETTING, "").strip().lower() == PYTHON:
        REASON = f"{SETTING} is {PYTHON}"
    elif (_made := find_extension()) is None:
        REASON = build.why_not()
    for _name in NAMES:
        if hasattr(_made or pure, _name):  # the engine and what belongs to it have nothing to stand in for them
            globals()[_name] = getattr(_made or pure, _name)

RELAY: Final = PYTHON if REASON else NATIVE


def sentence() -> str:
    """Which relay runs, for people."""
    return f"in Python: {REASON}" if REASON else "in C"


def is_engine(transport: object) -> bool:
    """Whether a transport is the engine's, which writes at once, or with all else that is written in the same turn."""
    return not REASON and isinstance(transport, Transport)


def splice(leg: LegBase, transport: object, peer: object) -> None:
    """Have what `leg` lets pass go from `transport` to `peer` by itself, where both are the engine's."""
    if not REASON and isinstance(transport, Transport) and isinstance(peer, Transport):
        transport.splice(leg, peer)


def unsplice(transport: object) -> None:
    """Have all that comes from `transport` given to its protocol again."""
    if not REASON and isinstance(transport, Transport):
        transport.unsplice()


def take_over(transport: object) -> None:
    """Have the relay told of the closing handshake that the engine sees to by itself: from now on it does."""
    if not REASON and isinstance(transport, Transport):
        transport.take_over()


__all__ = [
    "NATIVE",
    "PYTHON",
    "REASON",
    "RELAY",
    "SETTING",
    "Engine",
    "LegBase",
    "MeterBase",
    "ScannerBase",
    "SourceBase",
    "Tls",
    "Transport",
    "is_engine",
    "part_request",
    "part_switch",
    "proof_of",
    "read_request",
    "read_switch",
    "sentence",
    "splice",
    "take_over",
    "unsplice",
]
