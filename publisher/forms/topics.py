"""The forms of one topic and of one message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from core import values
from publisher import merging, payloads, topics
from publisher.asyncapi import source
from publisher.forms.common import PLAIN, GuardedForm
from publisher.models import Api

DIRECTIONS = [
    ("publish", "Publish: clients send messages to the API"),
    ("subscribe", "Subscribe: clients receive messages from the API"),
]
CODE = {**PLAIN, "class": "code-input", "dir": "ltr"}


class _EntryForm(GuardedForm):
    """A form on one entry of the topics. `original` says which; it is empty for one that is to be added."""

    original = forms.CharField(widget=forms.HiddenInput, required=False, max_length=topics.TARGET_LENGTH)

    def begin(self, stored: Mapping[str, Any], shown: Mapping[str, Any], original: str) -> None:
        """Draw the stored fields as they are `shown`, and take their digests along."""
        digests = {name: merging.digest(value) for name, value in stored.items()}
        self.initial = {**self.initial, **shown, "original": original, "base": json.dumps(digests)}


class TopicForm(_EntryForm):
    """One topic: its path, who sends on it, and what it is for."""

    target = forms.CharField(
        label="Topic",
        help_text="A path below the version. {id} stands for one segment, * at the end for all that follows.",
        widget=forms.TextInput(attrs={**PLAIN, "placeholder": "/rooms/{id}"}),
    )
    verbs = forms.MultipleChoiceField(
        label="Directions",
        choices=DIRECTIONS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one direction: nobody could use the topic otherwise."},
    )
    description = forms.CharField(
        label="Description", required=False, max_length=topics.DESCRIPTION_LENGTH, widget=forms.Textarea({"rows": 3})
    )
    scopes = forms.CharField(
        label="Scopes",
        required=False,
        help_text="With blanks between them. A token needs one of them; while this is empty, every token will do.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    mapping = forms.CharField(
        label="Path on the backend",
        required=False,
        help_text="Where it differs: /v2/rooms/{id}. Empty: the same path as here.",
        widget=forms.TextInput(attrs=PLAIN),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, api: Api, original: str = "") -> None:
        super().__init__(data, api=api)
        stored = topics.find(api.topics, original)
        fields = topics.topic_fields(stored or {"target": "/", "verbs": topics.VERBS, "mapping": "", "scopes": []})
        target = str(data.get("target", "")) if data else fields["target"]
        for name in dict.fromkeys(topics.variables_of(target[: topics.TARGET_LENGTH])):
            self.fields[f"variable:{name}"] = forms.CharField(
                label=f"What {{{name}}} stands for", required=False, max_length=topics.SUMMARY_LENGTH
            )
        shown = {**fields, "scopes": " ".join(fields["scopes"])}
        if stored:
            self.begin(fields, shown, original)
        else:
            self.initial = {**self.initial, "verbs": list(topics.VERBS), "base": ""}
        self.variables = [self[name] for name in self.fields if name.startswith("variable:")]

    def clean_scopes(self) -> list[str]:
        """Each once, in its order; commas part them as blanks do."""
        return list(dict.fromkeys(self.cleaned_data["scopes"].replace(",", " ").split()))

    def clean_target(self) -> str:
        """The path as it is stored."""
        try:
            return str(topics.clean_topics([{"target": self.cleaned_data["target"]}])[0]["target"])
        except values.BadValue as error:
            raise forms.ValidationError(str(error)) from None

    def edit(self) -> dict[str, Any]:
        """What `publisher.operations.save_topic` is told."""
        cleaned = self.cleaned_data
        names = ("target", "verbs", "description", "scopes", "mapping", *(field.name for field in self.variables))
        fields = {name: cleaned[name] for name in names}
        return {"original": cleaned["original"], "topic": fields, "base": cleaned["base"]}


class MessageForm(_EntryForm):
    """One message: its name, what it is for, the schema of its payload, and examples."""

    name = forms.CharField(
        label="Name",
        max_length=topics.NAME_LENGTH,
        help_text="Letters, digits and . _ -, such as say or room.joined.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    summary = forms.CharField(label="Summary", required=False, max_length=topics.SUMMARY_LENGTH)
    schema = forms.CharField(
        label="Payload schema",
        required=False,
        help_text="JSON Schema 2020-12 (or draft 7, where $schema says so), in JSON or YAML. Empty: any payload.",
        widget=forms.Textarea(attrs={**CODE, "rows": 14}),
    )
    examples = forms.CharField(
        label="Examples",
        required=False,
        help_text=f"Payloads in JSON, one after the other; at most {payloads.MAXIMUM_EXAMPLES}.",
        widget=forms.Textarea(attrs={**CODE, "rows": 8}),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, api: Api, topic: Mapping[str, Any], verb: str, original: str
    ) -> None:
        super().__init__(data, api=api)
        if stored := topics.find_message(topic, verb, original):
            fields = topics.message_fields(stored)
            schema = "" if fields["schema"] is None else source.as_json(fields["schema"]).rstrip()
            examples = "\n".join(source.as_json(each).rstrip() for each in fields["examples"])
            self.begin(fields, {**fields, "schema": schema, "examples": examples}, original)
        else:
            self.initial = {**self.initial, "base": ""}

    def clean_schema(self) -> Any:
        """The schema; None where there is none."""
        text = self.cleaned_data["schema"]
        if not text.strip():
            return None
        try:
            return payloads.clean_schema(source.read(text).value)
        except (source.BadSource, values.BadValue) as error:
            raise forms.ValidationError(str(error)) from None

    def clean_examples(self) -> list[Any]:
        """The payloads, JSON values one after the other, which fit the schema where there is one."""
        text = self.cleaned_data["examples"]
        decoder, found, rest = json.JSONDecoder(parse_constant=_no_number), list[Any](), text.strip()
        while rest:
            try:
                value, end = decoder.raw_decode(rest)
            except (ValueError, RecursionError) as error:
                line = text.count("\n", 0, len(text.rstrip()) - len(rest)) + getattr(error, "lineno", 1)
                sentence = f'Line {line} is no JSON. A text stands in quotes, such as "hello".'
                raise forms.ValidationError(sentence) from None
            found.append(value)
            rest = rest[end:].lstrip(" \t\r\n,")
        try:
            found = payloads.clean_examples(found)
        except values.BadValue as error:
            raise forms.ValidationError(str(error)) from None
        schema = self.cleaned_data.get("schema")
        if schema is not None and (wrong := payloads.misfits(schema, found)):
            raise forms.ValidationError(wrong)
        return found

    def edit(self) -> dict[str, Any]:
        """What `publisher.operations.save_message` is told."""
        cleaned = self.cleaned_data
        message = {name: cleaned[name] for name in ("name", "summary", "schema", "examples")}
        return {"original": cleaned["original"], "message": message, "base": cleaned["base"]}


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")
