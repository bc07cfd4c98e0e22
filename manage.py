#!/usr/bin/env python
"""The command line of the API manager: `manage.py help` lists what it can do."""

import os
import sys

from apimanager import signals


def main() -> None:
    """Run one management command."""
    signals.listen()
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
