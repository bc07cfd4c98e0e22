"""How the bodies of the REST API are read."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import exceptions
from rest_framework.parsers import JSONParser

from core.text import UNREADABLE, is_readable


class ReadableJSONParser(JSONParser):
    """JSON whose texts and names can all be kept. Raises ParseError or ValidationError."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The document."""
        document = super().parse(stream, media_type, parser_context)
        waiting: list[tuple[str, Any]] = [("", document)]
        while waiting:
            place, found = waiting.pop()
            texts = [found] if isinstance(found, str) else found if isinstance(found, dict) else ()
            if not all(map(is_readable, texts)):
                raise exceptions.ValidationError({place or "body": UNREADABLE})
            if isinstance(found, dict):
                waiting += [(f"{place}.{name}".lstrip("."), value) for name, value in found.items()]
            elif isinstance(found, list):
                waiting += [(f"{place}[{number}]", value) for number, value in enumerate(found)]
        return document
