"""The life of an API, as a table. Pure: the page, the REST API and the operation all read it from here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

from core.errors import Conflict
from core.values import BadValue


class State(Enum):
    """Where an API stands. The value is WSO2's word, the label is what a person reads."""

    CREATED = "CREATED"
    PROTOTYPED = "PROTOTYPED"
    PUBLISHED = "PUBLISHED"
    BLOCKED = "BLOCKED"
    DEPRECATED = "DEPRECATED"
    RETIRED = "RETIRED"

    @property
    def label(self) -> str:
        return "Pre-Released" if self is State.PROTOTYPED else self.value.capitalize()


class Action(StrEnum):
    """What may be done to an API's state; the value is WSO2's name for it."""

    PUBLISH = "Publish"
    PROTOTYPE = "Deploy as a Prototype"
    DEMOTE = "Demote to Created"
    BLOCK = "Block"
    REPUBLISH = "Re-Publish"
    DEPRECATE = "Deprecate"
    RETIRE = "Retire"


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.CREATED, Action.PUBLISH): State.PUBLISHED,
    (State.CREATED, Action.PROTOTYPE): State.PROTOTYPED,
    (State.PROTOTYPED, Action.PUBLISH): State.PUBLISHED,
    (State.PROTOTYPED, Action.DEMOTE): State.CREATED,
    (State.PUBLISHED, Action.BLOCK): State.BLOCKED,
    (State.PUBLISHED, Action.PROTOTYPE): State.PROTOTYPED,
    (State.PUBLISHED, Action.DEMOTE): State.CREATED,
    (State.PUBLISHED, Action.DEPRECATE): State.DEPRECATED,
    (State.BLOCKED, Action.REPUBLISH): State.PUBLISHED,
    (State.BLOCKED, Action.DEPRECATE): State.DEPRECATED,
    (State.DEPRECATED, Action.RETIRE): State.RETIRED,
}

SERVED = frozenset({State.PROTOTYPED, State.PUBLISHED, State.BLOCKED, State.DEPRECATED})
LISTED = frozenset({State.PROTOTYPED, State.PUBLISHED})
SUBSCRIBABLE = frozenset({State.PROTOTYPED, State.PUBLISHED})


DEPLOYING = frozenset({Action.PUBLISH, Action.PROTOTYPE, Action.REPUBLISH})
UNDEPLOYING = frozenset({Action.DEMOTE, Action.RETIRE})


@dataclass(frozen=True, slots=True)
class Checklist:
    """What else happens when an API is published: WSO2's two check items."""

    deprecate_old_versions: bool = False
    require_resubscription: bool = False


NO_CHECKS = Checklist()


class RequestStatus(StrEnum):
    """Where a step that an administrator has to approve stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


EVERY_ACTION = "all"
LONGEST_REASON = 500


def actions_named(words: Iterable[str]) -> frozenset[Action]:
    """The actions of these names, or every one for `all`. Raises BadValue, which says which names there are."""
    wanted = [word.strip() for word in words if word.strip()]
    if wanted == [EVERY_ACTION]:
        return frozenset(Action)
    names = {action.value.lower(): action for action in Action}
    if unknown := [word for word in wanted if word.lower() not in names]:
        possible = ", ".join([EVERY_ACTION, *(action.value for action in Action)])
        raise BadValue(f"There is no lifecycle action called {unknown[0]}. Possible: {possible}.")
    return frozenset(names[word.lower()] for word in wanted)


class TransitionRefused(Conflict):
    """The table has no such step. `str(error)` says what is possible instead."""

    def __init__(self, state: State, action: Action) -> None:
        possible = ", ".join(allowed_actions(state)) or "nothing: this state is final"
        super().__init__(f"An API that is {state.label} cannot take '{action}'. Possible now: {possible}.")


class AlreadyThere(TransitionRefused):
    """The API is in the state to which the action leads."""


def allowed_actions(state: State) -> list[Action]:
    """The actions that lead out of `state`, in the order in which they are offered."""
    return [action for (source, action) in TRANSITIONS if source is state]


def next_state(state: State, action: Action) -> State:
    """Where `action` leads from `state`. Raises TransitionRefused where the table has no such step, AlreadyThere where
    nothing is left to do."""
    if target := TRANSITIONS.get((state, action)):
        return target
    leads_to = {target for (_, each), target in TRANSITIONS.items() if each is action}
    raise (AlreadyThere if state in leads_to else TransitionRefused)(state, action)
