"""`python -m bench.arrange BACKEND_URL`: in an empty data folder, a published API and two tokens that may call it.

One belongs to a subscription whose plan has a quota and a rate, far too large to be reached; the other's plan has no
limits. Goes through the operations that the pages use. Where the data lives is said by the product's own settings
(`APIM_DATA_DIR`). Prints one line of JSON: `{"path": "/bench/1.0.0", "metered": "…", "unlimited": "…"}`.
"""

import datetime as dt
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import django
from django.core.management import call_command

if TYPE_CHECKING:
    from accounts.models import User
    from publisher.models import Api, Plan

CONTEXT, VERSION = "/bench", "1.0.0"
METERED, UNLIMITED = "metered", "unlimited"
PLANS = {METERED: "Bench", UNLIMITED: "Unlimited"}
LIMITS: dict[str, Any] = {
    "quota": 1_000_000_000_000_000,
    "quota_unit": "messages",
    "quota_period": "month",
    "rate": 2_000_000_000,
    "burst": 2_000_000_000,
}


def main(backend: str) -> None:
    """Prepare the database and print the path to call, and the tokens."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    print(json.dumps({"path": f"{CONTEXT}/{VERSION}", **tokens(backend, dt.datetime.now(dt.UTC))}))


def tokens(backend: str, now: dt.datetime) -> dict[str, str]:
    """Publishes the API in front of `backend`, subscribes an application for each plan and issues their tokens."""
    # Models can be imported only once Django is set up.
    from accounts.models import RoleGrant, User
    from accounts.roles import Role
    from devportal.bootstrap import ensure_application_plans
    from publisher.bootstrap import ensure_default_plans
    from publisher.models import Plan
    from publisher.operations import create_api, create_plan

    ensure_default_plans()
    ensure_application_plans()
    actor = User.objects.create_user("bench")
    RoleGrant.objects.bulk_create(RoleGrant(user=actor, role=role) for role in Role)
    create_plan(fields={"name": PLANS[METERED], **LIMITS}, actor=actor, now=now)
    plans = {key: Plan.objects.get(name=name) for key, name in PLANS.items()}
    api = create_api(
        name="Bench",
        context=CONTEXT,
        version=VERSION,
        endpoint=backend,
        plans=list(plans.values()),
        publish=True,
        actor=actor,
        now=now,
    )
    return {key: _token(api, plan, actor, now) for key, plan in plans.items()}


def _token(api: "Api", plan: "Plan", actor: "User", now: dt.datetime) -> str:
    from devportal.models import KeyType
    from devportal.operations.applications import create_application
    from devportal.operations.keys import generate_keys
    from devportal.operations.subscriptions import subscribe
    from devportal.operations.tokens import generate_token

    application = create_application(name=f"Bench {plan.name}", actor=actor, now=now)
    subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
    keys = generate_keys(application=application, key_type=KeyType.PRODUCTION, actor=actor, now=now)
    return generate_token(client=keys.client, actor=actor, now=now).token


if __name__ == "__main__":
    main(sys.argv[1])
