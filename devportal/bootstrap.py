"""What has to be there before the first developer comes."""

from devportal.models import ApplicationPlan

APPLICATION_PLANS: dict[str, int | None] = {"Unlimited": None, "10PerMin": 10, "20PerMin": 20, "50PerMin": 50}
DEFAULT_APPLICATION_PLAN = "Unlimited"


def ensure_application_plans() -> None:
    """Create the application plans that are missing; leave those that exist as they are."""
    for name, per_minute in APPLICATION_PLANS.items():
        ApplicationPlan.objects.get_or_create(name=name, defaults=_defaults(name, per_minute))


def _defaults(name: str, per_minute: int | None) -> dict[str, str | int | None]:
    if per_minute is None:
        return {"display_name": name, "description": "No shared limit", "per_minute": None}
    return {
        "display_name": f"{per_minute} per minute",
        "description": f"{per_minute} messages a minute, shared by all tokens of the application",
        "per_minute": per_minute,
    }
