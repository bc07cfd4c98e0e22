"""What the rooms above may listen to."""

from django.dispatch import Signal

# Sent inside the transaction that publishes an API, with
#   api: Api, actor: User, now: datetime, require_resubscription: bool,
#   previous: list[Api]  the older versions, newest first, so that subscriptions can be carried over.
api_published = Signal()

# Sent inside the transaction that withdraws a plan from an API whose subscribers are to be moved, with
#   api: Api, plan: Plan, successor: Plan, actor: User, now: datetime.
plan_replaced = Signal()

# Sent inside the transaction that moves an API through its life, with
#   api: Api, action: Action, actor: User, now: datetime,
#   previous: list[Api]  the older versions, newest first, where it was published.
api_moved = Signal()

# Sent inside the transaction that deploys a revision which breaks clients of the one before, with
#   api: Api, change: DeployedChange, actor: User, now: datetime.
clients_broken = Signal()
