"""What is remembered of tokens that were asked for. Pure.

A grant is kept for the APIs that it was asked about, until something that it rests on changes or it falls out as the
least used; that a token is unknown is kept for a short while, so that repeating it costs no query. Both are bounded.
Keys are digests, never tokens.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.authorization.grants import Grant, TokenError

MOST_GRANTS = 20_000
MOST_ERRORS = 20_000
ERROR_SECONDS = 10.0

Key = tuple[str, tuple[str, ...]]
"""A token's digest, and the ids of the APIs that it is shown to."""


@dataclass(slots=True)
class Touched:
    """What changed, by ids as text; plans by name.

    By connection: `reauthentications` are asked for (see `gateway.control.reauthentication`), `closings` are an
    operator's reasons for closing it. `drains` say of an API over how many seconds its connections are to go.
    """

    apis: set[str] = field(default_factory=set)
    applications: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    plans: set[str] = field(default_factory=set)
    application_plans: set[str] = field(default_factory=set)
    deny_policies: bool = False
    recordings: bool = False
    reauthentications: dict[str, dict[str, str]] = field(default_factory=dict)
    closings: dict[str, str] = field(default_factory=dict)
    drains: dict[str, dict[str, float]] = field(default_factory=dict)

    def covers(self, grant: Grant) -> bool:
        """Whether a grant rests on something that changed."""
        return (
            grant.token_id in self.tokens
            or grant.application_id in self.applications
            or grant.owner_id in self.users
            or grant.user_id in self.users
            or grant.maker_id in self.users
            or grant.plan in self.application_plans
            or any(held.plan in self.plans for held in grant.subscriptions.values())
        )

    def add(self, other: Touched) -> None:
        """Take in what also changed."""
        self.apis |= other.apis
        self.applications |= other.applications
        self.tokens |= other.tokens
        self.users |= other.users
        self.plans |= other.plans
        self.application_plans |= other.application_plans
        self.deny_policies |= other.deny_policies
        self.recordings |= other.recordings
        self.reauthentications |= other.reauthentications
        self.closings |= other.closings
        self.drains |= other.drains


@dataclass(eq=False, repr=False, slots=True)
class GrantCache:
    """Grants by the digest of their token and the APIs they were asked for, token errors by the digest alone.

    `held` are the grants, each with the generation that it was asked in, see `revalidate`.
    """

    most_grants: int = MOST_GRANTS
    most_errors: int = MOST_ERRORS
    held: OrderedDict[Key, tuple[Grant, int]] = field(default_factory=OrderedDict, init=False)
    _errors: OrderedDict[str, tuple[TokenError, float]] = field(default_factory=OrderedDict, init=False)
    _resting_on: dict[tuple[str, str], set[Key]] = field(default_factory=dict, init=False)
    _generation: int = field(default=0, init=False)

    def get(self, key: Key, now: float) -> Grant | TokenError | None:
        """What is known of a token; None when it has to be asked for (again)."""
        if kept := self.held.get(key):
            self.held.move_to_end(key)
            return kept[0] if kept[1] == self._generation else None
        if refused := self._errors.get(key[0]):
            if now < refused[1]:
                return refused[0]
            del self._errors[key[0]]
        return None

    def of_token(self, token_id: str, api_ids: tuple[str, ...]) -> Grant | None:
        """The grant of the token whose row has this id; None when it has to be asked for (again)."""
        kept = [self.held[key] for key in self._resting_on.get(("token", token_id), ()) if key[1] == api_ids]
        return next((grant for grant, generation in kept if generation == self._generation), None)

    def last_known(self, key: Key) -> Grant | None:
        """The grant whatever its age, for when nobody can be asked."""
        kept = self.held.get(key)
        return kept[0] if kept else None

    def any_known(self, digest: str) -> Grant | None:
        """A grant of the token, whatever its age and the APIs it was asked for."""
        return next((self.held[key][0] for key in self._resting_on.get(("digest", digest), ())), None)

    def keep(self, key: Key, answer: Grant | TokenError, now: float) -> None:
        """Remember what was found."""
        if isinstance(answer, Grant):
            self._forget(key)
            self.held[key] = (answer, self._generation)
            for base in _bases(key, answer):
                self._resting_on.setdefault(base, set()).add(key)
            while len(self.held) > self.most_grants:
                self._forget(next(iter(self.held)))
        else:  # no API changes that
            for kept in list(self._resting_on.get(("digest", key[0]), ())):
                self._forget(kept)
            self._errors.pop(key[0], None)
            self._errors[key[0]] = (answer, now + ERROR_SECONDS)
            while len(self._errors) > self.most_errors:
                self._errors.popitem(last=False)

    def drop(self, touched: Touched) -> None:
        """Forget the grants that rest on what changed; when people changed, also who was refused for being disabled."""
        kinds = {
            "token": touched.tokens,
            "application": touched.applications,
            "user": touched.users,
            "plan": touched.plans,
            "application plan": touched.application_plans,
        }
        for base in [(kind, name) for kind, names in kinds.items() for name in names]:
            for key in list(self._resting_on.get(base, ())):
                self._forget(key)
        if touched.users:
            self._errors.clear()

    def revalidate(self) -> None:
        """Have every grant asked for again at its next use, in case a change was missed."""
        self._generation += 1

    def _forget(self, key: Key) -> None:
        kept = self.held.pop(key, None)
        for base in _bases(key, kept[0]) if kept else ():
            sharing = self._resting_on[base]
            sharing.discard(key)
            if not sharing:
                del self._resting_on[base]


def _bases(key: Key, grant: Grant) -> set[tuple[str, str]]:
    """What a grant rests on, as kind and id, and whose it is."""
    people = {("user", person) for person in (grant.owner_id, grant.user_id, grant.maker_id) if person}
    plans = {("plan", held.plan) for held in grant.subscriptions.values()} | {("application plan", grant.plan)}
    own = {("digest", key[0]), ("token", grant.token_id), ("application", grant.application_id)}
    return own | people | plans
