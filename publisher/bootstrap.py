"""What the first start puts into the Publisher."""

from publisher.models import Plan

# name: messages a day, messages a second (and at once), connections at the same time
LIMITS = {"Gold": (50_000, 100, 100), "Silver": (25_000, 50, 50), "Bronze": (5_000, 10, 10)}


def ensure_default_plans() -> None:
    """Make the four default plans when there is no plan at all. What an administrator changed stays changed."""
    if Plan.objects.exists():
        return
    Plan.objects.create(name="Unlimited", display_name="Unlimited", description="No limits.")
    for name, (quota, rate, connections) in LIMITS.items():
        Plan.objects.create(
            name=name,
            display_name=name,
            description=f"Up to {quota} messages a day.",
            quota=quota,
            rate=rate,
            burst=rate,
            connections=connections,
        )
