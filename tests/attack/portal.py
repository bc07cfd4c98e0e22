"""The portal with another deadline for headers: `python -m tests.attack.portal SECONDS`."""

from __future__ import annotations

import json
import sys
import warnings


def main(seconds: float) -> None:
    """Serve until killed."""
    warnings.simplefilter("ignore")
    import django

    django.setup()
    from apimanager import portal

    portal.HEADER_SECONDS = seconds
    portal.serve(["127.0.0.1"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
