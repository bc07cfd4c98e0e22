"""A design out of an AsyncAPI document; one module, for all parts add to one design and one list of problems. Pure.

Versions 2 and 3 are read, and every problem is told at its line.

What the design has a place for goes there; the rest is kept in one shape for both versions, by topic:
`{"version", "root", "info", "tags", "externalDocs", "servers", "components", "channels": {target: {"key", "address",
"extra", "parameters": {name: …}, "operations": {verb: {"key", "extra"}}, "messages": {verb: {name: …}}}}}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from core.values import BadValue
from publisher.asyncapi.definition import (
    ACTIONS,
    EVERY_TOPIC,
    OAUTH,
    OWN_SCHEMES,
    USUAL_PARAMETER,
    AsyncApiDefinition,
    usual_key,
)
from publisher.asyncapi.references import Dangling, follow, path_of, standalone
from publisher.asyncapi.source import BadSource, DefinitionSource, Path, Problem
from publisher.asyncapi.source import read as read_source
from publisher.payloads import DRAFT_7, clean_examples, clean_schema, references_in
from publisher.topics import NAME_LENGTH, clean_topics, variables_of
from publisher.validation import clean_description, clean_endpoint_url, clean_tags

VERBS = {action: verb for verb, action in ACTIONS.items()}
HAVE_A_PLACE = frozenset({"messages", "channels", "operations", "servers", "parameters"})
"""Components that stand in the design, or inside what refers to them."""
_JSON_SCHEMA = re.compile(r"application/(vnd\.aai\.asyncapi|schema)(\+json|\+yaml)?(;.*)?")


def read(text: str) -> AsyncApiDefinition:
    """What the text says. It may be taken over while there are no `problems`; nothing is raised."""
    try:
        source = read_source(text)
    except BadSource as error:
        return AsyncApiDefinition(problems=[error.problem])
    reader = _Reader(source)
    reader.read()
    return reader.definition


@dataclass(eq=False, repr=False)
class _Reader:
    source: DefinitionSource
    definition: AsyncApiDefinition = field(default_factory=AsyncApiDefinition)
    bundled: set[Path] = field(default_factory=set)

    def problem(self, path: Path, sentence: str) -> None:
        self.definition.problems.append(Problem(self.source.line_of(path), sentence))

    def read(self) -> None:
        found = self.definition
        if not isinstance(self.source.value, dict):
            return self.problem((), "A definition is an object that begins with asyncapi: 3.0.0.")
        version = str(self.source.value.get("asyncapi", ""))
        if not re.fullmatch(r"(2\.[0-6]|3\.[01])\.[0-9]+", version):
            named = f"{version[:20]} is not among the versions that are read" if version else "asyncapi is missing"
            if "openapi" in self.source.value or "swagger" in self.source.value:
                named = "This describes an HTTP API, in OpenAPI"
            return self.problem(("asyncapi",), f"{named}. Write asyncapi: 3.0.0, or 2.6.0.")
        found.version = "3.0" if version.startswith("3") else "2.6"
        found.rest = {"version": found.version}
        self._read_info()
        self._read_servers()
        channels = self._mapping((), "channels", needed=found.version == "2.6")
        operations = self._operations_3() if found.version == "3.0" else {}
        kept = {}
        for key in channels:
            if read := self._read_channel(("channels", key), operations):
                topic, rest = read
                found.topics.append(topic)
                if rest:
                    kept[topic["target"]] = rest
        try:
            found.topics = clean_topics(found.topics)
        except BadValue as error:
            self.problem(("channels",), str(error))
        if found.topics == [EVERY_TOPIC]:
            found.topics = []
        owned = {"asyncapi", "info", "servers", "channels", "operations", "components"}
        owned |= {"tags", "externalDocs"} if found.version == "2.6" else set()
        root = {key: value for key, value in self.source.value.items() if key not in owned}
        if root.get("defaultContentType") == "application/json":
            del root["defaultContentType"]  # it is written anyway
        found.rest |= {"channels": kept, "root": root}
        found.rest["components"] = self._components()
        found.rest = {key: value for key, value in found.rest.items() if value}
        if found.rest.get("tags") == [{"name": name} for name in found.tags]:
            del found.rest["tags"]  # they say no more than the design does
        if found.rest.keys() == {"version"}:
            found.rest = {}
        return None

    def _mapping(self, path: Path, key: str, *, needed: bool = False) -> dict[str, Any]:
        """The object that stands under a key, or an empty one; a problem where it is something else."""
        value, _ = self._followed(path)
        there = value.get(key) if isinstance(value, dict) else None
        if isinstance(there, dict):
            return there
        if there is not None or needed:
            self.problem((*path, key), f"{key} is an object" if there is not None else f"{key} is missing.")
        return {}

    def _followed(self, path: Path) -> tuple[Any, Path]:
        """What stands at a path, behind its references; None where these lead nowhere, which is a problem."""
        try:
            return follow(self.source.value, path)
        except Dangling as error:
            self.problem(path, str(error))
            return None, path

    def _read_info(self) -> None:
        info, found = self._mapping((), "info", needed=True), self.definition
        for key, name in (("title", "title"), ("version", "api_version")):
            value = info.get(key)
            if info and (not isinstance(value, str | int | float) or not str(value).strip()):
                self.problem(("info", key), f"info needs a {key}.")
            setattr(found, name, str(value or "").strip())
        try:
            found.description = clean_description(str(info.get("description") or ""))
        except BadValue as error:
            self.problem(("info", "description"), str(error))
        about, path = (info, ("info", "tags")) if found.version == "3.0" else (self.source.value, ("tags",))
        given = about.get("tags") or []
        if not isinstance(given, list):
            self.problem(path, "tags is a list.")
            given = []
        tags = [tag for tag in given if isinstance(tag, dict)] if info else []
        for tag in tags:
            try:
                found.tags = clean_tags([*found.tags, str(tag.get("name", ""))])
            except BadValue:
                continue  # it stays in the rest
        owned = {"title", "version", "description", "tags", "externalDocs"}
        found.rest["info"] = {key: value for key, value in info.items() if key not in owned}
        found.rest |= {"tags": tags, "externalDocs": about.get("externalDocs")}

    def _read_servers(self) -> None:
        servers = self._mapping((), "servers")
        protocols = set()
        for key in servers:
            server, path = self._followed(("servers", key))
            if not isinstance(server, dict):
                self.problem(path, f"The server {key} is an object.")
                continue
            protocol = str(server.get("protocol", "")).lower()
            protocols.add(protocol)
            asked = server.get("security")
            named = [each for each in asked if isinstance(each, dict)] if isinstance(asked, list) else []
            ours = f"#/components/securitySchemes/{OAUTH}"  # as documents of ours write the gateway
            if not any(OAUTH in each or each.get("$ref") == ours for each in named):
                self.definition.rest.setdefault("servers", {})[key] = server
            if protocol in {"ws", "wss"} and (url := self._address(server, protocol)):
                self.definition.backends.append(url)
        if protocols and not protocols & {"ws", "wss"}:
            spoken = ", ".join(sorted(protocols))
            self.problem(
                ("servers",), f"None of its servers speaks ws or wss, only {spoken}. APIs here are WebSockets."
            )

    def _address(self, server: Mapping[str, Any], protocol: str) -> str:
        """The address of a server with the defaults of its variables; nothing where it cannot be dialled."""
        if self.definition.version == "3.0":
            url = f"{protocol}://{server.get('host', '')}{server.get('pathname', '') or ''}"
        else:
            url = str(server.get("url", ""))
            url = url if "://" in url else f"{protocol}://{url}"
        variables = server.get("variables")
        for name, variable in variables.items() if isinstance(variables, dict) else ():
            if isinstance(variable, dict):
                among = variable.get("enum")
                usual = variable.get("default") or (among[0] if isinstance(among, list) and among else "")
                url = url.replace(f"{{{name}}}", str(usual))
        try:
            return "" if "{" in urlsplit(url).netloc else clean_endpoint_url(url)
        except (BadValue, ValueError):
            return ""

    def _operations_3(self) -> dict[str, list[str]]:
        """The keys of the operations on each channel, by the channel's key."""
        by_channel: dict[str, list[str]] = {}
        for key in self._mapping((), "operations"):
            operation, path = self._followed(("operations", key))
            if not isinstance(operation, dict) or operation.get("action") not in [*VERBS]:
                self.problem((*path, "action"), f"The operation {key} needs an action: send or receive.")
                continue
            named = operation.get("channel")
            try:
                to = path_of(str(named.get("$ref", "")) if isinstance(named, dict) else "")
                _, to = follow(self.source.value, to)
            except Dangling as error:
                self.problem((*path, "channel"), f"The operation {key} needs a channel. {error}")
                continue
            for channel in self._mapping((), "channels"):
                if to in {("channels", channel), self._followed(("channels", channel))[1]}:
                    by_channel.setdefault(channel, []).append(key)
        return by_channel

    def _read_channel(
        self, path: Path, operations: Mapping[str, list[str]]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The topic that a channel is, and the rest of it."""
        key = str(path[-1])
        channel, at = self._followed(path)
        if not isinstance(channel, dict):
            self.problem(path, f"The channel {key} is an object.")
            return None
        address = channel.get("address") if self.definition.version == "3.0" else key
        address = key if address is None else str(address)
        target = "/*" if address.strip("/ ") == "" else f"/{address.lstrip('/')}"
        try:
            target = clean_topics([{"target": target}])[0]["target"]
        except BadValue as error:
            self.problem((*at, "address"), str(error))
            return None
        read = self._parts_3(at, operations.get(key, [])) if self.definition.version == "3.0" else self._parts_2(at)
        topic, rest = self._topic(target, at, list(read))
        if (others := [each["target"] for each in self.definition.topics]) and target in others:
            self.problem(path, f"{target} stands among the channels twice. Give each address once.")
            return None
        owned = {"address", "messages", "parameters", "description", "publish", "subscribe"}
        extra = {name: value for name, value in channel.items() if name not in owned and name != "$ref"}
        known: dict[str, Any] = {"extra": extra, "address": address if address != target else ""}
        for verb, operation in rest["operations"].items():
            if operation.get("key") == f"{verb}_{key}":
                del operation["key"]  # as it would be called anyway
        if self.definition.version == "3.0" and key != usual_key(target):
            known["key"] = key
        for name in ("operations", "parameters"):
            known[name] = {each: held for each, held in rest[name].items() if held}
        return topic, {name: value for name, value in {**rest, **known}.items() if value}

    def _parts_3(self, at: Path, keys: list[str]) -> Iterator[tuple[str, str, dict[str, Any], Path, list[Path]]]:
        """Verb, key and place of each operation of a channel, with the places of its messages."""
        held = [(*at, "messages", name) for name in self._mapping(at, "messages")]
        if not keys:
            for verb in ACTIONS:
                yield verb, "", {}, at, held
        for key in keys:
            operation, path = self._followed(("operations", key))
            named = operation.get("messages")
            paths: list[Path] = []
            for number, reference in enumerate(named if isinstance(named, list) else []):
                try:
                    paths.append(path_of(str(reference.get("$ref", "")) if isinstance(reference, dict) else ""))
                except Dangling as error:
                    self.problem((*path, "messages", number), str(error))
            owned = {"action", "channel", "messages"}
            extra = {name: value for name, value in operation.items() if name not in owned}
            yield VERBS[operation["action"]], key, extra, path, held if named is None else paths

    def _parts_2(self, at: Path) -> Iterator[tuple[str, str, dict[str, Any], Path, list[Path]]]:
        """The same of a channel of version 2."""
        channel, _ = self._followed(at)
        verbs = [verb for verb in ACTIONS if verb in channel]
        for verb in verbs or ACTIONS:
            operation = self._mapping(at, verb)
            path: Path = (*at, verb)
            paths: list[Path] = []
            if "message" in operation:
                message, place = self._followed((*path, "message"))
                several = isinstance(message, dict) and isinstance(message.get("oneOf"), list)
                count = len(message["oneOf"]) if several else 0
                paths = [(*place, "oneOf", number) for number in range(count)] if several else [(*path, "message")]
            extra = {name: value for name, value in operation.items() if name not in {"message", "operationId"}}
            yield verb, str(operation.get("operationId") or ""), extra, path, paths

    def _topic(self, target: str, at: Path, parts: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        channel, _ = self._followed(at)
        topic: dict[str, Any] = {"target": target, "verbs": [], "mapping": "", "scopes": [], "messages": {}}
        topic["description"] = str(channel.get("description") or "")
        rest: dict[str, Any] = {"operations": {}, "messages": {}, "parameters": {}}
        mapping = channel.get("x-uri-mapping")
        for verb, key, extra, path, messages in parts:
            if verb in topic["verbs"]:
                self.problem(path, f"{target} has two operations in one direction. Give it one with several messages.")
                continue
            topic["verbs"].append(verb)
            topic["scopes"] += [scope for scope in _scopes_of(extra) if scope not in topic["scopes"]]
            mapping = extra.get("x-uri-mapping", mapping)
            kept = {name: each for name, each in extra.items() if name not in {"security", "x-scopes", "x-uri-mapping"}}
            rest["operations"][verb] = {name: each for name, each in (("key", key), ("extra", kept)) if each}
            for place in messages:
                self._read_message(topic, rest, verb, place)
        parameters = self._mapping(at, "parameters")
        for name in variables_of(target):
            parameter, path = self._followed((*at, "parameters", name)) if name in parameters else ({}, at)
            if isinstance(parameter, dict):
                topic.setdefault("parameters", {})[name] = str(parameter.get("description") or "")
                kept = {key: each for key, each in parameter.items() if key != "description"}
                if kept != USUAL_PARAMETER[self.definition.version]:
                    rest["parameters"][name] = kept
        if isinstance(mapping, str):
            topic["mapping"] = mapping
            self.definition.mapped.add(target)
        try:
            return clean_topics([topic])[0], rest
        except BadValue as error:
            self.problem(at, str(error))
            return {"target": target, "verbs": list(ACTIONS), "mapping": "", "scopes": []}, rest

    def _read_message(self, topic: dict[str, Any], rest: dict[str, Any], verb: str, path: Path) -> None:
        message, at = self._followed(path)
        if not isinstance(message, dict):
            return self.problem(path, "A message is an object.")
        listed = topic["messages"].setdefault(verb, [])
        wanted, number = _name_of(message, path, at, verb), 2
        name = wanted
        while any(each["name"] == name for each in listed):
            name, number = f"{wanted[: NAME_LENGTH - 4]}-{number}", number + 1
        read: dict[str, Any] = {"name": name, "summary": str(message.get("summary") or "")[:500]}
        owned = {"summary", "name", "messageId"}
        if "payload" in message and (place := self._payload_place(message, at)):
            owned |= {"payload", "schemaFormat"}
            try:
                schema, bundled = standalone(self.source.value, place)
                self.bundled |= bundled
                read["schema"] = _in_its_draft(schema)
            except (BadValue, Dangling) as error:
                self.problem(place, str(error))
        examples = message.get("examples")
        examples = [each for each in examples if isinstance(each, dict)] if isinstance(examples, list) else []
        try:
            read["examples"] = clean_examples([each["payload"] for each in examples if "payload" in each])
        except BadValue as error:
            self.problem((*at, "examples"), str(error))
        listed.append(read)
        kept = {key: each for key, each in message.items() if key not in owned}
        if message.get("name") not in (None, "", name) and self.definition.version == "3.0":
            kept["name"] = message["name"]
        if examples and all(each.keys() == {"payload"} for each in examples):
            del kept["examples"]
        if kept:
            rest["messages"].setdefault(verb, {})[name] = kept
        return None

    def _payload_place(self, message: Mapping[str, Any], at: Path) -> Path | None:
        """Where the JSON Schema of a message stands; None where its payload is described in another language."""
        payload, kind, place = message["payload"], message.get("schemaFormat"), (*at, "payload")
        if isinstance(payload, dict) and "schemaFormat" in payload and "schema" in payload:
            kind, place = payload["schemaFormat"], (*place, "schema")
        return place if kind is None or _JSON_SCHEMA.fullmatch(str(kind)) else None

    def _components(self) -> dict[str, Any]:
        """What the rest still refers to, or nothing in the design has taken."""
        components = self._mapping((), "components")
        kept: dict[str, dict[str, Any]] = {
            key: dict(each) for key, each in components.items() if key not in HAVE_A_PLACE and isinstance(each, dict)
        }
        for name in OWN_SCHEMES & kept.get("securitySchemes", {}).keys():
            del kept["securitySchemes"][name]
        schemas = kept.get("schemas", {})
        others = {key: each for key, each in kept.items() if key != "schemas"}
        waiting = [*references_in([others, self.definition.rest])]
        needed: set[str] = set()
        taken = {str(path[2]) for path in self.bundled if path[:2] == ("components", "schemas") and len(path) > 2}
        waiting += [reference for name in schemas.keys() - taken for reference in references_in(schemas[name])]
        while waiting:
            found = re.match(r"#/components/schemas/([^/]+)", waiting.pop())
            if found and found[1] in schemas and found[1] not in needed:
                needed.add(found[1])
                waiting += references_in(schemas[found[1]])
        if schemas:
            kept["schemas"] = {name: each for name, each in schemas.items() if name in needed or name not in taken}
        return {key: each for key, each in kept.items() if each}


def _scopes_of(operation: Mapping[str, Any]) -> list[str]:
    """What an operation asks of a token: in its security, or in WSO2's own field."""
    found = [*operation["x-scopes"]] if isinstance(operation.get("x-scopes"), list) else []
    security = operation.get("security")
    for scheme in security if isinstance(security, list) else ():
        if isinstance(scheme, dict) and "type" in scheme:
            found += scheme["scopes"] if isinstance(scheme.get("scopes"), list) else []
        elif isinstance(scheme, dict):
            found += [scope for scopes in scheme.values() if isinstance(scopes, list) for scope in scopes]
    return list(dict.fromkeys(str(scope) for scope in found))


def _name_of(message: Mapping[str, Any], path: Path, at: Path, verb: str) -> str:
    """What a message is called: the key it has somewhere, else its own name."""
    own = str(message.get("messageId") or message.get("name") or "")
    keys = [str(each[-1]) for each in (path, at) if len(each) > 1 and each[-2] == "messages"]
    name = keys[0] if keys else own or verb
    if keys and name == f"{own}.{verb}":
        name = own
    plain = re.sub(r"[^\w.-]+", "-", name)
    return (name if plain == name else plain.strip("-"))[:NAME_LENGTH] or verb


def _in_its_draft(schema: Any) -> Any:
    """A clean schema, marked as one of draft 7 where only that can read it. Raises BadValue."""
    try:
        return clean_schema(schema)
    except BadValue as error:
        if not isinstance(schema, dict) or "$schema" in schema:
            raise
        try:
            return clean_schema({"$schema": DRAFT_7, **schema})
        except BadValue:
            raise error from None
