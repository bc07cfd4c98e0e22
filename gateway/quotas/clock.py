"""The clock that plans go by: that of the store of leases, the same for the workers of all machines."""

from typing import Final

from core.clock import SharedClock

MEASURED_SECONDS: Final = 5.0

clock: Final = SharedClock("store of plans")
