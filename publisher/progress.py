"""How far an API has come: design, endpoint, plans, deploy, publish. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from publisher.lifecycle import State

DONE, CURRENT, TODO = "done", "current", "todo"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `page` is the name of the page where it is taken; `advice` says what to do while it is open."""

    title: str
    page: str
    note: str
    advice: str
    state: str

    @property
    def is_for_publishers(self) -> bool:
        """Whether the step needs the publisher role."""
        return self.page in {"deployments", "lifecycle"}


def steps(
    *,
    topics: int,
    endpoint: str,
    plans: Sequence[str],
    deployed: int | None,
    differences: Sequence[str],
    state: State,
) -> list[Step]:
    """The five steps; the first that is not done is the current one. `deployed` is the deployed revision's number."""
    return _with_current(
        [
            Step("Design", "basic-info", _topics(topics), "", DONE),
            Step(
                "Endpoint",
                "endpoint",
                endpoint or "not given yet",
                "Give the address of the backend that calls are passed on to.",
                _done_if(bool(endpoint)),
            ),
            Step(
                "Plans",
                "plans",
                ", ".join(plans) or "none chosen yet",
                "Choose the business plans that developers may subscribe under.",
                _done_if(bool(plans)),
            ),
            Step(
                "Deploy",
                "deployments",
                _deployment(deployed, differences),
                "Deploy a revision to the gateway."
                + (" Publishing does it for you." if state is State.CREATED else ""),
                _done_if(deployed is not None),
            ),
            Step(
                "Publish",
                "lifecycle",
                "not published yet" if state is State.CREATED else state.label,
                "Publish the API to the Developer Portal.",
                _done_if(state is not State.CREATED),
            ),
        ]
    )


def _with_current(all_steps: list[Step]) -> list[Step]:
    for index, step in enumerate(all_steps):
        if step.state is TODO:
            return [*all_steps[:index], replace(step, state=CURRENT), *all_steps[index + 1 :]]
    return all_steps


def _done_if(done: bool) -> str:
    return DONE if done else TODO


def _topics(number: int) -> str:
    return f"{number} topic{'' if number == 1 else 's'}" if number else "every topic"


def _deployment(number: int | None, differences: Sequence[str]) -> str:
    if number is None:
        return "not deployed"
    return f"Revision {number}, design has changed" if differences else f"Revision {number}"
