"""The AsyncAPI document of a design, in version 3.0 or 2.6. Pure.

Over what a foreign document held beside the design (`Design.rest`) stands what the design says: it has the last word.
What only one version knows stays out of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from core.values import BadValue
from publisher.asyncapi.definition import (
    ACTIONS,
    EVERY_TOPIC,
    IN_ADDRESS,
    OAUTH,
    USUAL_PARAMETER,
    VERSIONS,
    Design,
    usual_key,
)
from publisher.asyncapi.references import embedded, pointer
from publisher.topics import variables_of
from publisher.validation import clean_tags

BOTH_VERSIONS = frozenset({"description", "bindings"})
"""What a channel or operation may carry over from one version to the other."""
SERVER_IN_BOTH = frozenset({"protocol", "protocolVersion", "description", "variables", "bindings"})
SHARED_COMPONENTS = frozenset({"schemas", "correlationIds"})


def write(design: Design, version: str) -> dict[str, Any]:
    """The document: `version` is one of `VERSIONS`."""
    return _Writer(design, version).document()


class _Writer:
    def __init__(self, design: Design, version: str) -> None:
        self.design = design
        self.version = version
        self.is_3 = version == "3.0"
        self.rest = design.rest
        self.is_like_rest = self.rest.get("version") == version

    def document(self) -> dict[str, Any]:
        """All of it, in the order in which people read it."""
        write = self._channels_3 if self.is_3 else self._channels_2
        root = self.rest.get("root", {}) if self.is_like_rest else _only(self.rest.get("root", {}), ())
        info = {**self.rest.get("info", {}), "title": self.design.title, "version": self.design.version}
        if self.design.description:
            info["description"] = self.design.description
        if self.is_3:
            info |= self._about()
        document = {
            "asyncapi": VERSIONS[self.version],
            "info": info,
            "defaultContentType": "application/json",
            **root,
            "servers": self._servers(),
            **write(),
            "components": self._components(),
        }
        if not self.is_3:
            document |= self._about()
        return document

    def _about(self) -> dict[str, Any]:
        """Tags and external documents, which stand in `info` since version 3."""
        known = {tag.get("name"): tag for tag in self.rest.get("tags", []) if isinstance(tag, Mapping)}
        tags = [known.get(name, {"name": name}) for name in self.design.tags]
        tags += [tag for name, tag in known.items() if name not in self.design.tags and not _may_be_tag(name)]
        external = self.rest.get("externalDocs")
        return {**({"tags": tags} if tags else {}), **({"externalDocs": external} if external else {})}

    def _servers(self) -> dict[str, Any]:
        """The servers that a definition named, for those who make the design, and the gateway."""
        foreign = self.rest.get("servers", {}) if self.design.with_mappings else {}
        servers = {key: each if self.is_like_rest else self._translated(each) for key, each in foreign.items()}
        schemes = [OAUTH, *([IN_ADDRESS] if self.design.query_token else [])]
        for protocol, url in self.design.servers.items():
            if self.is_3:
                parts = urlsplit(url)
                address: dict[str, Any] = {"host": parts.netloc, "pathname": parts.path, "protocol": protocol}
                address["security"] = [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes]
            else:
                address = {"url": url, "protocol": protocol, "security": [{name: []} for name in schemes]}
            servers[_free("", protocol, servers)] = address
        return servers

    def _translated(self, server: Mapping[str, Any]) -> dict[str, Any]:
        """A server of the other version: its address is one text in version 2, and two parts in version 3."""
        kept = _only(server, SERVER_IN_BOTH)
        if not self.is_3:
            url = f"{server.get('protocol')}://{server.get('host', '')}{server.get('pathname') or ''}"
            return {"url": url, **kept}
        host, slash, path = str(server.get("url", "")).rpartition("://")[2].partition("/")
        return {"host": host, **({"pathname": f"{slash}{path}"} if path else {}), **kept}

    def _topics(self) -> list[tuple[Mapping[str, Any], Mapping[str, Any], dict[str, Any]]]:
        """Each topic with what the rest holds of it, and its channel's part that both versions share."""
        listed = []
        for topic in self.design.topics or [EVERY_TOPIC]:
            rest = self.rest.get("channels", {}).get(topic["target"], {})
            extra = dict(rest.get("extra", {}))
            if not self.is_like_rest:
                extra = _only(extra, BOTH_VERSIONS)
            if not self.design.with_mappings:
                extra.pop("servers", None)
            if topic.get("description"):
                extra["description"] = topic["description"]
            written = {}
            for name in variables_of(topic["target"]):
                known = rest.get("parameters", {}).get(name, {}) if self.is_like_rest else {}
                said = topic.get("parameters", {}).get(name)
                written[name] = {**USUAL_PARAMETER[self.version], **known, **({"description": said} if said else {})}
            if written:
                extra["parameters"] = written
            listed.append((topic, rest, extra))
        return listed

    def _channels_3(self) -> dict[str, Any]:
        channels: dict[str, Any] = {}
        operations: dict[str, Any] = {}
        for topic, rest, extra in self._topics():
            key = _free(rest.get("key") if self.is_like_rest else "", usual_key(topic["target"]), channels)
            channel = {"address": rest.get("address", topic["target"]), **extra, "messages": {}}
            channels[key] = channel
            names = self._names_3(topic, rest)
            for verb in topic["verbs"]:
                here = {names[verb, message["name"]]: message for message in topic.get("messages", {}).get(verb, [])}
                for name, message in here.items():
                    known = _message_rest(rest, verb, message["name"])
                    written = self._message(message, known, ("channels", key, "messages", name))
                    if name != message["name"]:
                        written["name"] = message["name"]
                    channel["messages"][name] = written
                operation: dict[str, Any] = {
                    "action": ACTIONS[verb],
                    "channel": {"$ref": f"#{pointer(('channels', key))}"},
                    **self._operation(topic, rest, verb),
                }
                if names:  # an operation that says nothing of messages has all those of its channel
                    paths = [("channels", key, "messages", name) for name in here]
                    operation["messages"] = [{"$ref": f"#{pointer(path)}"} for path in paths]
                known_key = rest.get("operations", {}).get(verb, {}).get("key") if self.is_like_rest else ""
                operations[_free(known_key, f"{verb}_{key}", operations)] = operation
            if not channel["messages"]:
                del channel["messages"]
        return {"channels": channels, "operations": operations}

    def _names_3(self, topic: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[tuple[str, str], str]:
        """The key of each message in its channel: both directions share one, but not for different messages."""
        held: dict[str, Any] = {}
        names = {}
        for verb in topic["verbs"]:
            for message in topic.get("messages", {}).get(verb, []):
                whole = (message, _message_rest(rest, verb, message["name"]))
                is_other = held.setdefault(message["name"], whole) != whole
                names[verb, message["name"]] = f"{message['name']}.{verb}" if is_other else message["name"]
        return names

    def _channels_2(self) -> dict[str, Any]:
        channels: dict[str, Any] = {}
        for topic, rest, extra in self._topics():
            address = rest.get("address", topic["target"])
            channels[address] = extra
            for verb in topic["verbs"]:
                operation = self._operation(topic, rest, verb)
                if self.is_like_rest and (key := rest.get("operations", {}).get(verb, {}).get("key")):
                    operation["operationId"] = key
                messages = topic.get("messages", {}).get(verb, [])
                at = ("channels", address, verb, "message")
                written = [
                    {
                        **self._message(
                            message,
                            _message_rest(rest, verb, message["name"]),
                            at if len(messages) == 1 else (*at, "oneOf", number),
                        ),
                        "name": message["name"],
                    }
                    for number, message in enumerate(messages)
                ]
                if written:
                    operation["message"] = written[0] if len(written) == 1 else {"oneOf": written}
                channels[address][verb] = operation
        return {"channels": channels}

    def _operation(self, topic: Mapping[str, Any], rest: Mapping[str, Any], verb: str) -> dict[str, Any]:
        extra = dict(rest.get("operations", {}).get(verb, {}).get("extra", {}))
        if not self.is_like_rest:
            extra = _only(extra, {*BOTH_VERSIONS, "summary"})
        if topic["scopes"]:
            scheme = {**self._oauth(), "scopes": topic["scopes"]}
            extra["security"] = [scheme] if self.is_3 else [{OAUTH: topic["scopes"]}]
            extra["x-scopes"] = topic["scopes"]
        if topic["mapping"] and self.design.with_mappings:
            extra["x-uri-mapping"] = topic["mapping"]
        return extra

    def _message(self, message: Mapping[str, Any], rest: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
        written = dict(rest) if self.is_like_rest else {key: each for key, each in rest.items() if key != "payload"}
        if "summary" in message:
            written["summary"] = message["summary"]
        if "schema" in message:
            written.pop("schemaFormat", None)
            written["payload"] = embedded(message["schema"], (*path, "payload"))
        given = rest.get("examples")
        known = [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []
        examples = [
            next((each for each in known if "payload" in each and each["payload"] == example), {"payload": example})
            for example in message.get("examples", [])
        ] + [each for each in known if "payload" not in each]
        return {**written, **({"examples": examples} if examples else {})}

    def _components(self) -> dict[str, Any]:
        kept = self.rest.get("components", {})
        if not self.is_like_rest:
            kept = _only(kept, SHARED_COMPONENTS)
        schemes = {**kept.get("securitySchemes", {}), OAUTH: self._oauth()}
        if self.design.query_token:
            schemes[IN_ADDRESS] = {
                "type": "httpApiKey",
                "in": "query",
                "name": "access_token",
                "description": "The same token in the address, for tools that cannot set a header.",
            }
        return {**kept, "securitySchemes": schemes}

    def _oauth(self) -> dict[str, Any]:
        """How a token is had, with the scopes there are."""
        scopes = {scope: "" for topic in self.design.topics for scope in topic["scopes"]}
        key = "availableScopes" if self.is_3 else "scopes"
        token = {"tokenUrl": self.design.token_url, key: scopes}
        code = {"authorizationUrl": self.design.authorization_url, **token}
        return {
            "type": "oauth2",
            "description": "An access token in the Authorization header, as Bearer.",
            "flows": {"clientCredentials": token, "authorizationCode": code},
        }


def _message_rest(rest: Mapping[str, Any], verb: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = rest.get("messages", {}).get(verb, {}).get(name, {})
    return found


def _only(values: Mapping[str, Any], keys: Any) -> dict[str, Any]:
    """What is under these keys, and every extension."""
    return {key: each for key, each in values.items() if key in keys or key.startswith("x-")}


def _free(wanted: str | None, usual: str, taken: Mapping[str, Any]) -> str:
    """A key that is not taken yet."""
    key, number = wanted or usual, 2
    while key in taken:
        key, number = f"{usual}_{number}", number + 1
    return key


def _may_be_tag(name: Any) -> bool:
    try:
        return isinstance(name, str) and clean_tags([name]) == [name]
    except BadValue:
        return False
