"""What the gateway knows of one API: what finds it, and, read when somebody calls it, what was designed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.quotas.limits import UNLIMITED, PlanLimits
from gateway.routing.topics import TopicSet
from publisher.runtime import KEY_TYPES, ValidationMode, all_key_managers

if TYPE_CHECKING:
    from publisher.endpoint import Endpoint, EndpointOptions
    from publisher.mock import Mock
    from publisher.origins import Origins

VERSION = "{version}"
SERVED_STATES = frozenset({"PROTOTYPED", "PUBLISHED", "BLOCKED", "DEPRECATED"})
TRIAL_STATE = "CREATED"


@dataclass(frozen=True, slots=True)
class DeployedDesign:
    """What a deployed revision says, apart from its address.

    `endpoints` is keyed by key type, `PRODUCTION` or `SANDBOX`. Without `origins` every web page may call. A `mock`
    answers in place of the endpoints. `message_bytes` is the largest message of a client (0: any). `frame_bytes` the
    largest frame. With `validation` on, messages are held against the schemas of their topic. `limits` are those of all
    applications together. Tokens of `key_managers` are taken, or of any where EVERY_KEY_MANAGER is one of them.
    """

    endpoints: Mapping[str, Endpoint]
    options: EndpointOptions
    topics: TopicSet
    origins: Origins | None = None
    mock: Mock | None = None
    message_bytes: int = 0
    key_types: frozenset[str] = frozenset(KEY_TYPES)
    validation: ValidationMode = ValidationMode.OFF
    frame_bytes: int = 0
    key_managers: frozenset[str] = frozenset(all_key_managers())
    limits: PlanLimits = UNLIMITED


@dataclass(frozen=True, slots=True)
class Deployment:
    """One API: its deployed revision and the two things that act at once, state and removal.

    `rank` sorts versions. `read_design` gives what was designed: a worker has many more APIs than are called at one
    time, and keeps no more than this of the others. `revision_id` is empty when nothing is deployed. `redacted` names
    the fields of payloads that may not be kept, by JSON pointers: those of the design too, for what is forbidden counts
    before it is deployed. `working_copy` is the design that somebody tries out, as if it were deployed and not
    published; no path finds it.
    """

    api_id: str
    name: str
    context: str
    version: str
    state: str
    rank: tuple[Any, ...]
    read_design: Callable[[], DeployedDesign] = field(compare=False)  # the revision says whether it is the same
    revision_id: str = ""
    is_default: bool = False
    deployed_at: float = 0.0
    query_token: bool = True
    redacted: tuple[str, ...] = ()
    working_copy: Deployment | None = None

    @property
    def design(self) -> DeployedDesign:
        """What was designed. The first time for long it is read, which takes about 0.2 ms."""
        return self.read_design()

    @property
    def is_served(self) -> bool:
        """Whether a path can lead here at all; a blocked API is served in this sense, it answers 503."""
        return bool(self.revision_id) and self.state in SERVED_STATES

    @property
    def is_on_trial(self) -> bool:
        """Whether it is deployed before it is published: nobody reaches it but with a key to try it out."""
        return bool(self.revision_id) and self.state == TRIAL_STATE

    @property
    def address(self) -> str:
        """The path that names this version exactly."""
        return (
            self.context.replace(VERSION, self.version) if VERSION in self.context else f"{self.context}/{self.version}"
        )
