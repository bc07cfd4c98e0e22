"""What has to be there before the first developer comes."""

from devportal.models import ApplicationPlan

APPLICATION_PLANS: dict[str, int | None] = {"Unlimited": None, "10PerMin": 10, "20PerMin": 20, "50PerMin": 50}
DEFAULT_APPLICATION_PLAN = "Unlimited"


def ensure_application_plans() -> None:
    """Make the four application plans when there is none at all, and else the default one if it is missing.

    What an administrator changed or deleted stays so.
    """
    wanted = [DEFAULT_APPLICATION_PLAN] if ApplicationPlan.objects.exists() else list(APPLICATION_PLANS)
    for name in wanted:
        per_minute = APPLICATION_PLANS[name]
        limited = f"{per_minute} messages a minute, shared by all tokens of the application"
        defaults: dict[str, str | int | None] = {
            "display_name": f"{per_minute} per minute" if per_minute else name,
            "description": limited if per_minute else "No shared limit",
            "per_minute": per_minute,
        }
        ApplicationPlan.objects.get_or_create(name=name, defaults=defaults)
