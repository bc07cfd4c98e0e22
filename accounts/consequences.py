"""What it costs a person to be shut out. The rooms above know; they register a counter each at start."""

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass

from accounts.models import User
from accounts.roles import DEVELOPERS, Role
from core.registry import Registry
from core.sentences import Sentence
from core.text import agree, count, listed
from core.translating import gettext, ngettext_noop


@dataclass(frozen=True, slots=True)
class Holdings:
    """What hangs on a person: `live_connections` and working `tokens` of the `applications` that they own.

    `made_*` are what they made of applications of others that are shared with them.
    """

    applications: int = 0
    tokens: int = 0
    live_connections: int = 0
    made_tokens: int = 0
    made_secrets: int = 0


Counter = Callable[[User], Holdings]
_counters: Registry[Counter] = Registry()
register = _counters.register
"""Add a counter. It answers with the part of the holdings that it knows and leaves the rest at nothing."""


def of(user: User) -> Holdings:
    """The answers of all counters together."""
    known = [astuple(counter(user)) for counter in _counters]
    return Holdings(*map(sum, zip(*known, strict=True)))


def of_losing_rights(held: Holdings) -> str:
    """What ends for the applications of somebody who may no longer have any, in figures."""
    if not held.applications:
        return gettext("They own no application, so no connection ends.")
    none = ngettext_noop(
        "No token of their %(number)s application works now, and none can be made.",
        "No token of their %(number)s applications works now, and none can be made.",
    )
    some = ngettext_noop(
        "Ends %(ends)s of their %(number)s application at once.",
        "Ends %(ends)s of their %(number)s applications at once.",
    )
    connections = ngettext_noop("%(number)s live connection", "%(number)s live connections")
    tokens = ngettext_noop("%(number)s token", "%(number)s tokens")
    ending = ((held.live_connections, connections), (held.tokens, tokens))
    ends = [Sentence(*noun, number=number) for number, noun in ending if number]
    return str(Sentence(*(some if ends else none), ends=ends, number=held.applications))


def of_shutting_out(held: Holdings) -> str:
    """What ends when somebody may not sign in any more: also what they made of applications that are not theirs."""
    made = ((held.made_tokens, "token"), (held.made_secrets, "secret"))
    others = [count(number, noun) for number, noun in made if number]
    if not others:
        return of_losing_rights(held)
    stop = agree(held.made_tokens + held.made_secrets, "stops", "stop")
    said = f"{listed(others)} that they made of applications of others {stop} working."
    return f"{of_losing_rights(held)} {said}" if held.applications else said


def costs_rights(before: Iterable[Role], after: Iterable[Role]) -> bool:
    """Whether the tokens of somebody's applications end when their roles change so."""
    return bool(DEVELOPERS & set(before)) and not DEVELOPERS & set(after)
