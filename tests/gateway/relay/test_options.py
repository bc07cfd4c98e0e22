"""What holds for a connection, from its endpoint's options and what was negotiated."""

from __future__ import annotations

import pytest

from gateway.relay import frames
from gateway.relay.types import relay_options
from publisher.endpoint import EndpointOptions


@pytest.mark.parametrize(
    ("extensions", "bits"),
    [
        ("", 0),
        ("permessage-deflate; client_max_window_bits", frames.RSV1),
        ("x-unknown", frames.RSV1 | frames.RSV2 | frames.RSV3),
        ("permessage-deflate, x-unknown", frames.RSV1 | frames.RSV2 | frames.RSV3),
    ],
)
def test_the_reserved_bits_follow_from_the_extensions(extensions: str, bits: int) -> None:
    assert relay_options(EndpointOptions(), extensions, stall=1, handshake=1).rsv == bits


def test_the_endpoints_options_are_obeyed() -> None:
    options = EndpointOptions(ping_interval=7, idle_timeout=8, maximum_duration=9)
    relaying = relay_options(options, "", stall=10, handshake=11)
    assert (relaying.ping_interval, relaying.idle_timeout, relaying.maximum_duration) == (7, 8, 9)
    assert (relaying.stall, relaying.handshake) == (10, 11)


def test_equal_connections_share_one_value() -> None:
    assert relay_options(EndpointOptions(), "", stall=1, handshake=1) is relay_options(
        EndpointOptions(), "", stall=1, handshake=1
    )
