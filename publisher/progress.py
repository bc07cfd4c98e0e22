"""How far an API has come: design, endpoint, plans, deploy, publish. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from publisher.lifecycle import State

DONE, CURRENT, AHEAD = "done", "current", "todo"  # the last as the stylesheet names it
PUBLISH = "Publish the API to the Developer Portal."
PUBLISH_AND_DEPLOY = f"{PUBLISH} That deploys a first revision to the gateway, too."


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One step. `page` is the name of the page where it is taken; `advice` says what to do while it is open."""

    title: str
    page: str
    note: str
    advice: str
    state: str

    @property
    def next_page(self) -> str:
        """Where the advice is followed: what is ready to be published goes straight there, which deploys it too."""
        return "lifecycle" if self.advice in (PUBLISH, PUBLISH_AND_DEPLOY) else self.page

    @property
    def next_link(self) -> str:
        """The words of the link to `next_page`; the lifecycle page keeps the capitals of its label."""
        return "LIFECYCLE" if self.next_page == "lifecycle" else self.title

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
) -> list[ProgressStep]:
    """The five steps; the first that is not done is the current one. `deployed` is the deployed revision's number."""
    served = "not deployed" if deployed is None else f"Revision {deployed}"
    written = [
        ProgressStep(
            "Design", "basic-info", f"{topics} topic{'' if topics == 1 else 's'}" if topics else "every topic", "", DONE
        ),
        ProgressStep(
            "Endpoint",
            "endpoint",
            endpoint or "not given yet",
            "Give the address of the backend that calls are passed on to.",
            DONE if endpoint else AHEAD,
        ),
        ProgressStep(
            "Plans",
            "plans",
            ", ".join(plans) or "none chosen yet",
            "Choose the business plans that developers may subscribe under.",
            DONE if plans else AHEAD,
        ),
        ProgressStep(
            "Deploy",
            "deployments",
            f"{served}, design has changed" if deployed is not None and differences else served,
            PUBLISH_AND_DEPLOY if state is State.CREATED else "Deploy a revision to the gateway.",
            AHEAD if deployed is None else DONE,
        ),
        ProgressStep(
            "Publish",
            "lifecycle",
            "not published yet" if state is State.CREATED else state.label,
            PUBLISH,
            AHEAD if state is State.CREATED else DONE,
        ),
    ]
    following = next((step for step in written if step.state is AHEAD), None)
    return [replace(step, state=CURRENT) if step is following else step for step in written]
