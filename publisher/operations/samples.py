"""Deploy sample API: a chat that works, for whoever wants to see one before designing their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from publisher import permissions, queries
from publisher.document_terms import DocumentType
from publisher.models import Api
from publisher.operations.designs import create_api
from publisher.operations.documents import create_document

NAME = "Chat sample"
_LINE = {
    "type": "object",
    "required": ["room", "from", "at"],
    "properties": {
        "room": {"type": "string"},
        "from": {"type": "string", "description": "The name that the speaker came in with."},
        "text": {"type": "string", "description": "What was said."},
        "presence": {"enum": ["join", "leave"], "description": "In place of a text: who comes and goes."},
        "at": {"type": "string", "format": "date-time"},
    },
}
_SAYS = {"name": "say", "summary": "Say something: a plain text.", "examples": ["Good morning!"]}
_HEARS = {
    "name": "line",
    "summary": "What somebody in the room said, or that they came or went.",
    "schema": _LINE,
    "examples": [
        {"room": "tea", "from": "carol", "presence": "join", "at": "2026-01-05T09:00:00Z"},
        {"room": "tea", "from": "carol", "text": "Good morning!", "at": "2026-01-05T09:00:04Z"},
    ],
}
_BOTH = {"verbs": ["publish", "subscribe"], "messages": {"publish": [_SAYS], "subscribe": [_HEARS]}}
DESIGN: dict[str, Any] = {
    "context": "/chat-sample",
    "version": "1.0.0",
    "description": "A small chat of many rooms, to try everything with: subscribe, get keys, connect, and talk.\n\n"
    "Connect to `/rooms/tea?name=carol` below the version to join the room *tea*, or without a room to be in the "
    "lobby. What you send is plain text; everybody in the room hears it as a line of JSON:\n\n"
    '```\n{"room": "tea", "from": "carol", "text": "Good morning!", "at": "2026-01-05T09:00:04Z"}\n```\n\n'
    "Who comes and goes is told in the same way, with `presence` in place of `text`. A newcomer first hears the last "
    "fifty texts of the room.",
    "tags": ["sample", "chat"],
    "topics": [
        {
            **_BOTH,
            "target": "/rooms/{room}",
            "description": "One room: who is in it hears everything that is said there.",
            "parameters": {"room": "The room's name, such as tea."},
        },
        {**_BOTH, "target": "/*", "description": "Without a room: the lobby."},
    ],
}
GUIDE: dict[str, Any] = {
    "name": "First steps",
    "type": DocumentType.HOWTO.value,
    "summary": "From nothing to a chat with yourself, in two terminals.",
    "content": "1. Open **KEY GENERATION WIZARD** above, and go through it to the access token.\n"
    "2. Connect from two terminals, each with a name of its own, to the gateway's address followed by the room:\n\n"
    '   ```\n   wscat -c "<gateway URL>/rooms/tea?name=carol" -H "Authorization: Bearer <token>"\n   ```\n\n'
    "3. Type a line in one of them. Both hear it, with the time and who said it.\n\n"
    "**What else to try:** type faster than the plan allows, and see what the plan does; revoke the token, and see the "
    "connections end with 4001.",
}


def deploy_sample(*, endpoint: str, actor: User, now: datetime) -> tuple[Api, bool]:
    """The sample API in front of the sample chat at `endpoint`, and whether it was made just now.

    Published by who may, left in state Created by who may only create. Where there is one of the name, it is that one,
    as it is. Raises RoleRequired, Invalid (an endpoint that the policy forbids, or no plan), AlreadyExists (context).
    """
    permissions.require_create(actor)
    if there := queries.holder_of_name(NAME):
        return there, False
    plans = queries.all_plans().filter(requires_approval=False)
    publish = permissions.can_publish(actor)
    design = {**DESIGN, "name": NAME, "endpoint": endpoint}
    api = create_api(**design, plans=list(plans), publish=publish, actor=actor, now=now)
    create_document(api=api, fields=GUIDE, actor=actor, now=now)
    return api, True
