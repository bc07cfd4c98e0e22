"""What runs in the process of `tests.attack.portal`: `python -m tests.attack.served_portal JSON`."""

from __future__ import annotations

import json
import resource
import sys
import warnings
from typing import Any


def main(*, views: str = "", descriptors: int = 0, most: int = 0, **constants: Any) -> None:
    """Serve until told to stop. It may open `descriptors` files until it raises its limit, which it can to `most`."""
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, most or resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    warnings.simplefilter("ignore")
    import django
    from django.conf import settings

    if views:
        settings.ROOT_URLCONF = views
    django.setup()
    from apimanager.portal import protocol, server

    for name, value in constants.items():
        setattr(protocol, name, value)
    server.serve(["127.0.0.1"])


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
