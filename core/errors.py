"""What an operation may refuse. Each room derives its own from these; every edge maps the bases once."""

from collections.abc import Mapping
from types import MappingProxyType

from core.translating import gettext


class DomainError(Exception):
    """An anticipated refusal. `str(error)` is a sentence for the person who asked; `code` is for machines.

    A class that always says the same says it in `sentence`, and is raised without one; where it names things, as
    `{name}`, they are given: `PlanNotFound(name="Gold")`. It is marked by `gettext_noop` where readers have it in their
    language. What is wrong with one field always says which in `field`.
    """

    status = 400
    code = 900400
    sentence = ""
    field = ""
    headers: Mapping[str, str] = MappingProxyType({})
    """What an answer over HTTP carries besides."""

    def __init__(self, sentence: str = "", fields: dict[str, str] | None = None, **named: object) -> None:
        said = self.sentence and gettext(self.sentence)
        super().__init__(sentence or (said.format(**named) if named else said))
        self.fields = fields or ({self.field: str(self)} if self.field else {})
        """The name of each field with what is wrong with it and how to put it right."""


class Invalid(DomainError):
    """What was sent is wrong; `fields` says where."""


class NotAllowed(DomainError):
    """The person may see the thing but lacks the right to do this to it."""

    status = 403
    code = 900403


class NotFound(DomainError):
    """There is no such thing, or the person may not know of it."""

    status = 404
    code = 900404


class TooOften(DomainError):
    """It was tried too often; the person may come back in so many `seconds`."""

    status = 429
    code = 900429

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.headers = {"Retry-After": str(seconds)}


class Conflict(DomainError):
    """The thing has changed, exists already, or is in a state that does not allow this."""

    status = 409
    code = 900409


def cannot_be_kept(error: Exception) -> bool:
    """Whether the database refused to write or look for a text that is none: NUL, half of a surrogate pair."""
    if isinstance(error, UnicodeEncodeError):
        return "surrogates" in error.reason
    return type(error).__name__ == "DataError" and "NUL" in str(error)
