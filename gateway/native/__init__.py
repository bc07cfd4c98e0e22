"""The quick way of the relay: in C where the extension could be built, else the same in Python.

loop        asyncio's event loop, with the extension's engine as its selector
twins       contexts of Python's `ssl`, and what the extension has for them
build       compiles `src/` with the machine's compiler; called by scripts/environment
pure        the same in Python: what every machine has, and what the extension is held to
src         scanner, meter, leg: the state that C and Python share; engine, transport, tls: its sockets

Both hold the same state under the same names: base classes of the relay's and the plans' own. Nothing is decided here:
what the quick way does not pass is for `gateway.relay.side`. `RELAY` says which of the two is in use, `REASON` why it
is not the extension. `APIM_GATEWAY_RELAY=python` forces pure Python.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from gateway.native import build

SETTING: Final = "APIM_GATEWAY_RELAY"
NATIVE, PYTHON = "native", "python"
REASON = ""

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
        read_request,
        read_switch,
    )
elif os.environ.get(SETTING, "").strip().lower() == PYTHON:
    from gateway.native.pure import (
        LegBase,
        MeterBase,
        ScannerBase,
        SourceBase,
        part_request,
        part_switch,
        read_request,
        read_switch,
    )

    REASON = f"{SETTING} is {PYTHON}"
else:
    try:
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
            read_request,
            read_switch,
        )
    except ImportError:
        from gateway.native.pure import (
            LegBase,
            MeterBase,
            ScannerBase,
            SourceBase,
            part_request,
            part_switch,
            read_request,
            read_switch,
        )

        REASON = build.why_not()

RELAY: Final = PYTHON if REASON else NATIVE


def sentence() -> str:
    """Which relay runs, for people."""
    return f"in Python: {REASON}" if REASON else "in C"


def splice(leg: LegBase, transport: object, peer: object) -> None:
    """Have what `leg` lets pass go from `transport` to `peer` by itself, where both are the engine's."""
    if not REASON and isinstance(transport, Transport) and isinstance(peer, Transport):
        transport.splice(leg, peer)


def unsplice(transport: object) -> None:
    """Have all that comes from `transport` given to its protocol again."""
    if not REASON and isinstance(transport, Transport):
        transport.unsplice()


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
    "part_request",
    "part_switch",
    "read_request",
    "read_switch",
    "sentence",
    "splice",
    "unsplice",
]
