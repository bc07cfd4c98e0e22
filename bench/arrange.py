"""`python -m bench.arrange BACKEND_URL`: in an empty data folder, a published API and a token that may call it.

Goes through the operations that the pages use. Where the data lives is said by the product's own settings
(`APIM_DATA_DIR`). Prints one line of JSON: `{"path": "/bench/1.0.0", "token": "…"}`.
"""

import datetime as dt
import json
import os
import sys

import django
from django.core.management import call_command

CONTEXT, VERSION, PLAN = "/bench", "1.0.0", "Unlimited"


def main(backend: str) -> None:
    """Prepare the database and print where to knock, and with what."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    print(json.dumps({"path": f"{CONTEXT}/{VERSION}", "token": _token(backend, dt.datetime.now(dt.UTC))}))


def _token(backend: str, now: dt.datetime) -> str:
    """Publishes the API in front of `backend`, subscribes an application to it and issues a token."""
    # Models can be imported only once Django is set up.
    from accounts.models import RoleGrant, User
    from accounts.roles import Role
    from devportal.bootstrap import ensure_application_plans
    from devportal.models import KeyType
    from devportal.operations.applications import create_application
    from devportal.operations.keys import generate_keys
    from devportal.operations.subscriptions import subscribe
    from devportal.operations.tokens import generate_token
    from publisher.bootstrap import ensure_default_plans
    from publisher.models import Plan
    from publisher.operations import create_api

    ensure_default_plans()
    ensure_application_plans()
    actor = User.objects.create_user("bench")
    RoleGrant.objects.bulk_create(RoleGrant(user=actor, role=role) for role in Role)
    plan = Plan.objects.get(name=PLAN)
    api = create_api(
        name="Bench",
        context=CONTEXT,
        version=VERSION,
        endpoint=backend,
        plans=[plan],
        publish=True,
        actor=actor,
        now=now,
    )
    application = create_application(name="Bench", actor=actor, now=now)
    subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
    keys = generate_keys(application=application, key_type=KeyType.PRODUCTION, actor=actor, now=now)
    return generate_token(client=keys.client, actor=actor, now=now).token


if __name__ == "__main__":
    main(sys.argv[1])
