"""The gateway as a plain ASGI application, for servers that know nothing of it: `tests.wire.elsewhere:application`."""

from __future__ import annotations

import os

import django

django.setup()

from gateway.connections.registry import ConnectionRegistry  # noqa: E402
from gateway.control.loaders import make_identity_signer  # noqa: E402
from gateway.routing.table import RouteTable  # noqa: E402
from gateway.server.asgi import gateway_application  # noqa: E402
from gateway.server.context import GatewayContext  # noqa: E402
from publisher.endpoint import Endpoint, EndpointOptions  # noqa: E402
from tests.gateway import builders  # noqa: E402
from tests.wire.gateway_under_test import TOKEN, FixedRouting  # noqa: E402

BACKEND, DEAD = Endpoint(os.environ["BACKEND"]), Endpoint("ws://127.0.0.1:1")
SHORT = EndpointOptions(maximum_duration=0.4)
SIGNED = EndpointOptions(signed_identity=True, headers={"X-Backend-Key": "of the endpoint"})

context = GatewayContext(
    routing=FixedRouting(
        RouteTable(
            [
                builders.deployment("/echo", endpoints={"PRODUCTION": BACKEND}),
                builders.deployment("/short", endpoints={"PRODUCTION": BACKEND}, options=SHORT),
                builders.deployment("/signed", endpoints={"PRODUCTION": BACKEND}, options=SIGNED),
                builders.deployment("/dead", endpoints={"PRODUCTION": DEAD}),
            ]
        ),
        {
            TOKEN: builders.grant(
                expires_at=4e9, subscribed=("/echo@1.0.0", "/short@1.0.0", "/signed@1.0.0", "/dead@1.0.0")
            )
        },
    ),
    connections=ConnectionRegistry(),
    identities=make_identity_signer(),
)
application = gateway_application(context)
