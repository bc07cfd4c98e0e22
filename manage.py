#!/usr/bin/env python
"""The command line of the API manager: `manage.py help` lists what it can do."""

import gc
import os
import sys

from apimanager import signals

# Objects made before the next look for garbage. What is imported is none, and a third of a start went into looking.
OBJECTS_BETWEEN_LOOKS = 50_000


def main() -> None:
    """Run one management command."""
    signals.listen()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    try:
        run()
    except KeyboardInterrupt:  # Ctrl-C before anything was started that has to be stopped
        sys.exit(signals.EXIT_CODE)


def run() -> None:
    """Run it, and say in one sentence why it cannot start if so."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
    from django.core.management import execute_from_command_line

    from apimanager.preflight import CannotStart

    try:
        execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
