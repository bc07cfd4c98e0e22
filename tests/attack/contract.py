"""The REST API as its own documents describe it: its operations, requests made from them, and the rules for answers.

Schemathesis is imported where it is used: each process of the tests imports this module, one or two use it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import hypothesis
import requests
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from apimanager import documents

DOCUMENTS = {
    "publisher": documents.PublisherDocument,
    "devportal": documents.DevportalDocument,
    "admin": documents.AdminDocument,
    "gateway": documents.GatewayDocument,
}
SEED = 20261127
ANYWHERE = {"405", "406", "413", "415", "429"}  # what every address may answer, whatever its document says
TRIES = 40  # for each request: where none has come by then, none comes in a thousand
ERROR = {"code", "message", "description", "moreInfo", "error"}


class Hopeless(Exception):
    """Nothing comes of looking for such a request any longer."""


@dataclass(frozen=True)
class Sent:
    """A request: the path is relative to its document's address, the body as it goes over the wire."""

    method: str
    path: str
    names: tuple[tuple[str, str], ...] = ()
    query: str = ""
    body: bytes | None = None

    def at(self, known: dict[str, str]) -> str:
        """The path, with things that exist in the place of the names that are known."""
        values = {name: known.get(name, value) for name, value in self.names}
        return self.path.format(**values) + (f"?{self.query}" if self.query else "")


@cache
def schema_of(name: str) -> Any:
    """One of the documents, as Schemathesis reads it."""
    import schemathesis

    view = DOCUMENTS[name]
    patterns = [pattern for each in view.urlconf for pattern in importlib.import_module(each).urlpatterns]
    with patched_settings(view.custom_settings):
        document = SchemaGenerator(urlconf=SimpleNamespace(urlpatterns=patterns)).get_schema(public=True)
    return schemathesis.openapi.from_dict(json.loads(json.dumps(document)))


def operations_of(name: str) -> list[Any]:
    """Its operations, in the order of the document."""
    return [found.ok() for found in schema_of(name).get_all_operations()]


def generated(operation: Any, number: int, *, fitting: bool) -> list[Sent]:
    """So many requests of this operation, of values that fit its description, or that do not. Always the same ones."""
    from schemathesis.generation import GenerationMode

    mode = GenerationMode.POSITIVE if fitting else GenerationMode.NEGATIVE
    strategy = operation.as_strategy(generation_mode=mode)
    made: list[Sent] = []
    tries = 0

    @hypothesis.strategies.composite
    def cases(draw: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries > TRIES * number:
            raise Hopeless
        return draw(strategy)

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(cases())
    def note(case: Any) -> None:
        made.append(sent(case))

    # Whatever is sent fits the description. To give up is not what Hypothesis expects of a description.
    with suppress(Hopeless, hypothesis.errors.Unsatisfiable, hypothesis.errors.FlakyStrategyDefinition):
        note()
    return made


def sent(case: Any) -> Sent:
    """What Schemathesis made, as we send it."""
    from schemathesis.core import NotSet

    prepared = requests.Request("GET", "http://h/", params=case.query or {}).prepare()
    body = None
    if not isinstance(case.body, NotSet):
        body = json.dumps(case.body, default=str).encode("utf-8", "surrogatepass")
    names = tuple((name, _segment(value)) for name, value in (case.path_parameters or {}).items())
    return Sent(case.method, case.path, names, (prepared.url or "").partition("?")[2], body)


def violations(operation: Any, sent: Sent, answer: Any) -> Iterator[str]:
    """How an answer breaks the document, or what holds for all of them."""
    from schemathesis.core.transport import Response

    status = str(answer.status_code)
    if answer.status_code >= 500:
        yield f"answers {status}"
        return
    if answer.status_code >= 400:
        document = _json(answer.content)
        if not isinstance(document, dict) or document.keys() != ERROR or not document["description"]:
            yield f"{status} is no refusal of ours: {answer.content[:200]!r}"
    declared = operation.definition.raw["responses"]
    if status not in declared:
        if status not in ANYWHERE:
            yield f"{status} is not in the document: {answer.content[:200]!r}"
        return
    request = requests.Request(sent.method, "http://h/").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    elapsed = timedelta(0).total_seconds()
    try:
        operation.validate_response(Response(answer.status_code, headers, answer.content, request, elapsed, False))
    except Exception as broken:  # one of several kinds, of which each is a finding
        yield f"{status} is not as described: {str(broken)[:400]}"


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _segment(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return requests.utils.quote(text.encode("utf-8", "surrogatepass"), safe="") or "%20"
