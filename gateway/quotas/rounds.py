"""At which accounts a worker looks, and when. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.quotas.admission import Account
from gateway.quotas.rate import RateReservation

TICK_SECONDS: Final = 0.1
EARLY: Final = 0.8  # of a tick has passed: a little later is the beat on which a worker does all that can wait
PARTS: Final = 10
CALM_STARTER: Final = 16  # messages of a rate that are kept ready: as many do not come unseen
CALM_ACCOUNTS: Final = 100  # at all of which it looks at once, every second, when calm
MOST_LOOKS: Final = 500  # at accounts of those where something happens, in a tick


@dataclass(eq=False, repr=False)
class Rounds:
    """A look at accounts where something happens, of very many in turn, and in turn at the others: it may have begun
    there. The next is due at `look_at`.

    While it `is_calm`, nothing happens on any of them: there are fewer looks, each at more `_parts` of all accounts.
    Who sends now and then is not to wait for that, so ask in between whether it `is_stirring`.
    """

    look_at: float = 0.0
    is_calm: bool = False
    _parts: int = field(default=1, init=False)
    _part: int = field(default=0, init=False)  # the last that was looked at
    # The one first that was not looked at for longest.
    _moving: dict[Account, None] = field(default_factory=dict, init=False)
    _looked_at: set[Account] = field(default_factory=set, init=False)
    _rates: list[RateReservation] = field(default_factory=list, init=False)

    def stir(self, accounts: Iterable[Account] = ()) -> None:
        """Something happens, on these `accounts`, where nothing did."""
        for account in accounts:
            self._moving.setdefault(account)
        if self.is_calm:
            self.is_calm, self.look_at = False, 0.0

    def is_stirring(self) -> bool:
        """Whether, while it is calm, a rate has been drawn from so far that it is time to look, before `look_at`."""
        if self.is_calm and any(rate.is_thirsty for rate in self._rates):
            self.stir()
            return True
        return False

    def next(self, accounts: Sequence[Account]) -> set[Account]:
        """At which of all `accounts` to look now."""
        chosen = {account for account in accounts if account.rate and account.rate.is_thirsty}
        chosen.update(islice(self._moving, MOST_LOOKS))
        for _ in range(self._parts):
            self._part = (self._part + 1) % PARTS
            chosen.update(accounts[self._part :: PARTS])
        self._looked_at |= chosen
        return chosen

    def done(self, account: Account, *, is_moving: bool) -> None:
        """It has had its turn; one that `is_moving` has its next turn behind all others that are."""
        self._moving.pop(account, None)
        if is_moving:
            self._moving[account] = None

    def settle(self, accounts: Sequence[Account], now: float) -> None:
        """Say when the next look is due, and at how much."""
        self._rates = rates = [account.rate for account in accounts if account.rate]
        self.is_calm = not self._moving and all(rate.starter >= CALM_STARTER for rate in rates)
        self._parts = 1 if not self.is_calm else PARTS if len(accounts) <= CALM_ACCOUNTS else 2
        self.look_at = now + TICK_SECONDS * (self._parts - 1 + EARLY)

    def take(self) -> set[Account]:
        """The accounts that were looked at since this was asked last."""
        taken, self._looked_at = self._looked_at, set()
        return taken
