"""The lifecycle as a drawing: where each state stands, and which way each step runs. Pure.

Positions are in the drawing's own units; `templates/publisher/lifecycle/_diagram.html` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

from publisher.lifecycle import TRANSITIONS, Action, State

WIDTH, HEIGHT = 158, 54
VIEW = "0 26 1096 270"

PLACES: dict[State, tuple[int, int]] = {
    State.CREATED: (14, 40),
    State.PROTOTYPED: (14, 212),
    State.PUBLISHED: (360, 126),
    State.BLOCKED: (694, 40),
    State.DEPRECATED: (694, 212),
    State.RETIRED: (922, 212),
}

# How each arrow runs, and where its label stands.
PATHS: dict[tuple[State, Action], tuple[str, int, int]] = {
    (State.CREATED, Action.PUBLISH): ("M172 56 C 262 56 278 136 358 140", 262, 70),
    (State.CREATED, Action.PROTOTYPE): ("M96 94 L96 210", 20, 158),
    (State.PROTOTYPED, Action.PUBLISH): ("M172 240 C 262 240 288 176 358 167", 224, 200),
    (State.PROTOTYPED, Action.DEMOTE): ("M126 212 L126 96", 134, 158),
    (State.PUBLISHED, Action.BLOCK): ("M518 140 C 588 136 608 72 692 68", 574, 88),
    (State.PUBLISHED, Action.PROTOTYPE): ("M374 180 C 350 262 250 262 174 256", 256, 282),
    (State.PUBLISHED, Action.DEMOTE): ("M360 136 C 300 128 230 92 174 84", 196, 122),
    (State.PUBLISHED, Action.DEPRECATE): ("M518 168 C 588 172 608 230 692 236", 536, 226),
    (State.BLOCKED, Action.REPUBLISH): ("M694 80 C 622 106 606 150 520 154", 616, 148),
    (State.BLOCKED, Action.DEPRECATE): ("M773 94 L773 210", 780, 158),
    (State.DEPRECATED, Action.RETIRE): ("M852 239 L920 239", 866, 230),
}
# Where the drawing has no room for an action's whole name.
SHORT = {
    (State.CREATED, Action.PROTOTYPE): "Prototype",
    (State.PROTOTYPED, Action.DEMOTE): "Demote",
    (State.PUBLISHED, Action.DEMOTE): "Demote",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A state: the corner and the middle of its box."""

    label: str
    x: int
    y: int
    middle: tuple[int, int]
    is_current: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A step: the path of its arrow and the place of its label."""

    label: str
    path: str
    x: int
    y: int
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole drawing, and the same in words."""

    view: str
    nodes: list[Node]
    edges: list[Edge]
    sentence: str


def of(current: State) -> Diagram:
    """The drawing with `current` marked and the steps out of it in the foreground."""
    nodes = [
        Node(
            state.label,
            x,
            y,
            middle=(x + WIDTH // 2, y + HEIGHT // 2),
            is_current=state is current,
            is_final=state is State.RETIRED,
        )
        for state, (x, y) in PLACES.items()
    ]
    edges = [
        Edge(SHORT.get((state, action), action.value), path, x, y, is_allowed=state is current)
        for (state, action), (path, x, y) in PATHS.items()
    ]
    ways = [
        f"{action} leads to {target.label}" for (source, action), target in TRANSITIONS.items() if source is current
    ]
    sentence = f"The API is {current.label}. {'; '.join(ways) or 'No step leads on from here'}."
    return Diagram(VIEW, nodes, sorted(edges, key=lambda edge: edge.is_allowed), sentence)
