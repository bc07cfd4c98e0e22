"""Measure pages and lists of a filled installation: `python -m scripts.scale`, after `manage.py sample`.

Prints the table of docs/explanation/scale.md: questions to the database, milliseconds of this process, kB.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Ask for each twice, and measure the second time."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import User
    from devportal.models import Application
    from publisher.models import Api

    settings.ALLOWED_HOSTS = ["*"]
    application = Application.objects.get(name="sample 1")
    api = Api.objects.get(context="/sample-5")
    admin, developer = Client(), Client()
    admin.force_login(User.objects.get(username="admin"))
    developer.force_login(application.owner)
    sys.stdout.write("| address | questions | ms | kB |\n|---|---|---|---|\n")
    for client, path in (
        (admin, "/publisher/apis"),
        (admin, f"/publisher/apis/{api.pk}"),
        (admin, f"/publisher/apis/{api.pk}/subscriptions"),
        (admin, "/admin/users"),
        (admin, "/api/am/publisher/v4/apis?limit=25"),
        (admin, "/api/am/publisher/v4/subscriptions?limit=25"),
        (admin, "/api/am/admin/v4/throttling/deny-policies?limit=25"),
        (developer, "/devportal/apis"),
        (developer, "/devportal/apis?q=prices"),
        (developer, f"/devportal/apis/{api.pk}"),
        (developer, f"/devportal/apis/{api.pk}/credentials"),
        (developer, "/devportal/applications"),
        (developer, f"/devportal/applications/{application.pk}"),
        (developer, f"/devportal/applications/{application.pk}/subscriptions"),
        (developer, "/api/am/devportal/v3/apis?limit=25"),
        (developer, f"/api/am/devportal/v3/subscriptions?applicationId={application.pk}&limit=25"),
    ):
        client.get(path, secure=True)
        with CaptureQueriesContext(connection) as questions:
            begun = time.process_time()
            answer = client.get(path, secure=True)
            spent = time.process_time() - begun
        shown = path.replace(str(api.pk), "{api}").replace(str(application.pk), "{application}")
        if answer.status_code != 200:
            raise SystemExit(f"{path} answers {answer.status_code}.")
        kilobytes = len(answer.content) / 1000
        sys.stdout.write(f"| `{shown}` | {len(questions)} | {1000 * spent:.0f} | {kilobytes:.0f} |\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
    import django

    django.setup()
    main()
