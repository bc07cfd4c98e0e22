"""The sentences in which the Publisher speaks of consequences and of what has happened. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.text import agree, count
from publisher.lifecycle import SERVED, Action, State
from publisher.runtime import WORDS

MOST_FIELDS = 4
_FIELDS = {
    "is_default_version": "default version",
    "endpoint_options": "endpoint configuration",
    "production": "production endpoint",
    "sandbox": "sandbox endpoint",
    "mock": "mock backend",
    **WORDS,
}
_DONE = {
    Action.PUBLISH: "Published",
    Action.PROTOTYPE: "Deployed as a prototype",
    Action.DEMOTE: "Demoted to Created",
    Action.BLOCK: "Blocked",
    Action.REPUBLISH: "Published again",
    Action.DEPRECATE: "Deprecated",
    Action.RETIRE: "Retired",
}
_ASKED = {
    "api.transition_requested": "{} asked for",
    "api.transition_rejected": "{} rejected",
    "api.transition_withdrawn": "{} no longer asked for",
}


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom a change touches: `live_connections` of `live_applications`, and the subscribed `applications`.

    `live_connections` is None where nobody counts them.
    """

    live_connections: int | None = None
    applications: int = 0
    live_applications: int = 0


def consequence(action: Action, state: State, impact: Impact, plans: Sequence[str]) -> str:
    """What `action` would do to an API in `state`, in figures."""
    under = f"{', '.join(plans[:-1])} or {plans[-1]}" if len(plans) > 1 else "".join(plans) or "the plans you choose"
    keep = agree(impact.applications, "keeps", "keep")
    kept = f"the {count(impact.applications, 'application')} subscribed {keep} working."
    return {
        Action.PUBLISH: f"Shows it in the Developer Portal, where developers subscribe under {under}.",
        Action.PROTOTYPE: (
            "Stays callable, marked Pre-Released in the portal."
            if state is State.PUBLISHED
            else "Makes it callable and shows it in the portal, marked Pre-Released."
        ),
        Action.DEMOTE: f"Takes it off the gateway; {_closes(impact, 4010)} Subscriptions are kept.",
        Action.BLOCK: f"Refuses calls with 503; {_closes(impact, 4006)}",
        Action.REPUBLISH: "Lets calls through again and shows it in the Developer Portal.",
        Action.DEPRECATE: (
            f"{'Calls pass again. ' if state is State.BLOCKED else ''}Hides it from new subscribers; "
            f"{kept if impact.applications else 'nobody is subscribed now.'} "
            "There is no way back: only Retire follows."
        ),
        Action.RETIRE: f"Takes it off the gateway for good; {_closes(impact, 4010)} There is no way back.",
    }[action]


def undeploying(impact: Impact) -> str:
    """What taking an API off the gateway would do, in figures."""
    closes = _closes(impact, 4010)
    return closes[0].upper() + closes[1:]


def told(impact: Impact) -> str:
    """Who is told when what is deployed breaks clients."""
    if not impact.applications:
        return "Nobody is subscribed, so nobody is told."
    owners, are = agree(impact.applications, "owner", "owners"), agree(impact.applications, "is", "are")
    return f"The {owners} of the {count(impact.applications, 'subscribed application')} {are} told."


def deleting(impact: Impact, revisions: int, state: State) -> list[str]:
    """What deleting an API would do, in figures."""
    sentences = [f"{count(revisions, 'revision').capitalize()} and the design are gone."] if revisions else []
    if impact.applications:
        lose = agree(impact.applications, "loses its subscription", "lose their subscriptions")
        sentences.append(f"{count(impact.applications, 'application')} {lose}.")
    if state in SERVED:
        sentences.append(f"The gateway stops serving it; {_closes(impact, 4010)}")
    return sentences or ["The design is gone. Nobody is subscribed, and the gateway does not serve it."]


def happened(verb: str, detail: Mapping[str, Any]) -> str:
    """One row of the audit log about an API, as a person would say it."""
    if verb == "api.created":
        return f"Created from version {detail['copied_from']}" if "copied_from" in detail else "Created"
    if verb == "api.transitioned":
        return _DONE[Action(detail["action"])]
    if verb in _ASKED and "action" in detail:
        return _ASKED[verb].format(detail["action"])
    if verb == "api.updated" and "restored_revision" in detail:
        return f"Revision {detail['restored_revision']} restored as the design"
    if verb == "api.updated" and "plans" in detail:
        return f"Plans set to {', '.join(detail['plans']) or 'none'}"
    if verb == "api.updated":
        fields = [_FIELDS.get(field, field.replace("_", " ")) for field in detail.get("fields", [])]
        if len(fields) > MOST_FIELDS:
            fields[MOST_FIELDS - 1 :] = [f"{len(fields) - MOST_FIELDS + 1} more"]
        listed = f"{', '.join(fields[:-1])} and {fields[-1]}" if len(fields) > 1 else "".join(fields)
        return f"{listed.capitalize()} changed" if fields else "Saved without a change"
    return {
        "api.revision_created": f"Revision {detail.get('revision')} made",
        "api.revision_deleted": f"Revision {detail.get('revision')} deleted",
        "api.deployed": f"Revision {detail.get('revision')} deployed",
        "api.undeployed": "Taken off the gateway",
        "api.working_copy_taken": "The working copy tried out",
        "api.imported": "Imported from a file",
        "api.deleted": "Deleted",
    }.get(verb, verb.partition(".")[2].replace("_", " ").capitalize())


def _closes(impact: Impact, code: int) -> str:
    if impact.live_connections == 0:
        return "no connection is open now."
    if impact.live_connections is None:
        return f"closes its live connections (code {code})."
    owners = f" of {count(impact.live_applications, 'application')}" if impact.live_applications else ""
    return f"closes {count(impact.live_connections, 'live connection')}{owners} (code {code})."
